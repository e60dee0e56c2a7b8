import type { LazyTensor, ReadOptions } from '../checkpoint/index.ts';
import { itemSizes, type DType } from '../dtype.ts';
import { decodeFloat, isSmallFloat } from '../float_formats.ts';

/** Reads the numbers of a dtype out of bytes: a complex element is two of them. */
export interface NumberFormat {
  /** Bytes of a number. */
  size: number;
  isFloat: boolean;
  /** The number at a byte; 64-bit integers are rounded to a double. */
  valueAt(view: DataView, at: number): number;
  /**
   * How many numbers of the dtype lie from one to the other, which is their distance in ulps. 0 and -0 are one number.
   * Distances above 2^53 are rounded.
   */
  distanceAt(left: DataView, right: DataView, at: number): number;
}

export function numberFormat(dtype: DType): NumberFormat {
  const part = complexParts[dtype] ?? dtype;
  const size = itemSizes[part];
  const isFloat = part.startsWith('float') || part.startsWith('bfloat');
  const valueAt = values[part] ?? ((view, at) => smallFloat(part, bitsAt(view, at, size)));
  return { size, isFloat, valueAt, distanceAt: distanceOf(part, size, isFloat, valueAt) };
}

/** The one number of a tensor that has one element, or undefined for other tensors and complex numbers. */
export async function itemOf(tensor: LazyTensor, options?: ReadOptions): Promise<number | undefined> {
  if (tensor.size !== 1 || tensor.dtype in complexParts) return undefined;
  const bytes = await tensor.bytes(options);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return numberFormat(tensor.dtype).valueAt(view, 0);
}

const complexParts: Partial<Record<DType, DType>> = {
  complex128: 'float64',
  complex64: 'float32',
  complex32: 'float16',
};

type ReadNumber = (view: DataView, at: number) => number;

const values: Partial<Record<DType, ReadNumber>> = {
  float64: (view, at) => view.getFloat64(at, true),
  float32: (view, at) => view.getFloat32(at, true),
  int64: (view, at) => Number(view.getBigInt64(at, true)),
  int32: (view, at) => view.getInt32(at, true),
  int16: (view, at) => view.getInt16(at, true),
  int8: (view, at) => view.getInt8(at),
  uint64: (view, at) => Number(view.getBigUint64(at, true)),
  uint32: (view, at) => view.getUint32(at, true),
  uint16: (view, at) => view.getUint16(at, true),
  uint8: (view, at) => view.getUint8(at),
  bool: (view, at) => view.getUint8(at),
};

function distanceOf(
  dtype: DType,
  size: number,
  isFloat: boolean,
  valueAt: ReadNumber,
): NumberFormat['distanceAt'] {
  if (size === 8) {
    const orderAt = wideOrders[dtype as 'float64' | 'int64' | 'uint64'];
    return (left, right, at) => Math.abs(Number(orderAt(left, at) - orderAt(right, at)));
  }
  if (!isFloat) return (left, right, at) => Math.abs(valueAt(left, at) - valueAt(right, at));
  // The bits of floats below the sign stand in the order of the numbers. Powers of two of this dtype have no sign.
  const sign = dtype === 'float8_e8m0fnu' ? Infinity : 2 ** (8 * size - 1);
  const orderAt: ReadNumber = (view, at) => {
    const bits = bitsAt(view, at, size);
    return bits < sign ? bits : sign - bits;
  };
  return (left, right, at) => Math.abs(orderAt(left, at) - orderAt(right, at));
}

const wideOrders = {
  int64: (view: DataView, at: number) => view.getBigInt64(at, true),
  uint64: (view: DataView, at: number) => view.getBigUint64(at, true),
  float64: (view: DataView, at: number) => {
    const bits = view.getBigInt64(at, true);
    return bits < 0n ? -(1n << 63n) - bits : bits;
  },
};

function bitsAt(view: DataView, at: number, size: number): number {
  if (size === 4) return view.getUint32(at, true);
  return size === 2 ? view.getUint16(at, true) : view.getUint8(at);
}

function smallFloat(dtype: DType, bits: number): number {
  if (!isSmallFloat(dtype)) throw new TypeError(`no numbers of ${dtype} are known`);
  return decodeFloat(dtype, bits);
}
