import type { LazyTensor, ReadOptions } from '../checkpoint/index.ts';
import { itemSizes, type DType } from '../dtype.ts';
import { decodeFloat, isSmallFloat } from '../float_formats.ts';

/** Reads the numbers of a dtype out of bytes: a complex element is two of them. */
export interface NumberFormat {
  /** Bytes of a number. */
  size: number;
  isFloat: boolean;
  /** The number at a byte, which is exact: an integer that no double holds is a bigint. */
  valueAt(view: DataView, at: number): number | bigint;
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
  const distanceAt = distanceOf(part, size, isFloat);
  const wide = wideIntegers[part];
  if (wide === undefined) return { size, isFloat, valueAt: readerOf(part, size), distanceAt };
  return { size, isFloat, valueAt: (view, at) => exact(wide(view, at)), distanceAt };
}

/** The one number of a tensor that has one element, or undefined for other tensors and complex numbers. */
export async function itemOf(tensor: LazyTensor, options?: ReadOptions): Promise<number | undefined> {
  const item = await exactItemOf(tensor, options);
  return item === undefined ? undefined : Number(item);
}

/** The same, where an integer that no double holds is a bigint. */
export async function exactItemOf(
  tensor: LazyTensor,
  options?: ReadOptions,
): Promise<number | bigint | undefined> {
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
  int32: (view, at) => view.getInt32(at, true),
  int16: (view, at) => view.getInt16(at, true),
  int8: (view, at) => view.getInt8(at),
  uint32: (view, at) => view.getUint32(at, true),
  uint16: (view, at) => view.getUint16(at, true),
  uint8: (view, at) => view.getUint8(at),
  bool: (view, at) => view.getUint8(at),
};

const wideIntegers: Partial<Record<DType, (view: DataView, at: number) => bigint>> = {
  int64: (view, at) => view.getBigInt64(at, true),
  uint64: (view, at) => view.getBigUint64(at, true),
};

function exact(value: bigint): number | bigint {
  const rounded = Number(value);
  return Number.isSafeInteger(rounded) ? rounded : value;
}

function readerOf(dtype: DType, size: number): ReadNumber {
  return values[dtype] ?? ((view, at) => smallFloat(dtype, bitsAt(view, at, size)));
}

function distanceOf(dtype: DType, size: number, isFloat: boolean): NumberFormat['distanceAt'] {
  if (size === 8) {
    const orderAt = wideIntegers[dtype] ?? orderOfFloat64;
    return (left, right, at) => Math.abs(Number(orderAt(left, at) - orderAt(right, at)));
  }
  if (!isFloat) {
    const valueAt = readerOf(dtype, size);
    return (left, right, at) => Math.abs(valueAt(left, at) - valueAt(right, at));
  }
  // The bits of floats below the sign stand in the order of the numbers. Powers of two of this dtype have no sign.
  const sign = dtype === 'float8_e8m0fnu' ? Infinity : 2 ** (8 * size - 1);
  const orderAt: ReadNumber = (view, at) => {
    const bits = bitsAt(view, at, size);
    return bits < sign ? bits : sign - bits;
  };
  return (left, right, at) => Math.abs(orderAt(left, at) - orderAt(right, at));
}

function orderOfFloat64(view: DataView, at: number): bigint {
  const bits = view.getBigInt64(at, true);
  return bits < 0n ? -(1n << 63n) - bits : bits;
}

function bitsAt(view: DataView, at: number, size: number): number {
  if (size === 4) return view.getUint32(at, true);
  return size === 2 ? view.getUint16(at, true) : view.getUint8(at);
}

function smallFloat(dtype: DType, bits: number): number {
  if (!isSmallFloat(dtype)) throw new TypeError(`no numbers of ${dtype} are known`);
  return decodeFloat(dtype, bits);
}
