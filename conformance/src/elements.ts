import type { DType, TensorData } from 'torch-parity';

/** The numbers of a tensor in order: its elements, or of complex ones the two parts. */
export function numbersOf(tensor: TensorData): (number | bigint)[] {
  const { dtype } = tensor;
  return Array.from<number | bigint>(isHalf(dtype) ? tensor.toFloat32Array() : tensor.toTypedArray());
}

/** The bits of each number; equal values for equal bits. */
export function bitsOf({ dtype, bytes }: TensorData): ArrayLike<number | bigint> {
  const { buffer } = new Uint8Array(bytes);
  switch (widthOf(dtype)) {
    case 64:
      return new BigUint64Array(buffer);
    case 32:
      return new Uint32Array(buffer);
    case 16:
      return new Uint16Array(buffer);
    default:
      return new Uint8Array(buffer);
  }
}

/** How many bits a number of a tensor has: 64, 32, 16 or 8. */
export function widthOf(dtype: DType): number {
  const bits = Number(/\d+/.exec(dtype)![0]);
  return isComplex(dtype) ? bits / 2 : bits;
}

/** How many numbers a tensor has. */
export function countOf({ dtype, size }: TensorData): number {
  return isComplex(dtype) ? 2 * size : size;
}

/** Whether the numbers are floats. */
export function isFloating(dtype: DType): boolean {
  return /^(float|bfloat|complex)/.test(dtype);
}

/** Where a number stands in its tensor: `[3]`, `[3].imag`. */
export function placeOf(dtype: DType, index: number): string {
  if (!isComplex(dtype)) return `[${index}]`;
  return `[${index >> 1}].${index % 2 === 0 ? 'real' : 'imag'}`;
}

function isComplex(dtype: DType): boolean {
  return dtype.startsWith('complex');
}

function isHalf(dtype: DType): boolean {
  return dtype === 'float16' || dtype === 'bfloat16';
}
