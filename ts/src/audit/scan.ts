import type { LazyTensor, ReadOptions } from '../checkpoint/index.ts';
import type { DType } from '../dtype.ts';

/** What the elements of a floating tensor are. */
export interface Scan {
  allZero: boolean;
  hasNonFinite: boolean;
}

/** Where the exponent of a format stands in a word; all of its bits are set in infinities and NaN. */
interface Words {
  /** Bytes of a word; of float64, every second one holds the exponent. */
  size: 2 | 4;
  exponent: number;
}

const words: Partial<Record<DType, Words>> = {
  float64: { size: 4, exponent: 0x7ff00000 },
  complex128: { size: 4, exponent: 0x7ff00000 },
  float32: { size: 4, exponent: 0x7f800000 },
  complex64: { size: 4, exponent: 0x7f800000 },
  float16: { size: 2, exponent: 0x7c00 },
  complex32: { size: 2, exponent: 0x7c00 },
  bfloat16: { size: 2, exponent: 0x7f80 },
};

/** Reads all of a tensor; undefined for dtypes that torch keeps no moments in. */
export async function scan(tensor: LazyTensor, options?: ReadOptions): Promise<Scan | undefined> {
  const format = words[tensor.dtype];
  if (format === undefined) return undefined;
  const result: Scan = { allZero: true, hasNonFinite: false };
  const isDouble = tensor.dtype === 'float64' || tensor.dtype === 'complex128';
  for await (const chunk of tensor.chunks(options)) scanChunk(chunk, format, isDouble, result);
  return result;
}

function scanChunk(chunk: Uint8Array, { size, exponent }: Words, isDouble: boolean, result: Scan): void {
  // A view where the bytes are aligned, else a copy.
  const bytes = chunk.byteOffset % size === 0 ? chunk : chunk.slice();
  const array =
    size === 4
      ? new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
      : new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
  const magnitude = size === 4 ? 0x7fffffff : 0x7fff;
  let { allZero, hasNonFinite } = result;
  for (let i = 0; i < array.length; i++) {
    const word = array[i] as number;
    const isLow = isDouble && i % 2 === 0;
    if ((isLow ? word : word & magnitude) !== 0) allZero = false;
    if (!isLow && (word & exponent) === exponent) hasNonFinite = true;
  }
  result.allZero = allZero;
  result.hasNonFinite = hasNonFinite;
}
