import test from 'ava';
import fc from 'fast-check';
import { float, toNumber } from '../value.ts';
import { Draft, type Setting } from './draft.ts';
import { featuresOf } from './features.ts';
import { gradient } from './gradients.ts';
import { optimizersOf } from './optimizers.ts';

const features = featuresOf('2.15.0');
const dtype = 'float64';

for (const optimizer of optimizersOf(features)) {
  const setting: Setting = { features, optimizer, dtype, temper: 'usual' };
  const lr = 0.25;
  const decay = 0.125;

  /** Every gradient that is drawn for a parameter of this value. */
  const drawn = (value: number, maximize: boolean): number[] =>
    fc.sample(gradient(setting), { seed: 1, numRuns: 500 }).flatMap((make) => {
      const draft = new Draft(setting, [{ shape: [5], values: [value] }], {
        options: [
          ['lr', float(lr)],
          ['weight_decay', float(decay)],
          ['maximize', maximize],
        ],
        named: false,
        loop: false,
      });
      draft.group([0], []);
      return [...(draft.tensors[make(draft, 0)]!.toTypedArray() as Float64Array)];
    });

  for (const maximize of [false, true]) {
    test(`some gradients cancel the weight decay, within few places: ${optimizer.name}, maximize ${maximize}`, (t) => {
      const sums = drawn(3, maximize).map((grad) => (maximize ? -grad : grad) + decay * 3);
      t.true(sums.includes(0));
      t.true(sums.some((sum) => sum !== 0 && Math.abs(sum) < 1e-15));
    });
  }

  test(`some gradients move a parameter to nearly 0: ${optimizer.name}`, (t) => {
    const start = 1e-4;
    const moves = drawn(start, false).map((grad) => {
      if (optimizer.name === 'SGD') return lr * grad;
      const [rho, eps] = [toNumber(optimizer.defaults['rho']!), toNumber(optimizer.defaults['eps']!)];
      return (lr * Math.sqrt(eps) * grad) / Math.sqrt((1 - rho) * grad * grad + eps);
    });
    t.true(moves.some((move) => Math.abs(move - start) < 1e-15 * start));
  });
}
