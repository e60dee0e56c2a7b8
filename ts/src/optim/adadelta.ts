import { AssertionError, ValueError } from '../errors.ts';
import { pyInt } from '../python/number.ts';
import { reprFloat } from '../python/repr.ts';
import { defineOptimizer, type OptimizerClass } from './define_optimizer.ts';
import type { Optimizer } from './optimizer.ts';

/** Options of {@link Adadelta}; each may also be given for one group. */
export interface AdadeltaOptions {
  /** Coefficient that scales the update before it is applied to the parameters. @defaultValue 1.0 */
  lr: number;
  /** Coefficient of the running averages of squared gradients and updates, 0 to 1. @defaultValue 0.9 */
  rho: number;
  /** Added inside both square roots, for numerical stability. @defaultValue 1e-6 */
  eps: number;
  /** L2 penalty: adds `weightDecay` times the parameter to its gradient. @defaultValue 0 */
  weightDecay: number;
  /** Maximizes the objective instead of minimizing it. @defaultValue false */
  maximize: boolean;
  /** Recorded and serialized; `true` is torch's AssertionError at the step, off CUDA. @defaultValue false */
  capturable: boolean;
  /** Recorded and serialized; selects nothing. @defaultValue null */
  foreach: boolean | null;
  /** Recorded and serialized; a step with `true` is refused. @defaultValue false */
  differentiable: boolean;
}

type Scalars = 'rho' | 'oneMinusRho' | 'eps' | 'weightDecay' | 'minusLr';
type State = 'square_avg' | 'acc_delta';
type Flags = 'maximize' | 'decays';

/**
 * ADADELTA: An Adaptive Learning Rate Method (Zeiler, 2012, https://arxiv.org/abs/1212.5701), as torch.optim.Adadelta
 * computes it:
 *
 *     g ← −g if maximize;  g ← g + λ θ                 λ: weightDecay
 *     v ← ρ v + (1 − ρ) g²                             v: square_avg, from 0
 *     Δ ← √(u + ε) / √(v + ε) · g
 *     u ← ρ u + (1 − ρ) Δ²                             u: acc_delta, from 0
 *     θ ← θ − γ Δ                                      γ: lr
 */
export const Adadelta: OptimizerClass<AdadeltaOptions, Scalars, Flags, State, never> = defineOptimizer({
  name: 'Adadelta',
  options: {
    lr: 1,
    rho: 0.9,
    eps: 1e-6,
    weightDecay: pyInt(0),
    maximize: false,
    capturable: false,
    foreach: null,
    differentiable: false,
  },
  state: { step: 'count', square_avg: 'zeros', acc_delta: 'zeros' },
  addedOnLoad: { foreach: null, maximize: false, differentiable: false, capturable: false },

  validate({ lr, rho, eps, weightDecay }) {
    if (!(lr >= 0)) throw new ValueError('INVALID_OPTION', `Invalid learning rate: ${reprFloat(lr)}`);
    if (!(rho >= 0 && rho <= 1))
      throw new ValueError('INVALID_OPTION', `Invalid rho value: ${reprFloat(rho)}`);
    if (!(eps >= 0)) throw new ValueError('INVALID_OPTION', `Invalid epsilon value: ${reprFloat(eps)}`);
    if (!(weightDecay >= 0)) {
      throw new ValueError('INVALID_OPTION', `Invalid weight_decay value: ${reprFloat(weightDecay)}`);
    }
  },

  check({ capturable }) {
    if (!capturable) return;
    const devices = "['cuda', 'xpu', 'hpu', 'privateuseone']";
    throw new AssertionError(
      'CAPTURABLE',
      `If capturable=True, params and state_steps must be on supported devices: ${devices}.`,
    );
  },

  prepare: ({ lr, rho, eps, weightDecay, maximize }) => ({
    scalars: { rho, oneMinusRho: 1 - rho, eps, weightDecay, minusLr: -lr },
    flags: { maximize, decays: weightDecay !== 0 },
  }),

  update(o, { param, grad, square_avg, acc_delta }, { rho, oneMinusRho, eps, weightDecay, minusLr }, is) {
    let g = is.maximize ? o.neg(grad) : grad;
    if (is.decays) g = o.add(g, param, weightDecay);
    g = o.viewAsReal(g);
    const v = o.addcmul(o.mulScalar(o.viewAsReal(square_avg), rho), g, g, oneMinusRho);
    const before = o.viewAsReal(acc_delta);
    const std = o.sqrt(o.addScalar(v, eps));
    const delta = o.mul(o.div(o.sqrt(o.addScalar(before, eps)), std), g);
    const u = o.addcmul(o.mulScalar(before, rho), delta, delta, oneMinusRho);
    return {
      param: o.add(param, o.viewAsComplex(delta), minusLr),
      square_avg: o.viewAsComplex(v),
      acc_delta: o.viewAsComplex(u),
    };
  },
});
export type Adadelta = Optimizer<AdadeltaOptions>;
