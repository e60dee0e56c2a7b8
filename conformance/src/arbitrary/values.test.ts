import test from 'ava';
import fc from 'fast-check';
import { parameterDTypes, type ParameterDType } from '../program.ts';
import { floatFormats } from './float_format.ts';
import { elements, type Temper } from './values.ts';

function drawn(dtype: ParameterDType, temper: Temper): number[] {
  return fc.sample(elements(dtype, temper), { seed: 1, numRuns: 2000 }).flat();
}

for (const dtype of parameterDTypes) {
  const { max, minNormal, minSubnormal } = floatFormats[dtype];

  test(`usual ${dtype} values are such that an error bound decides: zero, or within a few decades of 1`, (t) => {
    const magnitudes = drawn(dtype, 'usual').map(Math.abs);
    t.true(magnitudes.every((value) => value === 0 || (value >= 2 ** -12 && value < 2 ** 5)));
    t.true(magnitudes.includes(0));
  });

  test(`wild ${dtype} values are of every class`, (t) => {
    const values = drawn(dtype, 'wild');
    for (const special of [0, -0, 1, -1, max, -max, minNormal, minSubnormal, NaN, Infinity, -Infinity]) {
      t.true(
        values.some((value) => Object.is(value, special)),
        String(special),
      );
    }
    const share = (within: (magnitude: number) => boolean) =>
      values.filter((value) => within(Math.abs(value))).length / values.length;
    t.true(share((value) => value > 0 && value < minNormal) > 0.05, 'subnormal');
    t.true(share((value) => value > Math.sqrt(max)) > 0.05, 'large');
    t.true(share((value) => value > 2 ** -12 && value < 2 ** 5) > 0.3, 'moderate');
    t.true(share(Number.isNaN) < 0.1, 'NaN');
  });
}

test('a list shrinks to the one element that matters, and that to a short number', (t) => {
  const property = fc.property(elements('float32', 'usual'), (list) => !list.some((value) => value < -3));
  const { counterexample, numShrinks } = fc.check(property, { seed: 1, numRuns: 1000 });
  t.is(counterexample![0].length, 1);
  t.regex(String(counterexample![0][0]), /^-\d+(\.\d)?$/);
  t.true(numShrinks < 20);
});

test('where all fails, what is left is 1', (t) => {
  const { counterexample } = fc.check(
    fc.property(elements('float64', 'wild'), () => false),
    { seed: 1 },
  );
  t.deepEqual(counterexample, [[1]]);
});
