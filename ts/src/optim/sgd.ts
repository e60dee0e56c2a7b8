import { RuntimeError, ValueError } from '../errors.ts';
import { pyInt } from '../python/number.ts';
import { reprFloat } from '../python/repr.ts';
import { defineOptimizer, type OptimizerClass } from './define_optimizer.ts';
import type { Optimizer } from './optimizer.ts';

/** Options of {@link SGD}; each may also be given for one group. */
export interface SGDOptions {
  /** Learning rate. @defaultValue 1e-3 */
  lr: number;
  /** Momentum factor. @defaultValue 0 */
  momentum: number;
  /** Dampening for momentum. @defaultValue 0 */
  dampening: number;
  /** L2 penalty: adds `weightDecay` times the parameter to its gradient. @defaultValue 0 */
  weightDecay: number;
  /** Nesterov momentum; needs a momentum and no dampening. @defaultValue false */
  nesterov: boolean;
  /** Maximizes the objective instead of minimizing it. @defaultValue false */
  maximize: boolean;
  /** Recorded and serialized; selects nothing. @defaultValue null */
  foreach: boolean | null;
  /** Recorded and serialized; a step with `true` is refused. @defaultValue false */
  differentiable: boolean;
  /** Recorded and serialized; a step with `true` is refused. @defaultValue null */
  fused: boolean | null;
}

type Scalars = 'minusLr' | 'momentum' | 'oneMinusDampening' | 'weightDecay';
type Flags = 'maximize' | 'decays' | 'hasMomentum' | 'nesterov';

/**
 * Stochastic gradient descent with momentum, as torch.optim.SGD computes it (Sutskever et al., 2013,
 * http://www.cs.toronto.edu/%7Ehinton/absps/momentum.pdf, for Nesterov's):
 *
 *     g ← −g if maximize;  g ← g + λ θ                 λ: weightDecay
 *     b ← g at the first step, then μ b + (1 − τ) g    b: momentum_buffer, μ: momentum, τ: dampening
 *     g ← g + μ b if nesterov, else b                  (both lines only if μ ≠ 0)
 *     θ ← θ − γ g                                      γ: lr
 */
export const SGD: OptimizerClass<SGDOptions, Scalars, Flags, never, 'momentum_buffer'> = defineOptimizer({
  name: 'SGD',
  options: {
    lr: 1e-3,
    momentum: pyInt(0),
    dampening: pyInt(0),
    weightDecay: pyInt(0),
    nesterov: false,
    maximize: false,
    foreach: null,
    differentiable: false,
    fused: null,
  },
  state: { momentum_buffer: 'lazy' },
  addedOnLoad: { nesterov: false, maximize: false, foreach: null, differentiable: false, fused: false },

  validate({ lr, momentum, dampening, weightDecay, nesterov, foreach, differentiable, fused }) {
    if (lr < 0) throw new ValueError('INVALID_OPTION', `Invalid learning rate: ${reprFloat(lr)}`);
    if (momentum < 0)
      throw new ValueError('INVALID_OPTION', `Invalid momentum value: ${reprFloat(momentum)}`);
    if (weightDecay < 0) {
      throw new ValueError('INVALID_OPTION', `Invalid weight_decay value: ${reprFloat(weightDecay)}`);
    }
    if (nesterov && (momentum <= 0 || dampening !== 0)) {
      throw new ValueError('INVALID_OPTION', 'Nesterov momentum requires a momentum and zero dampening');
    }
    if (fused && differentiable) {
      throw new RuntimeError('INVALID_OPTION', '`fused` does not support `differentiable`');
    }
    if (fused && foreach) {
      throw new RuntimeError('INVALID_OPTION', '`fused` and `foreach` cannot be `True` together.');
    }
  },

  prepare: ({ lr, momentum, dampening, weightDecay, nesterov, maximize }) => ({
    scalars: { minusLr: -lr, momentum, oneMinusDampening: 1 - dampening, weightDecay },
    flags: { maximize, decays: weightDecay !== 0, hasMomentum: momentum !== 0, nesterov },
  }),

  update(o, { param, grad, momentum_buffer }, { minusLr, momentum, oneMinusDampening, weightDecay }, is) {
    let g = is.maximize ? o.neg(grad) : grad;
    if (is.decays) g = o.add(g, param, weightDecay);
    if (!is.hasMomentum) return { param: o.add(param, g, minusLr) };
    const buffer =
      momentum_buffer === undefined
        ? o.clone(g)
        : o.add(o.mulScalar(momentum_buffer, momentum), g, oneMinusDampening);
    const direction = is.nesterov ? o.add(g, buffer, momentum) : buffer;
    return { param: o.add(param, direction, minusLr), momentum_buffer: buffer };
  },
});
export type SGD = Optimizer<SGDOptions>;
