import { crc32 } from '#platform';
import { FormatError } from '../errors.ts';
import type { Output } from '../output.ts';
import type { ReadOptions } from '../source.ts';
import type { Storage } from '../storage.ts';
import { centralHeader, descriptor, endRecords, localHeader, type Entry } from './layout.ts';

const encoder = new TextEncoder();

/** Writes records into a zip archive laid out as torch lays it out: see layout.ts. */
export class ZipWriter {
  readonly #out: Output;
  readonly #folder: string;
  readonly #entries: (Entry & { crc: number })[] = [];

  /** @param folder - that all records stand in */
  constructor(out: Output, folder: string) {
    this.#out = out;
    this.#folder = folder;
  }

  /**
   * Writes a record.
   *
   * @returns the CRC-32 of its bytes
   * @throws FormatError STORAGE_SIZE if the storage does not give the bytes that it promised
   */
  async add(name: string, storage: Storage, options: ReadOptions): Promise<number> {
    const out = this.#out;
    const entry = { name: this.#nameOf(name), size: storage.byteLength, offset: out.position };
    await out.write(localHeader(entry));
    const start = out.position;
    let crc = 0;
    for await (const bytes of storage.chunks(options)) {
      await out.write(bytes, (piece) => {
        crc = crc32(piece, crc);
      });
    }
    const found = out.position - start;
    if (found !== entry.size) {
      const details = { record: name, expected: entry.size, found };
      throw new FormatError('STORAGE_SIZE', `a storage of ${entry.size} bytes gave ${found}`, details);
    }
    await out.write(descriptor(entry, crc));
    this.#entries.push({ ...entry, crc });
    return crc;
  }

  /** Writes the central directory, which ends the archive. */
  async finish(): Promise<void> {
    const offset = this.#out.position;
    for (const entry of this.#entries) await this.#out.write(centralHeader(entry, entry.crc));
    await this.#out.write(endRecords(this.#entries.length, offset, this.#out.position - offset));
  }

  #nameOf(name: string): Uint8Array {
    return encoder.encode(`${this.#folder}/${name}`);
  }
}

/** The bytes that an archive of records of these names and sizes will have. */
export function archiveSize(folder: string, records: Iterable<[name: string, size: number]>): number {
  let offset = 0;
  let central = 0;
  let count = 0;
  for (const [name, size] of records) {
    const entry = { name: encoder.encode(`${folder}/${name}`), size, offset };
    offset += localHeader(entry).length + size + descriptor(entry, 0).length;
    central += centralHeader(entry, 0).length;
    count++;
  }
  return offset + central + endRecords(count, offset, central).length;
}
