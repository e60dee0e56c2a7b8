import { crc32 } from 'node:zlib';
import { bytes, integer, type Part } from './bytes.ts';

/** The fields of a zip header in their order, and the bytes of each. */
type Fields = Record<string, number>;
type Values<F extends Fields> = { [Name in keyof F]: number | bigint };

/** What both headers of a record have, and what its entry in the central directory has behind that. */
const common = {
  versionNeeded: 2,
  flags: 2,
  method: 2,
  time: 2,
  date: 2,
  crc: 4,
  compressedSize: 4,
  size: 4,
  nameLength: 2,
  extraLength: 2,
};
const centralOnly = {
  commentLength: 2,
  disk: 2,
  internalAttributes: 2,
  externalAttributes: 4,
  offset: 4,
};
const local: typeof common & { signature: number } = { signature: 4, ...common };
const central: typeof local & typeof centralOnly & { versionMadeBy: number } = {
  ...{ signature: 4, versionMadeBy: 2 },
  ...common,
  ...centralOnly,
};
const end = {
  signature: 4,
  disk: 2,
  directoryDisk: 2,
  entriesHere: 2,
  entries: 2,
  directorySize: 4,
  directoryOffset: 4,
  commentLength: 2,
};
const end64 = {
  signature: 4,
  recordSize: 8,
  versionMadeBy: 2,
  versionNeeded: 2,
  disk: 4,
  directoryDisk: 4,
  entriesHere: 8,
  entries: 8,
  directorySize: 8,
  directoryOffset: 8,
};
const locator = {
  signature: 4,
  endDisk: 4,
  endOffset: 8,
  disks: 4,
};

/** A record to put into an archive, and whatever shall not be as it should. */
export interface ZipRecord {
  name: Part;
  data: Part;
  /** Fields of its local header. */
  local?: Partial<Values<typeof local>>;
  /** Fields of its entry in the central directory. */
  central?: Partial<Values<typeof central>>;
  /** The name in the local header. */
  localName?: Part;
  extra?: Uint8Array;
  centralExtra?: Uint8Array;
  /** The data descriptor behind the data; torch.save writes one, and then leaves sizes and CRC of the local header 0. */
  descriptor?: Uint8Array;
  /** No local header and no data: the entry points wherever its `central.offset` says. */
  ghost?: boolean;
}

export interface ArchiveOptions {
  end?: Partial<Values<typeof end>>;
  /** Adds a zip64 end record and its locator, as torch.save does. */
  zip64?: { end?: Partial<Values<typeof end64>>; locator?: Partial<Values<typeof locator>> };
  /** Bytes between the last record and the directory. */
  gap?: Part;
  /** Bytes behind the end record. */
  tail?: Part;
}

/** A zip archive of STORED records, in which every field of every header can be set. */
export function archive(
  records: readonly ZipRecord[],
  { end: endValues, zip64, gap = '', tail = '' }: ArchiveOptions = {},
): Uint8Array {
  let body = bytes();
  let directory = bytes();
  for (const record of records) {
    const [localPart, centralPart] = recordParts(record, body.length);
    body = bytes(body, localPart);
    directory = bytes(directory, centralPart);
  }
  body = bytes(body, gap);
  const counts = { disk: 0, directoryDisk: 0, entriesHere: records.length, entries: records.length };
  const place = { directorySize: directory.length, directoryOffset: body.length };
  const large = zip64 && [
    pack(end64, {
      ...{ signature: 0x06064b50, recordSize: 44, versionMadeBy: 0x2d, versionNeeded: 0x2d },
      ...{ ...counts, ...place, ...zip64.end },
    }),
    pack(locator, {
      ...{ signature: 0x07064b50, endDisk: 0, endOffset: body.length + directory.length, disks: 1 },
      ...zip64.locator,
    }),
  ];
  const classic = pack(end, { signature: 0x06054b50, ...counts, ...place, commentLength: 0, ...endValues });
  return bytes(body, directory, ...(large ?? []), classic, tail);
}

/** The record as it lies in the file, and its entry in the central directory. */
function recordParts(record: ZipRecord, offset: number): [Uint8Array, Uint8Array] {
  const name = bytes(record.name);
  const data = bytes(record.data);
  const localName = bytes(record.localName ?? name);
  const { extra = bytes(), centralExtra = bytes(), descriptor } = record;
  const about = {
    ...{ versionNeeded: 0, flags: descriptor ? 0x808 : 0x800, method: 0, time: 0, date: 0 },
    ...{ crc: crc32(data), compressedSize: data.length, size: data.length },
  };
  const header = pack(local, {
    ...{ signature: 0x04034b50, ...about },
    ...(descriptor && { crc: 0, compressedSize: 0, size: 0 }),
    ...{ nameLength: localName.length, extraLength: extra.length, ...record.local },
  });
  const entry = pack(central, {
    ...{ signature: 0x02014b50, versionMadeBy: 0, ...about },
    ...{ nameLength: name.length, extraLength: centralExtra.length, commentLength: 0 },
    ...{ disk: 0, internalAttributes: 0, externalAttributes: 0, offset, ...record.central },
  });
  return [
    record.ghost ? bytes() : bytes(header, localName, extra, data, descriptor ?? ''),
    bytes(entry, name, centralExtra),
  ];
}

/** The data descriptor of a record, as torch.save writes it. */
export function descriptor(data: Part, crc: number = crc32(data)): Uint8Array {
  const size = integer(bytes(data).length, 4);
  return bytes(integer(0x08074b50, 4), integer(crc, 4), size, size);
}

/** A zip64 extra field with these integers of 8 bytes: the size, the compressed size, the offset, as far as each is 2^32-1. */
export function zip64Extra(...values: (number | bigint)[]): Uint8Array {
  return bytes(integer(1, 2), integer(8 * values.length, 2), ...values.map((value) => integer(value, 8)));
}

function pack<F extends Fields>(fields: F, values: Values<F>): Uint8Array {
  return bytes(...Object.entries(fields).map(([name, size]) => integer(values[name]!, size)));
}
