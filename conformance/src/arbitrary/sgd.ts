import * as fc from 'fast-check';
import { float, toNumber } from '../value.ts';
import type { OptimizerSpec } from './optimizers.ts';
import { decimal, either, flag, floats, number } from './options.ts';

/** torch.optim.SGD(lr=1e-3, momentum=0, dampening=0, weight_decay=0, nesterov=False). */
export function sgd(): OptimizerSpec {
  return {
    name: 'SGD',
    defaults: { lr: float(1e-3), momentum: float(0), dampening: float(0), weight_decay: float(0) },
    restored: ['maximize', 'foreach', 'differentiable'],
    options: {
      lr: number(
        either([1, floats(1e-3)], [3, decimal(-4, 0)]),
        either([3, floats(0, 1, 1e-45, 65504, 65505, 3.4e38, 1e39, Infinity)], [1, decimal(-40, 30)]),
      ),
      momentum: number(
        either([1, floats(0)], [3, decimal(-1, -1)], [2, floats(0.9, 0.99)]),
        either([3, floats(5e-324, 1, 1.5, 1e39, Infinity)], [2, decimal(-10, 10)]),
      ),
      // Never validated: a negative dampening is legal.
      dampening: number(
        either([3, floats(0)], [2, decimal(-1, -1)]),
        either([2, floats(1, -0.5, 2, 1 - 2 ** -53)], [1, decimal(-10, 10)]),
      ),
      weight_decay: number(
        either([1, floats(0)], [2, decimal(-5, -1)]),
        either([3, floats(1e-300, 1e-10, 1, 1e20, Infinity)], [1, decimal(-40, 30)]),
      ),
      nesterov: flag(false, true),
      maximize: flag(false, true),
      foreach: flag(null, false, true),
      differentiable: flag(false),
      fused: flag(null),
    },
    legal(options) {
      const given = new Map(options);
      const amount = (key: string) => toNumber(given.get(key) ?? 0);
      const nesterov = amount('momentum') > 0 && amount('dampening') === 0;
      return options.filter(([key]) => key !== 'nesterov' || nesterov);
    },
    refused: [
      [['lr', float(-1)]],
      [['momentum', float(-0.9)]],
      [['weight_decay', float(-1e-30)]],
      [['nesterov', true]],
      [
        ['nesterov', true],
        ['momentum', float(0.9)],
        ['dampening', float(0.1)],
      ],
    ],
    stateTensors: ['momentum_buffer'],
    older: ['momentum_buffer', fc.constant(null)],
    refusesPartialState: false,
    refusesSparse: false,
    gradientFor: (move, option) => move / option('lr'),
  };
}
