import { defineOptimizer, pyInt, reprFloat, ValueError } from 'torch-parity';
import type { OptimizerClass } from 'torch-parity';

export interface LionOptions {
  lr: number;
  betas: readonly [number, number];
  weightDecay: number;
  maximize: boolean;
}

/**
 * Lion (Chen et al., 2023, https://arxiv.org/abs/2302.06675), an optimizer that torch.optim does not have; lion.py is its
 * like in PyTorch:
 *
 *     θ ← θ − γ λ θ                            λ: weightDecay, γ: lr
 *     θ ← θ − γ sign(β₁ m + (1 − β₁) g)
 *     m ← β₂ m + (1 − β₂) g                    m: exp_avg, from 0
 */
export const Lion: OptimizerClass<LionOptions> = defineOptimizer({
  name: 'Lion',
  options: { lr: 1e-4, betas: [0.9, 0.99], weightDecay: pyInt(0), maximize: false },
  state: { exp_avg: 'zeros' },

  validate({ lr, betas: [beta1, beta2] }) {
    if (!(lr >= 0)) throw new ValueError('INVALID_OPTION', `Invalid learning rate: ${reprFloat(lr)}`);
    if (!(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1)) {
      throw new ValueError('INVALID_OPTION', `Invalid betas: (${reprFloat(beta1)}, ${reprFloat(beta2)})`);
    }
  },

  prepare: ({ lr, betas: [beta1, beta2], weightDecay, maximize }) => ({
    scalars: {
      ...{ minusLr: -lr, kept: 1 - lr * weightDecay },
      ...{ beta1, oneMinusBeta1: 1 - beta1, beta2, oneMinusBeta2: 1 - beta2 },
    },
    flags: { maximize, decays: weightDecay !== 0 },
  }),

  update(o, { param, grad, exp_avg }, s, is) {
    const g = is.maximize ? o.neg(grad) : grad;
    const theta = is.decays ? o.mulScalar(param, s.kept) : param;
    const direction = o.sign(o.add(o.mulScalar(exp_avg, s.beta1), g, s.oneMinusBeta1));
    const average = o.add(o.mulScalar(exp_avg, s.beta2), g, s.oneMinusBeta2);
    return { param: o.add(theta, direction, s.minusLr), exp_avg: average };
  },
});
