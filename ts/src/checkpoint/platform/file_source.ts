import { constants, fstatSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { FormatError } from '../errors.ts';
import { changed, checkRange, closed, type ReadOptions, type Source } from '../source.ts';
import { allocate } from '../storage.ts';

/** Bytes of one read of the file system, and how many of them run at once for what is larger. */
const readBytes = 1 << 23;
const parallel = 4;

/** Opens a file to read it in any order. */
export async function openFile(path: string | URL): Promise<Source> {
  const name = path instanceof URL || path.startsWith('file:') ? fileURLToPath(path) : path;
  // Without O_NONBLOCK a named pipe would be waited for, by a thread that nothing ends. Windows has neither.
  const handle = await open(name, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stat = fstatSync(handle.fd, { bigint: true });
    if (!stat.isFile()) throw new FormatError('NOT_A_CHECKPOINT', 'it is not a regular file', { file: name });
    return new FileSource(name, handle, Number(stat.size), stat.mtimeNs);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

class FileSource implements Source {
  readonly name: string;
  readonly size: number;
  readonly #handle: FileHandle;
  readonly #modified: bigint;
  #closed = false;

  constructor(name: string, handle: FileHandle, size: number, modified: bigint) {
    this.name = name;
    this.size = size;
    this.#handle = handle;
    this.#modified = modified;
  }

  async read(offset: number, length: number, options?: ReadOptions): Promise<Uint8Array> {
    checkRange(this, offset, length);
    const bytes = allocate(length, 'what is to be read');
    await this.readInto(bytes, offset, options);
    return bytes;
  }

  async readInto(bytes: Uint8Array, offset: number, { signal }: ReadOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    if (this.#closed) throw closed(this);
    const length = bytes.byteLength;
    checkRange(this, offset, length);
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < length) {
        const start = next;
        next += readBytes;
        await this.#fill(bytes.subarray(start, Math.min(next, length)), offset + start, signal);
      }
    };
    // All have ended before this does: none writes into the bytes, or reads from the file, afterwards.
    const ended = await Promise.allSettled(
      Array.from({ length: Math.min(parallel, Math.ceil(length / readBytes)) }, work),
    );
    for (const end of ended) if (end.status === 'rejected') throw end.reason;
    this.#checkUnchanged();
  }

  async #fill(bytes: Uint8Array, offset: number, signal: AbortSignal | undefined): Promise<void> {
    let done = 0;
    while (done < bytes.byteLength) {
      signal?.throwIfAborted();
      if (this.#closed) throw closed(this);
      const { bytesRead } = await this.#handle.read(bytes, done, bytes.byteLength - done, offset + done);
      if (bytesRead === 0) throw changed(this); // it had been long enough
      done += bytesRead;
    }
  }

  #checkUnchanged(): void {
    if (this.#closed) throw closed(this);
    const stat = fstatSync(this.#handle.fd, { bigint: true });
    if (Number(stat.size) !== this.size || stat.mtimeNs !== this.#modified) throw changed(this);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#handle.close();
  }
}
