import { FormatError, LimitError, type Details, type FormatCode } from '../errors.ts';
import type { Limits } from '../limits.ts';
import type { ProgressOptions, Source } from '../source.ts';
import { FileStorage, type Checksum } from '../storage.ts';
import { findDirectory } from './end_record.ts';
import { extraField, toNumber, zip64Extra } from './extra.ts';
import { checkLocalHeaders } from './local_header.ts';

/** A record as the central directory has it. */
export interface Entry {
  /** With the archive's one folder. */
  name: string;
  /** Its name's bytes, which the local header must repeat. */
  nameBytes: Uint8Array;
  flags: number;
  crc: number;
  size: number;
  /** Where its local header starts, in the file. */
  header: number;
  /** Where its bytes start; known once the local header is read. */
  start: number;
}

/** The records of a zip archive that holds them as they are, in one folder: all that torch.save writes. */
export class Archive {
  /** The records by their names, without the folder. */
  readonly records: ReadonlyMap<string, Entry>;
  readonly #source: Source;
  /** Whether there are checksums: torch can leave them out, and they are all 0 then. */
  readonly #checked: boolean;

  constructor(source: Source, records: ReadonlyMap<string, Entry>) {
    this.#source = source;
    this.records = records;
    this.#checked = Array.from(records.values()).some(({ crc }) => crc !== 0);
  }

  /** The bytes of a record, as a storage; undefined if there is no such record. */
  storage(name: string): FileStorage | undefined {
    const entry = this.records.get(name);
    if (entry === undefined) return undefined;
    const checksum: Checksum | undefined = this.#checked ? { record: name, crc: entry.crc } : undefined;
    return new FileStorage(this.#source, entry.start, entry.size, checksum);
  }
}

const centralSignature = 0x02014b50;
const centralHeaderBytes = 46;
/** Encrypted, strongly encrypted, or with a central directory that is. */
const encryptionFlags = (1 << 0) | (1 << 6) | (1 << 13);
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads the directory of a zip archive and checks all of its headers.
 *
 * @throws FormatError for what is damaged or ambiguous: two records of one name, in one place, headers that disagree …
 * @throws LimitError where there are too many records
 */
export async function readArchive(
  source: Source,
  limits: Limits,
  options: ProgressOptions,
): Promise<Archive> {
  const directory = await findDirectory(source, options);
  if (directory.count > limits.entries) throw tooMuch(source, 'entries', limits.entries, directory.count);
  if (directory.size > limits.indexBytes)
    throw tooMuch(source, 'indexBytes', limits.indexBytes, directory.size);
  const bytes = await source.read(directory.offset, directory.size, options);
  const entries = readEntries(bytes, directory.count, { file: source.name });
  const records = byName(entries, source);
  await checkLocalHeaders(entries, directory.offset, source, options);
  return new Archive(source, records);
}

function readEntries(bytes: Uint8Array, count: number, where: Details): Entry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: Entry[] = [];
  const fail = (code: FormatCode, message: string, details: Details = {}): never => {
    throw new FormatError(code, message, { ...where, ...details });
  };
  let at = 0;
  for (let i = 0; i < count; i++) {
    const left = bytes.byteLength - at;
    if (left < centralHeaderBytes || view.getUint32(at, true) !== centralSignature)
      fail('ZIP_DIRECTORY', `the zip directory ends after ${i} of ${count} records`);
    const nameLength = view.getUint16(at + 28, true);
    const extraLength = view.getUint16(at + 30, true);
    const length = centralHeaderBytes + nameLength + extraLength + view.getUint16(at + 32, true);
    if (left < length) fail('ZIP_DIRECTORY', `the zip directory ends in its record ${i}`);

    const nameBytes = bytes.subarray(at + centralHeaderBytes, at + centralHeaderBytes + nameLength);
    const name = nameOf(nameBytes, where);
    const flags = view.getUint16(at + 8, true);
    const method = view.getUint16(at + 10, true);
    if ((flags & encryptionFlags) !== 0) fail('ZIP_ENCRYPTED', `${name} is encrypted`, { record: name });
    if (method !== 0) {
      const cure =
        'torch would read some of it as garbage: save it again with torch.save (of TorchScript, its state_dict()), or zip it without compression';
      fail('ZIP_COMPRESSED', `${name} is compressed; ${cure}`, { record: name, expected: 0, found: method });
    }
    const extra = new DataView(
      bytes.buffer,
      bytes.byteOffset + at + centralHeaderBytes + nameLength,
      extraLength,
    );
    const [size, compressedSize, header] = sizes(view, at, extra, () =>
      fail('ZIP_DIRECTORY', `the sizes of ${name} cannot be read`, { record: name }),
    );
    if (size !== compressedSize)
      fail('ZIP_DIRECTORY', `${name} has two sizes, and is not compressed`, {
        record: name,
        expected: size,
        found: compressedSize,
      });
    if (view.getUint16(at + 34, true) !== 0)
      fail('ZIP_DIRECTORY', `${name} is in another file of the archive`, { record: name });
    entries.push({ name, nameBytes, flags, crc: view.getUint32(at + 16, true), size, header, start: 0 });
    at += length;
  }
  if (at !== bytes.byteLength)
    throw new FormatError('ZIP_DIRECTORY', 'the zip directory goes on after its last record', {
      ...where,
      expected: count,
    });
  return entries;
}

/** Size, compressed size and place: those that do not fit into 32 bits stand in an extra field, in this order. */
function sizes(view: DataView, at: number, extra: DataView, fail: () => never): [number, number, number] {
  const zip64 = extraField(extra, zip64Extra);
  let next = 0;
  const wide = (value: number): number => {
    if (value !== 0xffffffff) return value;
    if (zip64 === undefined || zip64.byteLength < next + 8) return fail();
    next += 8;
    return toNumber(zip64.getBigUint64(next - 8, true)) ?? fail();
  };
  const size = wide(view.getUint32(at + 24, true));
  const compressedSize = wide(view.getUint32(at + 20, true));
  return [size, compressedSize, wide(view.getUint32(at + 42, true))];
}

function nameOf(bytes: Uint8Array, where: Details): string {
  let name: string;
  try {
    name = utf8.decode(bytes);
  } catch (cause) {
    throw new FormatError('ZIP_NAME', 'the name of a record is not UTF-8', { ...where, cause });
  }
  const parts = name.split('/');
  const bad =
    /[\0\\]/.test(name) ||
    parts.length < 2 ||
    parts.some((part, i) => part === '..' || part === '.' || (part === '' && i < parts.length - 1));
  if (bad) {
    throw new FormatError('ZIP_NAME', `${JSON.stringify(name)} is no name of a record in a folder`, {
      ...where,
      record: name,
    });
  }
  return name;
}

/** The records without their folder, and without folders. */
function byName(entries: readonly Entry[], { name: file }: Source): Map<string, Entry> {
  const records = new Map<string, Entry>();
  const seen = new Set<string>();
  const top = entries[0]?.name.split('/', 1)[0];
  const prefix = `${top}/`;
  for (const entry of entries) {
    const { name } = entry;
    if (!name.startsWith(prefix)) {
      throw new FormatError('ZIP_NAME', `${name} is outside the archive's one folder, ${top}`, {
        file,
        record: name,
        expected: top,
      });
    }
    // torch's reader finds names in any case.
    const folded = name.toLowerCase();
    if (seen.has(folded)) {
      throw new FormatError('ZIP_DUPLICATE', `${name} is there twice`, { file, record: name });
    }
    seen.add(folded);
    if (name.endsWith('/') && entry.size === 0) continue;
    if (name.endsWith('/')) {
      throw new FormatError('ZIP_NAME', `${name} is a folder, and has bytes`, { file, record: name });
    }
    records.set(name.slice(prefix.length), entry);
  }
  return records;
}

function tooMuch({ name }: Source, key: keyof Limits, expected: number, found: number): LimitError {
  return new LimitError(
    'LIMIT',
    `the zip directory has ${found} ${key}, more than the limit, limits.${key}`,
    {
      file: name,
      key,
      expected,
      found,
    },
  );
}
