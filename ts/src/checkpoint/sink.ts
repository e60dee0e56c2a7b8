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

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
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

/** Passes a file on to a stream, which is closed after it, or aborted. */
export class StreamSink implements Sink {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;

  constructor(stream: WritableStream<Uint8Array>) {
    this.#writer = stream.getWriter();
  }

  write(bytes: Uint8Array): Promise<void> {
    // A stream may keep or transfer what it is given.
    return this.#writer.write(bytes.slice());
  }

  commit(): Promise<void> {
    return this.#writer.close();
  }

  abort(reason: unknown): Promise<void> {
    return this.#writer.abort(reason);
  }
}
