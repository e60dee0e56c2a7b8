import { TorchTypeError } from './errors.ts';
import { TensorData, type DType } from './tensor_data.ts';

/** A tensor in another dtype, each element rounded to nearest even, as torch's `tensor.to(dtype)` does. */
export function cast<D extends 'float32' | 'float64'>(data: TensorData, dtype: D): TensorData<D> {
  if ((data.dtype as DType) === dtype) return data as TensorData as TensorData<D>;
  const numbers = Array.from<number | bigint, number>(data.toTypedArray(), (value) =>
    typeof value === 'bigint' && dtype === 'float32' ? Number(withStickyBit(value)) : Number(value),
  );
  return TensorData.from(dtype, numbers, data.shape);
}

/** The same scalar type plus one: what `step += 1` does to a counter, in its own dtype. */
export function increment(step: TensorData): TensorData {
  const values = step.toTypedArray();
  if (values instanceof BigInt64Array)
    return withValues(
      step,
      values.map((value) => value + 1n),
    );
  return withValues(
    step,
    values.map((value) => value + 1),
  );
}

function withValues(like: TensorData, { buffer }: { buffer: ArrayBufferLike }): TensorData {
  return new TensorData(like.dtype, like.shape, new Uint8Array(buffer));
}

/** An int64 with so few bits that a double holds it, and on the same side of every float32 boundary. */
function withStickyBit(value: bigint): bigint {
  if (BigInt.asIntN(54, value) === value) return value;
  const kept = (value >> 11n) << 11n;
  return kept === value ? kept : kept | (1n << 11n);
}

/** The float32 scalar that torch keeps as `step`. @throws TypeError for what is no number */
export function stepTensor(value: unknown): TensorData<'float32'> {
  const number = typeof value === 'boolean' || typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number') {
    throw new TorchTypeError('STEP_TYPE', `step must be a tensor or a number, but got ${typeof value}`);
  }
  return TensorData.from('float32', [number], []);
}
