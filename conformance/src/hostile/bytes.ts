/** What a builder lays side by side: bytes, or text as UTF-8. */
export type Part = Uint8Array | string;

/** The parts in a row. */
export function bytes(...parts: Part[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts.map((part) => Buffer.from(part as Uint8Array))));
}

/** A little-endian integer of so many bytes; a negative one is its two's complement. */
export function integer(value: number | bigint, size: number): Uint8Array {
  const out = new Uint8Array(size);
  let rest = BigInt.asUintN(size * 8, BigInt(value));
  for (let i = 0; i < size; i += 1, rest >>= 8n) out[i] = Number(rest & 0xffn);
  return out;
}

/** Float32 elements, as tensors store them. */
export function floats(...values: number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}

/** Where a text stands in bytes, each time. */
export function positionsOf(haystack: Uint8Array, needle: string): number[] {
  const buffer = Buffer.from(haystack.buffer, haystack.byteOffset, haystack.byteLength);
  const found: number[] = [];
  for (let at = buffer.indexOf(needle, 0, 'latin1'); at >= 0; at = buffer.indexOf(needle, at + 1, 'latin1'))
    found.push(at);
  return found;
}
