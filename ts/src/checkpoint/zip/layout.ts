/**
 * The zip archive that torch.save writes, header by header: records are stored, never compressed; sizes and checksum follow
 * the bytes; the bytes start at a multiple of 64, behind a padding field `FB`; every archive has zip64 end records.
 */

const alignment = 64;
/** From here on a 32-bit field says this, and the true value stands in a zip64 field. */
const limit = 0xffff_ffff;
/** Sizes and checksum follow the bytes (bit 3); names are UTF-8 (bit 11). */
const flags = 0x0808;
const flagsOfEmpty = 0x0800;

/** A record of an archive. */
export interface Entry {
  /** With the folder, UTF-8. */
  name: Uint8Array;
  /** Bytes of the record. */
  size: number;
  /** Of its local header, in the file. */
  offset: number;
}

/** The header before a record's bytes, with the padding that brings them to a multiple of 64. */
export function localHeader({ name, size, offset }: Entry): Uint8Array {
  const extra = zip64Field(size, 0, offset); // torch does not know yet how many bytes are stored
  const start = offset + 30 + name.length + extra.length + 4;
  const padding = new Uint8Array((alignment - (start % alignment)) % alignment).fill(0x5a); // Z
  return pack(
    [4, 0x04034b50],
    [2, 0], // version needed
    [2, size === 0 ? flagsOfEmpty : flags],
    [2, 0], // stored
    [4, 0], // time and date: none, so that equal values make equal files
    [4, 0], // the checksum and the sizes follow
    [4, 0],
    [4, 0],
    [2, name.length],
    [2, extra.length + 4 + padding.length],
    name,
    extra,
    [2, 0x4246], // FB
    [2, padding.length],
    padding,
  );
}

/** What follows a record's bytes; nothing follows none. */
export function descriptor({ size, offset }: Entry, crc: number): Uint8Array {
  if (size === 0) return new Uint8Array();
  const wide = size >= limit || offset >= limit ? 8 : 4;
  return pack([4, 0x08074b50], [4, crc], [wide, size], [wide, size]);
}

/** The record's entry in the central directory. */
export function centralHeader({ name, size, offset }: Entry, crc: number): Uint8Array {
  const extra = zip64Field(size, size, offset);
  return pack(
    [4, 0x02014b50],
    [2, 0], // version made by
    [2, 0], // version needed
    [2, size === 0 ? flagsOfEmpty : flags],
    [2, 0],
    [4, 0],
    [4, crc],
    [4, Math.min(size, limit)],
    [4, Math.min(size, limit)],
    [2, name.length],
    [2, extra.length],
    [2, 0], // comment
    [2, 0], // disk
    [2, 0], // attributes
    [4, 0],
    [4, Math.min(offset, limit)],
    name,
    extra,
  );
}

/**
 * The end of the archive: the zip64 records, which torch always writes, and the one of old.
 *
 * @param count - of the records
 * @param offset - of the central directory
 * @param size - bytes of the central directory
 */
export function endRecords(count: number, offset: number, size: number): Uint8Array {
  const few = Math.min(count, 0xffff);
  return pack(
    [4, 0x06064b50],
    [8, 44], // bytes that follow in this record
    [2, 0x031e], // made by: what torch's zip library says
    [2, 45],
    [4, 0],
    [4, 0],
    [8, count],
    [8, count],
    [8, size],
    [8, offset],
    [4, 0x07064b50], // where the record above is
    [4, 0],
    [8, offset + size],
    [4, 1],
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, few],
    [2, few],
    [4, Math.min(size, limit)],
    [4, Math.min(offset, limit)],
    [2, 0],
  );
}

/** Sizes and offsets that 32 bits do not hold. */
function zip64Field(size: number, stored: number, offset: number): Uint8Array {
  const values: Field[] = [];
  if (size >= limit) values.push([8, size], [8, stored]);
  if (offset >= limit) values.push([8, offset]);
  return values.length === 0 ? new Uint8Array() : pack([2, 1], [2, 8 * values.length], ...values);
}

/** Bytes as they are, or a little-endian number of 2, 4 or 8 bytes. */
type Field = Uint8Array | readonly [length: 2 | 4 | 8, value: number];

function pack(...fields: readonly Field[]): Uint8Array {
  const lengthOf = (field: Field): number => ('byteLength' in field ? field.byteLength : field[0]);
  const bytes = new Uint8Array(fields.reduce((sum, field) => sum + lengthOf(field), 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const field of fields) {
    if ('byteLength' in field) bytes.set(field, at);
    else if (field[0] === 2) view.setUint16(at, field[1], true);
    else if (field[0] === 4) view.setUint32(at, field[1], true);
    else view.setBigUint64(at, BigInt(field[1]), true);
    at += lengthOf(field);
  }
  return bytes;
}
