import { TensorData, type DType } from 'torch-parity';

/** The bytes of an element, by dtype; written down once more, so that a wrong size in the library shows. */
const widths: Record<string, number> = { complex128: 16, complex64: 8, complex32: 4, bool: 1 };

/** A tensor of a description: how it lies in which of the storages, counted in elements. */
export interface TensorEntry {
  dtype: DType;
  shape: number[];
  stride: number[];
  offset: number;
  storage: number;
}

export function widthOf(dtype: DType): number {
  return widths[dtype] ?? Number(/\d+/.exec(dtype)![0]) / 8;
}

/** The elements of a tensor in row-major order, one after the other. */
export function gathered({ dtype, shape, stride, offset }: TensorEntry, storage: Uint8Array): Uint8Array {
  const width = widthOf(dtype);
  const size = shape.reduce((product, length) => product * length, 1);
  const bytes = new Uint8Array(size * width);
  for (let index = 0; index < size; index += 1) {
    let at = offset;
    for (let axis = shape.length - 1, rest = index; axis >= 0; axis -= 1) {
      at += (rest % shape[axis]!) * stride[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    bytes.set(storage.subarray(at * width, (at + 1) * width), index * width);
  }
  return bytes;
}

/** One element of some bytes, in decimal and in the hexadecimal of its bits. */
export function elementText(dtype: DType, bytes: Uint8Array, index: number): string {
  const width = widthOf(dtype);
  const element = bytes.subarray(index * width, (index + 1) * width);
  if (element.length < width) return 'missing';
  const hex = `0x${Buffer.from(element.toReversed()).toString('hex')}`;
  const data = new TensorData(dtype, [], new Uint8Array(element));
  const numbers = /^float(8|16)|^bfloat/.test(dtype) ? data.toFloat32Array() : undefined;
  if (dtype === 'complex32') return hex;
  const values = Array.from<number | bigint>(numbers ?? (data.toTypedArray() as Iterable<number | bigint>));
  return `${values.map((value) => (Object.is(value, -0) ? '-0' : String(value))).join(' + i ')}  ${hex}`;
}
