import { FormatError, type Details } from '../errors.ts';
import type { ProgressOptions, Source } from '../source.ts';
import { extraField, toNumber, zip64Extra } from './extra.ts';
import type { Entry } from './reader.ts';

const signature = 0x04034b50;
const headerBytes = 30;
/** The sizes and the checksum come behind the bytes, and may be 0 here. */
const descriptorFlag = 1 << 3;
/** What is read at once, and how much between two headers is read rather than left out. */
const windowBytes = 1 << 22;
const gapBytes = 1 << 16;
/** What the extra field of a header seldom passes. */
const extraBytes = 1 << 8;

/**
 * Reads the header in front of each record, checks that it says what the directory says and that records keep apart, and notes where
 * their bytes start.
 *
 * @param end - of the last record: the place of the directory
 */
export async function checkLocalHeaders(
  entries: readonly Entry[],
  end: number,
  source: Source,
  { signal, onProgress }: ProgressOptions,
): Promise<void> {
  const inOrder = entries.toSorted((a, b) => a.header - b.header);
  const window = new Window(source, signal);
  for (const [i, entry] of inOrder.entries()) {
    const next = Math.min(inOrder[i + 1]?.header ?? end, end);
    const where = { file: source.name, record: entry.name, offset: entry.header };
    const fixed = fixedEnd(entry);
    if (fixed + entry.size > next) throw overlap(where);
    if (!window.has(fixed)) await window.read(entry.header, Math.min(worthReading(inOrder, i), end));
    const header = window.get(entry.header, fixed);
    const says = readFixed(header, entry, where);
    const extraEnd = fixed + says.extraLength;
    if (extraEnd + entry.size > next) throw overlap(where);
    if (!window.has(extraEnd)) await window.read(fixed, extraEnd);
    const extra = window.get(fixed, extraEnd);
    checkSizes(says, new DataView(extra.buffer, extra.byteOffset, extra.byteLength), entry, where);
    entry.start = extraEnd;
    if (i % 1000 === 999) onProgress?.(entry.header, source.size);
  }
}

/** The end of the part of a header that has no extra fields. */
function fixedEnd({ header, nameBytes }: Entry): number {
  return header + headerBytes + nameBytes.byteLength;
}

/** The end of what is read at once from a header on: further headers that are near. */
function worthReading(inOrder: readonly Entry[], first: number): number {
  const { header: start } = inOrder[first] as Entry;
  let end = start;
  for (let i = first; i < inOrder.length; i++) {
    const entry = inOrder[i] as Entry;
    if (i > first && (entry.header - end > gapBytes || entry.header - start > windowBytes)) break;
    end = fixedEnd(entry) + extraBytes;
  }
  return end;
}

/** The part of the file that was read last; reading goes forward. */
class Window {
  readonly #source: Source;
  readonly #signal: AbortSignal | undefined;
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;
  /** Used again and again, where the source can fill it. */
  #buffer: Uint8Array = new Uint8Array(0);

  constructor(source: Source, signal: AbortSignal | undefined) {
    this.#source = source;
    this.#signal = signal;
  }

  /** Whether it reaches up to here. */
  has(end: number): boolean {
    return end <= this.#start + this.#bytes.byteLength;
  }

  /** Bytes that it has. They are valid until the next read. */
  get(start: number, end: number): Uint8Array {
    return this.#bytes.subarray(start - this.#start, end - this.#start);
  }

  async read(start: number, end: number): Promise<void> {
    const options = { signal: this.#signal };
    const length = end - start;
    if (this.#source.readInto === undefined) this.#bytes = await this.#source.read(start, length, options);
    else {
      if (this.#buffer.byteLength < length) this.#buffer = new Uint8Array(length);
      this.#bytes = this.#buffer.subarray(0, length);
      await this.#source.readInto(this.#bytes, start, options);
    }
    this.#start = start;
  }
}

/** What a local header says and the directory knows better. */
interface Sizes {
  crc: number;
  compressedSize: number;
  size: number;
  extraLength: number;
}

function readFixed(header: Uint8Array, { name, nameBytes, flags }: Entry, where: Details): Sizes {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  if (view.getUint32(0, true) !== signature)
    throw new FormatError('ZIP_HEADER', `${name} is not where the zip directory says`, where);
  const found = [view.getUint16(6, true), view.getUint16(8, true), view.getUint16(26, true)];
  const expected = [flags, 0, nameBytes.byteLength];
  if (
    !expected.every((value, i) => value === found[i]) ||
    !nameBytes.every((byte, i) => byte === header[headerBytes + i])
  ) {
    throw new FormatError('ZIP_HEADER', `the header of ${name} and the zip directory disagree`, {
      ...where,
      expected,
      found,
    });
  }
  return {
    crc: view.getUint32(14, true),
    compressedSize: view.getUint32(18, true),
    size: view.getUint32(22, true),
    extraLength: view.getUint16(28, true),
  };
}

function checkSizes(says: Sizes, extra: DataView, { name, flags, crc, size }: Entry, where: Details): void {
  const later = (flags & descriptorFlag) !== 0;
  const zip64 = extraField(extra, zip64Extra);
  const wide = (at: number): number | undefined =>
    zip64 !== undefined && zip64.byteLength >= at + 8 ? toNumber(zip64.getBigUint64(at, true)) : undefined;
  const sizeAgrees = (small: number, at: number): boolean =>
    small === 0xffffffff ? wide(at) === size || later : small === size || (later && small === 0);
  const agrees =
    (says.crc === crc || (later && says.crc === 0)) &&
    sizeAgrees(says.size, 0) &&
    sizeAgrees(says.compressedSize, 8);
  if (!agrees) {
    throw new FormatError('ZIP_HEADER', `the header of ${name} and the zip directory disagree`, {
      ...where,
      expected: { crc, size, compressedSize: size },
      found: says,
    });
  }
}

function overlap(where: Details): FormatError {
  return new FormatError('ZIP_RANGE', `${where.record} reaches into the next record`, where);
}
