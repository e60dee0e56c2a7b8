import * as fc from 'fast-check';
import { type NumberDType, TensorData } from 'torch-parity';

/** Up to 16 elements mostly, since a step is compared element by element and shape hardly matters. */
const shortest = fc.integer({ min: 1, max: 16 }).map((size) => [size]);
const small = fc.integer({ min: 1, max: 4 });

/** Shapes of parameters: vectors, scalars, matrices, empty ones, and lengths that leave a rest in a vector loop. */
export function shape(): fc.Arbitrary<number[]> {
  return fc.oneof<fc.MaybeWeightedArbitrary<number[]>[]>(
    { withCrossShrink: true },
    { weight: 50, arbitrary: shortest },
    { weight: 10, arbitrary: fc.constant<number[]>([]) },
    { weight: 6, arbitrary: fc.constantFrom<number[][]>([0], [2, 0, 3]) },
    { weight: 16, arbitrary: fc.tuple(small, small) },
    { weight: 8, arbitrary: fc.tuple(small, small, fc.integer({ min: 1, max: 2 })) },
    { weight: 8, arbitrary: fc.constantFrom<number[][]>([17], [31], [33], [67], [3, 11]) },
    { weight: 1, arbitrary: fc.constantFrom<number[][]>([1000], [1003], [7, 143]) },
  );
}

/** A tensor filled from a list of values, in turn, each rounded to the dtype. */
export function filled(
  dtype: NumberDType | 'int64',
  shape: readonly number[],
  values: readonly number[],
): TensorData {
  const size = shape.reduce((product, length) => product * length, 1);
  const all = Array.from({ length: size }, (_, index) => values[index % values.length]!);
  if (dtype !== 'int64') return TensorData.from(dtype, all, shape);
  const integers = BigInt64Array.from(all, (value) => BigInt(Math.trunc(value % 2 ** 53) || 0));
  return new TensorData(dtype, shape, new Uint8Array(integers.buffer));
}
