import test from 'ava';
import fc from 'fast-check';
import { itemSizes, type DType } from '../dtype.ts';
import { gather, isContiguous, reach, type Strided } from './gather.ts';

const dtypes = Object.keys(itemSizes) as DType[];
const dimension = fc.record({
  size: fc.oneof({ weight: 15, arbitrary: fc.integer({ min: 1, max: 4 }) }, fc.constant(0)),
  stride: fc.integer({ min: 0, max: 6 }),
});
const strided: fc.Arbitrary<Strided> = fc
  .tuple(fc.array(dimension, { maxLength: 5, size: 'max' }), fc.constantFrom(...dtypes))
  .map(([dimensions, dtype]) => ({
    dtype,
    shape: dimensions.map(({ size }) => size),
    stride: dimensions.map(({ stride }) => stride),
  }));

/** The elements' places in row-major order, the plainest way. */
function places({ shape, stride }: Strided): number[] {
  return shape.reduce(
    (starts, size, i) =>
      starts.flatMap((start) => Array.from({ length: size }, (_, k) => start + k * stride[i]!)),
    [0],
  );
}

test('gather copies every element from its place, with all its bytes', (t) => {
  fc.assert(
    fc.property(strided, fc.integer({ min: 0, max: 7 }), (tensor, misaligned) => {
      const item = itemSizes[tensor.dtype];
      const expected = places(tensor);
      const room = new Uint8Array(misaligned + reach(tensor) * item).map((_, i) => i * 37);
      const from = room.subarray(misaligned);
      const to = new Uint8Array(expected.length * item);
      gather(tensor, from, to);
      t.deepEqual(
        to,
        Uint8Array.from(expected.flatMap((place) => [...from.subarray(place * item, (place + 1) * item)])),
      );
    }),
    { numRuns: 500 },
  );
});

test('what lies askew is read where it is, and what is behind it is not', (t) => {
  const room = new Uint8Array(50_000_001);
  const to = new Uint8Array(16);
  const before = performance.now();
  for (let i = 0; i < 1_000; i++)
    gather({ dtype: 'float32', shape: [2, 2], stride: [1, 2] }, room.subarray(1), to);
  t.true(performance.now() - before < 1_000);
  const askew = new Uint8Array(17).subarray(1);
  gather(
    { dtype: 'float32', shape: [2, 2], stride: [1, 2] },
    Uint8Array.from({ length: 16 }, (_, i) => i),
    askew,
  );
  t.deepEqual([...askew], [0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15]);
});

test('reach is the place behind the farthest element, and contiguous is what lies in row-major order', (t) => {
  fc.assert(
    fc.property(strided, (tensor) => {
      const expected = places(tensor);
      t.is(reach(tensor), Math.max(-1, ...expected) + 1);
      t.is(
        isContiguous(tensor),
        expected.every((place, i) => place === i),
      );
    }),
  );
});
