/** The extra field that has sizes and places beyond 32 bits. */
export const zip64Extra = 1;

/** The content of an extra field; undefined if it is not there. */
export function extraField(extra: DataView, id: number): DataView | undefined {
  for (let at = 0; at + 4 <= extra.byteLength;) {
    const length = extra.getUint16(at + 2, true);
    if (at + 4 + length > extra.byteLength) return undefined;
    if (extra.getUint16(at, true) === id)
      return new DataView(extra.buffer, extra.byteOffset + at + 4, length);
    at += 4 + length;
  }
  return undefined;
}

/** A number that a size or a place in a file can be; undefined beyond. */
export function toNumber(value: bigint): number | undefined {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : undefined;
}
