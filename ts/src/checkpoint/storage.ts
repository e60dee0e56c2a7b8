import { crc32 } from '#platform';
import { FormatError, UnsupportedError } from './errors.ts';
import type { ReadOptions, Source } from './source.ts';

/** Bytes that one or more tensors view, as torch's storages do. Tensors of one storage share one object. */
export interface Storage {
  readonly byteLength: number;
  /**
   * The bytes from `start` up to `end`; all of them if left out. Whether they are a copy is the storage's choice: do not write to
   * them.
   *
   * @throws CheckpointError where the file no longer holds them
   */
  read(start?: number, end?: number, options?: ReadOptions): Promise<Uint8Array>;
  /** All bytes in order, in pieces of bounded size; what has a checksum is checked at the end of the last. */
  chunks(options?: ReadOptions): AsyncIterable<Uint8Array>;
}

/** A storage in memory. */
export class MemoryStorage implements Storage {
  readonly bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get byteLength(): number {
    return this.bytes.byteLength;
  }

  read(start = 0, end: number = this.byteLength): Promise<Uint8Array> {
    return Promise.resolve(this.bytes.subarray(start, end));
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    yield this.bytes;
  }
}

/** The size of a piece, where something large is read in pieces. */
export const chunkBytes: number = 1 << 24;
/** What is read at once of a large storage, and how many such reads are under way. */
const pieceBytes = 1 << 23;
const piecesAhead = 4;

/** What a zip archive tells of a record besides its place. */
export interface Checksum {
  record: string;
  crc: number;
}

/** A storage that lies in a file. */
export class FileStorage implements Storage {
  readonly source: Source;
  /** Bytes before it in the file. A legacy stream tells its place after the tensors that it is of. */
  start: number;
  readonly byteLength: number;
  readonly #checksum: Checksum | undefined;

  /** @param checksum - if left out, nothing is checked */
  constructor(source: Source, start: number, byteLength: number, checksum?: Checksum) {
    this.source = source;
    this.start = start;
    this.byteLength = byteLength;
    this.#checksum = checksum;
  }

  async read(start = 0, end: number = this.byteLength, options?: ReadOptions): Promise<Uint8Array> {
    const isAll = end - start === this.byteLength;
    if (isAll && this.byteLength > chunkBytes && this.source.readInto !== undefined)
      return this.#readLarge(options);
    const bytes = await this.source.read(this.start + start, end - start, options);
    if (isAll) this.check(bytes);
    return bytes;
  }

  /** All bytes: each piece goes into the checksum while the next ones are read. */
  async #readLarge(options?: ReadOptions): Promise<Uint8Array> {
    const bytes = allocate(this.byteLength, 'a storage');
    const pieces: { piece: Uint8Array; read: Promise<void> }[] = [];
    let crc = 0;
    try {
      for (let start = 0; start < this.byteLength || pieces.length > 0; start += pieceBytes) {
        if (start < this.byteLength) {
          const piece = bytes.subarray(start, start + pieceBytes);
          const read = this.source.readInto!(piece, this.start + start, options);
          read.catch(() => {}); // it is awaited later
          pieces.push({ piece, read });
          if (pieces.length <= piecesAhead) continue;
        }
        const next = pieces[0]!;
        await next.read;
        pieces.shift();
        if (this.#checksum !== undefined) crc = crc32(next.piece, crc);
      }
    } finally {
      await Promise.allSettled(pieces.map(({ read }) => read)); // after an error
    }
    this.#compare(crc);
    return bytes;
  }

  async *chunks(options?: ReadOptions): AsyncGenerator<Uint8Array> {
    let crc = 0;
    for (let start = 0; start < this.byteLength; start += chunkBytes) {
      const length = Math.min(chunkBytes, this.byteLength - start);
      const bytes = await this.source.read(this.start + start, length, options);
      if (this.#checksum !== undefined) crc = crc32(bytes, crc);
      if (start + length === this.byteLength) this.#compare(crc);
      yield bytes;
    }
  }

  /** @throws FormatError ZIP_CRC if the bytes, all of them, are not those that were saved */
  check(bytes: Uint8Array): void {
    if (this.#checksum === undefined) return;
    let crc = 0;
    for (let start = 0; start < bytes.byteLength; start += chunkBytes)
      crc = crc32(bytes.subarray(start, start + chunkBytes), crc);
    this.#compare(crc);
  }

  #compare(crc: number): void {
    if (this.#checksum === undefined || this.#checksum.crc === crc) return;
    const { record, crc: expected } = this.#checksum;
    throw new FormatError(
      'ZIP_CRC',
      `${record} is damaged: its checksum is not the one that was saved with it`,
      {
        file: this.source.name,
        record,
        expected,
        found: crc,
      },
    );
  }
}

/** Room for a tensor's bytes, which is zero. */
export function allocate(byteLength: number, what: string): Uint8Array {
  try {
    return new Uint8Array(byteLength);
  } catch (cause) {
    throw new UnsupportedError(
      'UNSUPPORTED_VALUE',
      `${what} has ${byteLength} bytes, more than one Uint8Array takes here: read it in pieces, with chunks()`,
      { found: byteLength, cause },
    );
  }
}
