import { ClosedError, FormatError } from './errors.ts';

/** What every call that reads or writes much takes. */
export interface ReadOptions {
  /** Ends the call; it rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Told now and then how far a call is. */
export interface ProgressOptions extends ReadOptions {
  /** @param done - bytes so far, up to `total` */
  onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Bytes with random access: all that a reader needs of a file. */
export interface Source {
  readonly size: number;
  /** The path or the file's name, for error messages. */
  readonly name: string;
  /**
   * Exactly `length` bytes from `offset` on; may be a view of what the source holds.
   *
   * @throws FormatError TRUNCATED where it has fewer
   * @throws ClosedError CLOSED after it was closed, CHANGED if it is a file that has changed since
   */
  read(offset: number, length: number, options?: ReadOptions): Promise<Uint8Array>;
  /** The same into bytes of the caller, where that saves memory. */
  readInto?(bytes: Uint8Array, offset: number, options?: ReadOptions): Promise<void>;
  close(): Promise<void>;
}

/** Bytes in memory. What is read of them are views. */
export class BytesSource implements Source {
  readonly name = 'bytes';
  readonly #bytes: Uint8Array;
  #closed = false;

  constructor(bytes: Uint8Array) {
    // A plain view: of a Buffer, subarray() would give Buffers.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get size(): number {
    return this.#bytes.byteLength;
  }

  async read(offset: number, length: number, { signal }: ReadOptions = {}): Promise<Uint8Array> {
    signal?.throwIfAborted();
    if (this.#closed) throw closed(this);
    checkRange(this, offset, length);
    return this.#bytes.subarray(offset, offset + length);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }
}

/** A Blob, or a File of a browser. */
export class BlobSource implements Source {
  readonly name: string;
  readonly #blob: Blob;
  #closed = false;

  constructor(blob: Blob) {
    this.name = 'name' in blob && typeof blob.name === 'string' ? blob.name : 'blob';
    this.#blob = blob;
  }

  get size(): number {
    return this.#blob.size;
  }

  async read(offset: number, length: number, { signal }: ReadOptions = {}): Promise<Uint8Array> {
    signal?.throwIfAborted();
    if (this.#closed) throw closed(this);
    checkRange(this, offset, length);
    let bytes: Uint8Array;
    try {
      bytes = new Uint8Array(await this.#blob.slice(offset, offset + length).arrayBuffer());
    } catch (cause) {
      throw changed(this, { cause }); // the only reason that the specification of File knows
    }
    if (this.#closed) throw closed(this);
    signal?.throwIfAborted();
    return bytes;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }
}

/** A source of a caller: what it reads is not believed to be as long as it should. */
export class CheckedSource implements Source {
  readonly size: number;
  readonly name: string;
  readonly readInto?: NonNullable<Source['readInto']>;
  readonly #source: Source;

  constructor(source: Source) {
    this.size = source.size;
    this.name = source.name;
    this.#source = source;
    if (source.readInto !== undefined)
      this.readInto = (bytes, offset, options) => source.readInto!(bytes, offset, options);
  }

  async read(offset: number, length: number, options?: ReadOptions): Promise<Uint8Array> {
    checkRange(this, offset, length);
    const bytes = await this.#source.read(offset, length, options);
    if (bytes.byteLength !== length) {
      throw new FormatError(
        'TRUNCATED',
        `its source gave ${bytes.byteLength} bytes where ${length} were asked for`,
        {
          file: this.name,
          offset,
          expected: length,
          found: bytes.byteLength,
        },
      );
    }
    return new Uint8Array(bytes.buffer, bytes.byteOffset, length); // of a Buffer, subarray() would give Buffers
  }

  close(): Promise<void> {
    return this.#source.close();
  }
}

/** @throws FormatError TRUNCATED for bytes that the source does not have */
export function checkRange({ name, size }: Source, offset: number, length: number): void {
  if (offset + length <= size) return;
  throw new FormatError('TRUNCATED', `the file ends at byte ${size}, and ${offset + length} are needed`, {
    file: name,
    offset,
    expected: length,
    found: Math.max(size - offset, 0),
  });
}

export function closed({ name }: Source): ClosedError {
  return new ClosedError('CLOSED', 'the checkpoint is closed: read its tensors before, or load() it', {
    file: name,
  });
}

export function changed({ name }: Source, details: { cause?: unknown } = {}): ClosedError {
  return new ClosedError('CHANGED', 'the file has changed since it was opened: open it again', {
    file: name,
    ...details,
  });
}
