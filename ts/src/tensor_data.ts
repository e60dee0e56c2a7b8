import { isDType, itemSizes, typedArrays, type DType, type TypedArrayOf } from './dtype.ts';
import { TorchTypeError, ValueError } from './errors.ts';
import { decodeFloats, encodeHalves, isSmallFloat } from './float_formats.ts';
import { isSize } from './python/collections.ts';

const numberDTypes = ['float32', 'float64', 'float16', 'bfloat16', 'int32', 'complex64'] as const;

/** The dtypes that `TensorData.from` rounds plain numbers to. */
export type NumberDType = (typeof numberDTypes)[number];

/**
 * A tensor at rest on the host: a dtype, a shape, and its elements as little-endian bytes in row-major order.
 *
 * It is what state dicts are made of. It needs no backend, has nothing to dispose, and never passes an element
 * through a number, so every bit survives (NaN payloads too).
 */
export class TensorData<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;

  /**
   * @param bytes - owned by the tensor from here on; not copied
   * @throws ValueError if a dimension is not a size, or the bytes do not fill the shape exactly
   */
  constructor(dtype: D, shape: readonly number[], bytes: Uint8Array) {
    if (!isDType(dtype)) {
      const known = Object.keys(itemSizes).join(', ');
      throw new ValueError('UNKNOWN_DTYPE', `unknown dtype ${String(dtype)}: it must be one of ${known}`);
    }
    // every() passes over the holes of an array; a spread fills them.
    if (![...shape].every(isSize)) {
      throw new ValueError('BAD_SHAPE', `a shape is a list of sizes, but got [${shape.join(', ')}]`);
    }
    const expected = sizeOf(shape) * itemSizes[dtype];
    if (bytes.byteLength !== expected) {
      throw new ValueError(
        'BAD_BYTES',
        `a ${dtype} tensor of shape [${shape.join(', ')}] has ${expected} bytes, but got ${bytes.byteLength}`,
      );
    }
    this.dtype = dtype;
    this.shape = [...shape];
    // A view of its own: a Buffer's slice() would not copy.
    this.bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /**
   * A tensor of these numbers, each rounded to the dtype.
   *
   * @param values - the elements in row-major order; of complex64, pairs of real and imaginary part
   * @param shape - that of a vector if left out; `[]` makes a scalar
   * @throws TypeError for another dtype, or values that are no numbers
   */
  static from<D extends NumberDType>(
    dtype: D,
    values: ArrayLike<number>,
    shape: readonly number[] = [dtype === 'complex64' ? values.length / 2 : values.length],
  ): TensorData<D> {
    checkNumbers(dtype, values);
    return new TensorData(dtype, shape, new Uint8Array(arrayOf(dtype, values).buffer));
  }

  /** The number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /**
   * A copy of the elements, in the array of the dtype: BigInt64Array for int64, Uint8Array for bool, pairs for complex.
   *
   * @throws TypeError for the float formats that JavaScript has no array for; `toFloat32Array` reads them
   */
  toTypedArray(): TypedArrayOf<D> {
    const { dtype } = this;
    if (!(dtype in typedArrays)) {
      throw new TorchTypeError(
        'NO_ARRAY',
        `JavaScript has no array of ${dtype}: take toFloat32Array(), which is exact, or the bytes`,
      );
    }
    // A copy, because the bytes may start where an array of wider elements may not.
    const { buffer } = this.bytes.slice();
    return new typedArrays[dtype as keyof typeof typedArrays](buffer) as TypedArrayOf<D>;
  }

  /**
   * A copy of the elements, each rounded to the nearest float32, ties to even; exact for the smaller float formats.
   *
   * @throws TypeError for complex dtypes
   */
  toFloat32Array(): Float32Array {
    const { dtype, bytes } = this;
    if (dtype.startsWith('complex')) {
      throw new TorchTypeError(
        'COMPLEX',
        `a ${dtype} tensor has no real elements: take toTypedArray(), which gives pairs, or the bytes`,
      );
    }
    if (isSmallFloat(dtype)) return decodeFloats(dtype, bytes);
    if (dtype === 'bool') return Float32Array.from(bytes, (byte) => (byte === 0 ? 0 : 1));
    const array: ArrayLike<number | bigint> = this.toTypedArray();
    if (array instanceof BigInt64Array || array instanceof BigUint64Array) {
      return Float32Array.from(array as Iterable<bigint>, (value) => Number(withStickyBit(value)));
    }
    return new Float32Array(array as ArrayLike<number>);
  }

  /** A tensor with bytes of its own. */
  clone(): TensorData<D> {
    return new TensorData(this.dtype, this.shape, this.bytes.slice());
  }
}

function checkNumbers(dtype: NumberDType, values: ArrayLike<number>): void {
  if (!numberDTypes.includes(dtype)) {
    throw new TorchTypeError(
      'UNSUPPORTED_DTYPE',
      `TensorData.from makes ${numberDTypes.join(', ')}, but got ${dtype}: for another dtype, new TensorData(dtype, shape, bytes)`,
    );
  }
  if (ArrayBuffer.isView(values)) return;
  const wrong = Array.from(values).find((value) => typeof value !== 'number');
  if (wrong !== undefined) {
    throw new TorchTypeError(
      'NOT_NUMBERS',
      `TensorData.from takes numbers in row-major order, and the shape after them, but got ${typeof wrong === 'object' ? 'a list in the list' : String(wrong)}`,
    );
  }
}

function arrayOf(dtype: NumberDType, values: ArrayLike<number>): ArrayBufferView {
  // As torch does, by way of float32.
  if (dtype === 'float16' || dtype === 'bfloat16') return encodeHalves(dtype, new Float32Array(values));
  // A complex number is two values.
  const size = itemSizes[dtype] / (dtype === 'complex64' ? 2 : 1);
  const array = new typedArrays[dtype](new ArrayBuffer(size * values.length));
  array.set(values);
  return array;
}

/** The number of elements of a shape; 1 for `[]`. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/**
 * A 64-bit integer with so few bits that a double holds it, and on the same side of every float32 boundary: rounding it
 * once to a double and then to a float32 could go wrong.
 */
function withStickyBit(value: bigint): bigint {
  if (BigInt.asIntN(54, value) === value) return value;
  const kept = (value >> 11n) << 11n;
  return kept === value ? kept : kept | (1n << 11n);
}
