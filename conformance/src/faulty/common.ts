import { numeric, type Fault } from './fault.ts';
import {
  both,
  withFlags,
  withOperations,
  withScalars,
  withUpdate,
  type Common,
  type Tensor,
} from './patch.ts';

/** Faults of what the updates of both optimizers do: lr, maximize, weight decay. */
export const commonFaults: readonly Fault[] = [
  numeric(
    'lr-off',
    'lr were multiplied by 1 + 1e-5',
    both((own) => withScalars(own, ({ minusLr }) => ({ minusLr: minusLr * (1 + 1e-5) }))),
  ),
  numeric(
    'maximize-ignored',
    'maximize were ignored',
    both((own) => withFlags(own, { maximize: false })),
  ),
  numeric(
    'maximize-negates-decay',
    'maximize negated the gradient after weight decay was added',
    both((own) =>
      withOperations(own, (o, { param }, _, { maximize, decays }) => {
        if (!maximize || !decays) return {};
        return {
          neg: (g) => g,
          add: (x, y, alpha) => (y === param ? o.neg(o.add(x, y, alpha)) : o.add(x, y, alpha)),
        };
      }),
    ),
  ),
  numeric(
    'decay-doubled',
    'weight decay were the gradient of λ θ² and not of λ θ² / 2',
    both((own) => withScalars(own, ({ weightDecay }) => ({ weightDecay: 2 * weightDecay }))),
  ),
  numeric(
    'decay-decoupled',
    'weight decay were decoupled: lr λ θ taken off the parameter before the step (as in AdamW)',
    both((own) => decoupled(own, 'before')),
  ),
  numeric(
    'decay-after-update',
    'weight decay were taken off the parameter after the step',
    both((own) => decoupled(own, 'after')),
  ),
];

function decoupled(definition: Common, when: 'before' | 'after'): Common {
  const scaled = withScalars(definition, ({ minusLr, weightDecay }) => ({
    weightDecay: minusLr * weightDecay,
  }));
  return withUpdate(scaled, (o, tensors, scalars, flags) => {
    if (!flags.decays) return definition.update(o, tensors, scalars, flags);
    const decayed = (param: Tensor): Tensor => o.add(param, param, scalars.weightDecay);
    const param = when === 'before' ? decayed(tensors.param) : tensors.param;
    const results = definition.update(o, { ...tensors, param }, scalars, { ...flags, decays: false });
    return when === 'after' ? { ...results, param: decayed(results.param) } : results;
  });
}
