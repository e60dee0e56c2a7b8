import test from 'ava';
import fc from 'fast-check';
import { TensorData } from 'torch-parity';
import { allowedE, checkBounds, errorRatio, type BoundCheck } from './bounded.ts';
import type { Trace } from './trace.ts';

function check(
  values: number[],
  truths: number[],
  bounds: number[],
  dtype: 'float32' | 'float64' = 'float64',
): BoundCheck {
  const snapshot = { params: [0], state: [] };
  const trace: Trace = { tensors: [TensorData.from(dtype, values)], records: [{}, { snapshot }] };
  const tensors = [TensorData.from('float64', truths), TensorData.from('float64', bounds)];
  return checkBounds(
    trace,
    { tensors, records: [{}, { snapshot, bounds: { params: [1], state: [] } }] },
    dtype,
  );
}

const finite = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e150, max: 1e150 });
const bound = fc.double({ noNaN: true, min: 1e-150, max: 1e150 });

test('within twice the bound passes, and further away does not', (t) => {
  fc.assert(
    fc.property(
      bound,
      fc.integer({ min: -9, max: 9 }),
      fc.integer({ min: -400, max: 400 }),
      (e, units, percent) => {
        const truth = units * e;
        const value = truth + (percent / 100) * e;
        const ratio = Math.abs(value - truth) / e;
        const { worst, violation, undecided } = check([value], [truth], [e]);
        t.is(worst, ratio);
        t.is(violation === undefined, ratio <= allowedE);
        t.is(undecided, 0);
      },
    ),
  );
});

test('an element with an infinite bound passes whatever it is, and is counted', (t) => {
  fc.assert(
    fc.property(fc.double(), fc.double(), (value, truth) => {
      t.deepEqual(check([value], [truth], [Infinity]), { elements: 1, undecided: 1, zeroSigns: 0, worst: 0 });
    }),
  );
});

test('NaN and the infinities must match the truth, and a bound that is no number allows the truth alone', (t) => {
  const classes = [NaN, Infinity, -Infinity, 1, 5];
  for (const value of classes) {
    for (const truth of classes) {
      for (const e of [0, 0.5, NaN]) {
        t.is(
          check([value], [truth], [e]).violation === undefined,
          Object.is(value, truth),
          `${value} ${truth} ${e}`,
        );
      }
    }
  }
});

test('a bound of zero allows the truth alone', (t) => {
  fc.assert(
    fc.property(finite, finite, (value, truth) =>
      t.is(errorRatio(value, truth, 0), value === truth ? 0 : Infinity),
    ),
  );
});

test('a zero of the other sign passes and is counted', (t) => {
  t.like(check([0, -0, 0], [-0, 0, 0], [1, 1, 1]), { zeroSigns: 2, worst: 0, elements: 3 });
});

test('a violation names its place, and is the first one', (t) => {
  const { violation } = check([1, 2, 9], [1, 1, 1], [1, 0.25, 1], 'float32');
  t.like(violation, { record: 1, path: 'params[0][1]' });
  t.regex(violation!.ours, /^2, 4\.00 E/);
});

test('an element without a bound is an error, not a zero', (t) => {
  const snapshot = { params: [0], state: [] };
  const trace: Trace = { tensors: [TensorData.from('float32', [1])], records: [{ snapshot }] };
  const truth: Trace = { tensors: [TensorData.from('float64', [1])], records: [{ snapshot }] };
  t.throws(() => checkBounds(trace, truth, 'float32'), { message: /no error bound for params\[0\]/ });
});

test('a float64 field of a float32 program is compared as float32, which its truth was made of', (t) => {
  const snapshot = { params: [0], state: [] };
  const trace: Trace = { tensors: [TensorData.from('float64', [0.002])], records: [{ snapshot }] };
  const tensors = [TensorData.from('float64', [Math.fround(0.002)]), TensorData.from('float64', [0])];
  const truth: Trace = { tensors, records: [{ snapshot, bounds: { params: [1], state: [] } }] };
  t.is(checkBounds(trace, truth, 'float32').violation, undefined);
  t.like(checkBounds(trace, truth, 'float64').violation, { path: 'params[0][0]' });
});

test('a tensor of another size than the truth is a violation', (t) => {
  t.like(check([1], [1, 1], [0, 0]).violation, { path: 'params[0]' });
});
