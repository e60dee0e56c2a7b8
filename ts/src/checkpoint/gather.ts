import { itemSizes, type DType } from '../dtype.ts';

/** Where the elements of a tensor lie, from its first one on. Strides are in elements and not negative. */
export interface Strided {
  dtype: DType;
  shape: readonly number[];
  stride: readonly number[];
}

/** Whether the elements lie in row-major order, one right after another. */
export function isContiguous({ shape, stride }: Strided): boolean {
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    const size = shape[i] as number;
    if (size === 0) return true;
    if (size !== 1 && stride[i] !== step) step = Number.NaN;
    step *= size;
  }
  return !Number.isNaN(step);
}

/** The elements from the first up to and with the farthest; 0 if there are none. */
export function reach({ shape, stride }: Strided): number {
  if (shape.includes(0)) return 0;
  return shape.reduce((sum, size, i) => sum + (size - 1) * (stride[i] as number), 1);
}

/**
 * Copies elements into row-major order. Bytes are moved, never read as numbers of their dtype, so that every bit stays.
 *
 * @param from - starts with the first element; only read
 * @param to - as many bytes as the shape has
 */
export function gather(tensor: Strided, from: Uint8Array, to: Uint8Array): void {
  const item = itemSizes[tensor.dtype];
  // Integers as wide as the bytes lie, which every bit survives.
  const unit =
    [4, 2].find((size) => [item, from.byteOffset, to.byteOffset].every((at) => at % size === 0)) ?? 1;
  const units = item / unit;
  const dimensions = merged(tensor);
  const { size: length, stride } = dimensions.pop() ?? { size: 1, stride: 1 };
  const source = integers(from, unit);
  const target = integers(to, unit);
  const index = dimensions.map(() => 0);
  let start = 0;
  let end = 0;
  while (end < target.length) {
    if (stride === 1) {
      target.set(source.subarray(start, start + length * units), end);
      end += length * units;
    } else {
      for (let i = 0, at = start; i < length; i++, at += stride * units) {
        for (let k = 0; k < units; k++) target[end++] = source[at + k] as number;
      }
    }
    // To the next row, like an odometer.
    for (let d = dimensions.length - 1; d >= 0; d--) {
      const dimension = dimensions[d] as Dimension;
      start += dimension.stride * units;
      index[d] = (index[d] as number) + 1;
      if ((index[d] as number) < dimension.size) break;
      start -= dimension.size * dimension.stride * units;
      index[d] = 0;
    }
  }
}

interface Dimension {
  size: number;
  stride: number;
}

/** The fewest dimensions that go through the same elements in the same order. */
function merged({ shape, stride }: Strided): Dimension[] {
  const dimensions: Dimension[] = [];
  shape.forEach((size, i) => {
    if (size === 1) return;
    const step = stride[i] as number;
    const last = dimensions.at(-1);
    if (last?.stride === size * step) dimensions.splice(-1, 1, { size: last.size * size, stride: step });
    else dimensions.push({ size, stride: step });
  });
  return dimensions;
}

/** The bytes as unsigned integers of a size that their place is a multiple of. */
function integers(bytes: Uint8Array, size: number): Uint8Array | Uint16Array | Uint32Array {
  if (size === 1) return bytes;
  const Integers = size === 2 ? Uint16Array : Uint32Array;
  return new Integers(bytes.buffer as ArrayBuffer, bytes.byteOffset, Math.floor(bytes.byteLength / size));
}
