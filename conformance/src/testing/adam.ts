import { defineOptimizer, power, pyInt } from 'torch-parity';
import type { OptimizerClass } from 'torch-parity';

interface AdamOptions {
  lr: number;
  betas: readonly [number, number];
  eps: number;
  weightDecay: number;
  amsgrad: boolean;
  maximize: boolean;
  foreach: boolean | null;
  capturable: boolean;
  differentiable: boolean;
  fused: boolean | null;
  decoupledWeightDecay: boolean;
}

/** torch.optim.Adam without amsgrad, by the public interface: what the interface can do. */
export const Adam: OptimizerClass<AdamOptions> = defineOptimizer({
  name: 'Adam',
  options: {
    ...{ lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: pyInt(0), amsgrad: false },
    ...{ maximize: false, foreach: null, capturable: false, differentiable: false, fused: null },
    decoupledWeightDecay: false,
  },
  state: { step: 'count', exp_avg: 'zeros', exp_avg_sq: 'zeros' },

  prepare({ lr, betas: [beta1, beta2], eps, weightDecay, maximize, decoupledWeightDecay: decoupled }, step) {
    const correction = 1 - power(beta1, step);
    const root = Math.sqrt(1 - power(beta2, step));
    return {
      scalars: {
        ...{ weight: 1 - beta1, beta2, oneMinusBeta2: 1 - beta2, eps, weightDecay },
        ...{ kept: 1 - lr * weightDecay, unscale: root, minusStep: -(lr / correction) },
      },
      flags: { maximize, decays: weightDecay !== 0, decoupled },
    };
  },

  update(o, { param, grad, exp_avg, exp_avg_sq }, s, is) {
    let g = is.maximize ? o.neg(grad) : grad;
    const theta = is.decays && is.decoupled ? o.mulScalar(param, s.kept) : param;
    if (is.decays && !is.decoupled) g = o.add(g, param, s.weightDecay);
    const m = o.lerp(exp_avg, g, s.weight);
    const v = o.addcmul(o.mulScalar(exp_avg_sq, s.beta2), g, g, s.oneMinusBeta2);
    const denominator = o.addScalar(o.divScalar(o.sqrt(v), s.unscale), s.eps);
    return { param: o.addcdiv(theta, m, denominator, s.minusStep), exp_avg: m, exp_avg_sq: v };
  },
});
