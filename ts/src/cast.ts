import { TorchTypeError } from './errors.ts';
import { itemSizes, type DType } from './dtype.ts';
import { encodeHalves } from './float_formats.ts';
import { typeName } from './python/repr.ts';
import { TensorData } from './tensor_data.ts';
import { warn } from './warn.ts';

/** What the two parts of a complex number are. */
const partTypes = { complex128: 'float64', complex64: 'float32', complex32: 'float16' } as const;
type ComplexDType = keyof typeof partTypes;

/** The dtypes that {@link cast} makes: those of real parameters. */
type RealDType = 'float16' | 'bfloat16' | 'float32' | 'float64';

/**
 * A tensor in another dtype, each element rounded to the nearest, ties to even, as torch's `tensor.to(dtype)` does; the
 * tensor itself if it has the dtype. A complex tensor loses its imaginary part, with torch's warning.
 *
 * @throws TypeError for what is no TensorData
 */
export function cast<D extends RealDType>(data: TensorData, dtype: D): TensorData<D> {
  if (!(data instanceof TensorData)) {
    throw new TorchTypeError(
      'NOT_TENSOR_DATA',
      `cast takes TensorData, but got ${typeName(data)}: fromTensor(tensor) makes it of a tf.Tensor`,
    );
  }
  if ((data.dtype as DType) === dtype) return data as TensorData as TensorData<D>;
  const real = isComplex(data) ? realPart(data) : data;
  return new TensorData(dtype, data.shape, new Uint8Array(arrayOf(real, dtype).buffer));
}

function arrayOf(data: TensorData, dtype: RealDType): Float32Array | Float64Array | Uint16Array {
  if (dtype === 'float64') return float64Array(data);
  const array = data.toFloat32Array();
  // torch rounds doubles twice on their way to halves, and so does this.
  return dtype === 'float32' ? array : encodeHalves(dtype, array);
}

function float64Array(data: TensorData): Float64Array {
  // What fits into a float32 takes that way.
  if (itemSizes[data.dtype] <= 2) return new Float64Array(data.toFloat32Array());
  const array: ArrayLike<number | bigint> = data.toTypedArray();
  const isBig = array instanceof BigInt64Array || array instanceof BigUint64Array;
  return isBig
    ? Float64Array.from(array as Iterable<bigint>, Number)
    : new Float64Array(array as ArrayLike<number>);
}

function isComplex(data: TensorData): data is TensorData<ComplexDType> {
  return Object.hasOwn(partTypes, data.dtype);
}

function realPart(data: TensorData<ComplexDType>): TensorData {
  const { dtype, bytes, shape } = data;
  if (bytes.length > 0) warn('UserWarning', 'Casting complex values to real discards the imaginary part');
  const size = itemSizes[dtype];
  const real = bytes.filter((_, i) => i % size < size / 2);
  return new TensorData(partTypes[dtype], shape, real);
}

/** @throws TypeError for a counter of steps that {@link increment} cannot count with */
export function checkCount({ dtype }: TensorData): void {
  if (isCounting(dtype)) return;
  throw new TorchTypeError(
    'STEP_TYPE',
    `step counts in float32, float64 or integers, but is ${dtype}: cast it, cast(step, 'float32')`,
  );
}

/** Whether a counter of steps may have this dtype. */
export function isCounting(dtype: DType): boolean {
  return /^(u?int|float(32|64)$)/.test(dtype);
}

/** The same scalar type plus one: what `step += 1` does to a counter, in its own dtype. */
export function increment(step: TensorData): TensorData {
  const values = step.toTypedArray();
  if (values instanceof BigInt64Array || values instanceof BigUint64Array)
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

/** The float32 scalar that torch keeps as `step`. @throws TypeError for what is no number */
export function stepTensor(value: unknown): TensorData<'float32'> {
  const number = typeof value === 'boolean' || typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number') {
    throw new TorchTypeError('STEP_TYPE', `step must be a tensor or a number, but got ${typeof value}`);
  }
  return TensorData.from('float32', [number], []);
}
