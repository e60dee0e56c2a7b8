import type { Definition, Operations } from 'torch-parity';
import { sgd } from './definitions.ts';
import { numeric, type Fault } from './fault.ts';
import { withFlags, withOperations, withScalars, withUpdate, type Scalar, type Tensor } from './patch.ts';

/** Faults of SGD's update. */
export const sgdFaults: readonly Fault[] = [
  numeric('dampening-at-first-step', 'dampening were applied at the first step too, to a buffer of zeros', {
    SGD: withOperations(sgd, (o, _, { oneMinusDampening }) => ({
      clone: (g) => o.mulScalar(g, oneMinusDampening),
    })),
  }),
  numeric('dampening-ignored', 'dampening were ignored', {
    SGD: withScalars(sgd, () => ({ oneMinusDampening: 1 })),
  }),
  numeric('momentum-buffer-behind', 'a step moved by the momentum buffer of the step before', {
    SGD: withUpdate(sgd, (o, tensors, scalars, flags) => {
      const { param, momentum_buffer } = tensors;
      const results = sgd.update(o, tensors, scalars, flags);
      if (!flags.hasMomentum || momentum_buffer === undefined) return results;
      return { ...results, param: o.add(param, momentum_buffer, scalars.minusLr) };
    }),
  }),
  numeric('momentum-includes-lr', 'the momentum buffer held lr times the gradients (as in Keras)', {
    SGD: lrInside(),
  }),
  numeric('nesterov-ignored', 'nesterov were ignored', { SGD: withFlags(sgd, { nesterov: false }) }),
  numeric('nesterov-swapped', 'nesterov added momentum times the gradient to the buffer', {
    SGD: withNesterov(sgd, (o, g, buffer, momentum) => o.add(buffer, g, momentum)),
  }),
  numeric('nesterov-behind', 'nesterov looked ahead with the momentum buffer of the step before', {
    SGD: withNesterov(sgd, (o, g, buffer, momentum, old) => o.add(g, old ?? buffer, momentum)),
  }),
];

/** Scaled by lr when gradients enter the buffer, and not when the buffer moves the parameter. Keras has no dampening. */
function lrInside(): Definition<object> {
  const scaled = withScalars(sgd, ({ minusLr }, { momentum }) =>
    momentum === 0 ? {} : { oneMinusDampening: -minusLr, minusLr: -1 },
  );
  const nesterov = withNesterov(scaled, (o, g, buffer, momentum, _, { oneMinusDampening }) =>
    o.add(o.mulScalar(g, oneMinusDampening), buffer, momentum),
  );
  return withOperations(nesterov, (o, _, { oneMinusDampening }) => ({
    clone: (g) => o.clone(o.mulScalar(g, oneMinusDampening)),
  }));
}

type SGD = typeof sgd;

/** SGD with another direction for Nesterov's momentum; what it should be is `o.add(g, buffer, momentum)`. */
function withNesterov(
  definition: SGD,
  direction: (
    o: Operations<Tensor, Scalar>,
    g: Tensor,
    buffer: Tensor,
    momentum: Scalar,
    old: Tensor | undefined,
    scalars: Record<'oneMinusDampening', Scalar>,
  ) => Tensor,
): SGD {
  return withOperations(definition, (o, { param, momentum_buffer }, scalars) => {
    let decayed: Tensor | undefined;
    let buffer: Tensor | undefined;
    return {
      clone: (g) => {
        const copy = o.clone(g);
        buffer = copy;
        return copy;
      },
      mulScalar(x, momentum) {
        const product = o.mulScalar(x, momentum);
        decayed = product;
        return product;
      },
      add(x, y, alpha) {
        if (y === buffer && x !== param) return direction(o, x, y, alpha, momentum_buffer, scalars);
        const sum = o.add(x, y, alpha);
        if (x === decayed) buffer = sum;
        return sum;
      },
    };
  });
}
