import { ValueError } from './errors.ts';

/** torch's names of the dtypes, without the prefix. */
export type DType = 'float32' | 'float64' | 'int32' | 'int64';

interface TypedArrays {
  float32: Float32Array;
  float64: Float64Array;
  int32: Int32Array;
  int64: BigInt64Array;
}

const typedArrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array, int64: BigInt64Array };

/** What {@link TensorData.toTypedArray} gives for a dtype. */
export type TypedArrayOf<D extends DType> = TypedArrays[D];

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
    if (!Object.hasOwn(typedArrays, dtype)) {
      const known = Object.keys(typedArrays).join(', ');
      throw new ValueError('UNKNOWN_DTYPE', `unknown dtype ${String(dtype)}: it must be one of ${known}`);
    }
    if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
      throw new ValueError('BAD_SHAPE', `a shape is a list of sizes, but got [${shape.join(', ')}]`);
    }
    const expected = sizeOf(shape) * typedArrays[dtype].BYTES_PER_ELEMENT;
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
   * @param shape - `[values.length]` if left out; `[]` makes a scalar
   */
  static from<D extends 'float32' | 'float64' | 'int32'>(
    dtype: D,
    values: ArrayLike<number>,
    shape: readonly number[] = [values.length],
  ): TensorData<D> {
    const array = typedArrays[dtype].from(values);
    return new TensorData(dtype, shape, new Uint8Array(array.buffer));
  }

  /** The number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /** A copy of the elements: Float32Array, Float64Array, Int32Array or BigInt64Array. */
  toTypedArray(): TypedArrayOf<D> {
    // A copy, because the bytes may start where an array of wider elements may not.
    const { buffer } = this.bytes.slice();
    return new typedArrays[this.dtype](buffer as ArrayBuffer) as TypedArrayOf<D>;
  }

  /** A copy of the elements, each rounded to float32. */
  toFloat32Array(): Float32Array {
    return Float32Array.from(this.toTypedArray() as Iterable<number | bigint>, Number);
  }

  /** A tensor with bytes of its own. */
  clone(): TensorData<D> {
    return new TensorData(this.dtype, this.shape, this.bytes.slice());
  }
}

/** The number of elements of a shape; 1 for `[]`. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
