import * as fc from 'fast-check';
import { TensorData } from 'torch-parity';
import type { ParameterDType } from '../program.ts';

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

/** The dtypes of the tensors of a program. */
export type FilledDType = ParameterDType | 'int64';

/** A tensor filled from a list of values, in turn, each rounded to the dtype; a complex element takes two. */
export function filled(dtype: FilledDType, shape: readonly number[], values: readonly number[]): TensorData {
  const size = shape.reduce((product, length) => product * length, dtype === 'complex64' ? 2 : 1);
  const all = Array.from({ length: size }, (_, index) => values[index % values.length]!);
  if (dtype === 'complex64') return new TensorData(dtype, shape, TensorData.from('float32', all).bytes);
  if (dtype !== 'int64') return TensorData.from(dtype, all, shape);
  const integers = BigInt64Array.from(all, (value) => BigInt(Math.trunc(value % 2 ** 53) || 0));
  return new TensorData(dtype, shape, new Uint8Array(integers.buffer));
}
