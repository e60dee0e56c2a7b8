import * as fc from 'fast-check';
import { float, type Value } from '../value.ts';
import type { Features } from './features.ts';
import type { OptimizerSpec } from './optimizers.ts';
import { decimal, either, flag, floats, number } from './options.ts';

/** torch.optim.Adadelta(lr=1.0, rho=0.9, eps=1e-6, weight_decay=0). */
export function adadelta(features: Features): OptimizerSpec {
  return {
    name: 'Adadelta',
    defaults: { lr: float(1), rho: float(0.9), eps: float(1e-6), weight_decay: float(0) },
    restored: ['maximize', 'foreach', 'differentiable'],
    options: {
      // 1e39 is a legal double that float32 cannot hold, and 65505 one for float16: torch refuses it at the step, not in
      // the constructor.
      lr: number(
        either([1, floats(1)], [3, decimal(-4, 0)]),
        either([3, floats(0, 1e-45, 65504, 65505, 1e30, 3.4e38, 1e39, Infinity)], [1, decimal(-40, 30)]),
      ),
      // Near 1, the difference 1 - rho is where float32 would lose it.
      rho: number(
        either([1, floats(0.9)], [2, decimal(-1, -1)], [2, floats(0.95, 0.99, 0.999)]),
        either([3, floats(0, 1, 0.5, 0.9999999, 1 - 2 ** -53, 5e-324)], [2, decimal(-10, -1)]),
      ),
      eps: number(
        either([1, floats(1e-6)], [2, decimal(-10, -2)]),
        either([3, floats(0, 1e-45, 1e-46, 1, 1e300, Infinity)], [2, decimal(-45, 10)]),
      ),
      weight_decay: number(
        either([1, floats(0)], [2, decimal(-5, -1)]),
        either([3, floats(1e-300, 1e-10, 1, 1e20, Infinity)], [1, decimal(-40, 30)]),
      ),
      foreach: flag(null, false, true),
      maximize: flag(false, true),
      differentiable: flag(false),
      ...(features.capturable ? { capturable: flag(false) } : {}),
    },
    legal: (options) => options,
    refused: [
      [['lr', float(-1)]],
      [['lr', float(NaN)]],
      [['rho', float(1.5)]],
      [['rho', float(-0.1)]],
      [['rho', float(NaN)]],
      [['eps', float(-1e-6)]],
      [['eps', float(NaN)]],
      [['weight_decay', float(-1e-30)]],
      [['weight_decay', float(NaN)]],
    ],
    stateTensors: ['square_avg', 'acc_delta'],
    // At 2^24 a float32 step stands still, where torch 2.1's integer went on.
    older: [
      'step',
      features.capturable ? fc.constantFrom<Value>(1, 7, 2 ** 24, float(3)) : fc.constantFrom(1, 7),
    ],
    refusesPartialState: true,
    refusesSparse: true,
    // The first update is lr * sqrt(eps) * g / sqrt((1 - rho) * g^2 + eps), solved for g.
    gradientFor(move, option) {
      const [unit, eps] = [move / option('lr'), option('eps')];
      return unit * Math.sqrt(eps / (eps - unit * unit * (1 - option('rho'))));
    },
  };
}
