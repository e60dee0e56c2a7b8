import { UnsupportedError } from './errors.ts';

/** Where a writer puts its bytes, in order. */
export interface Sink {
  /** Resolves when the sink can take more; the bytes are the caller's again then. */
  write(bytes: Uint8Array): Promise<void>;
  /** Makes what was written the file; before, nothing is there under its name. */
  commit(): Promise<void>;
  /** Removes what was written, after a failure. */
  abort(reason: unknown): Promise<void>;
}

/** Gathers a file of known size in memory. */
export class MemorySink implements Sink {
  readonly bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  /** @throws UnsupportedError UNSUPPORTED_VALUE for more bytes than one array has */
  constructor(size: number) {
    try {
      this.bytes = new Uint8Array(size);
    } catch (cause) {
      const message = `the file has ${size} bytes, more than one Uint8Array takes here: save it to a path or a WritableStream`;
      throw new UnsupportedError('UNSUPPORTED_VALUE', message, { found: size, cause });
    }
  }

  write(bytes: Uint8Array): Promise<void> {
    this.bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return Promise.resolve();
  }

  commit(): Promise<void> {
    return Promise.resolve();
  }

  abort(): Promise<void> {
    return Promise.resolve();
  }
}

/** Passes a file on to a stream, which is closed after it, or aborted. A stream that is stuck is waited for until the signal. */
export class StreamSink implements Sink {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #signal: AbortSignal | undefined;

  constructor(stream: WritableStream<Uint8Array>, signal?: AbortSignal) {
    this.#writer = stream.getWriter();
    this.#signal = signal;
  }

  write(bytes: Uint8Array): Promise<void> {
    // A stream may keep or transfer what it is given.
    return unlessAborted(this.#writer.write(bytes.slice()), this.#signal);
  }

  commit(): Promise<void> {
    return unlessAborted(this.#writer.close(), this.#signal);
  }

  abort(reason: unknown): Promise<void> {
    this.#writer.abort(reason).catch(() => {}); // it ends only after the write that is under way
    return Promise.resolve();
  }
}

/** What a promise gives, or the signal's reason as soon as there is one. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  const stop = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    const end = (): void => reject(signal.reason as Error);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { signal: stop.signal });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    stop.abort();
  }
}
