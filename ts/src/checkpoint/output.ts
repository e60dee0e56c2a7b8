import type { Sink } from './sink.ts';
import type { ProgressOptions } from './source.ts';

/** What is smaller is gathered until it is so much. */
const buffered = 1 << 20;
/** What is larger is written in pieces of so much. */
const largest = 1 << 22;

/** The bytes of a file on their way to a sink: counted, gathered into large writes, told of, and stopped by a signal. */
export class Output {
  /** Bytes given so far. */
  position = 0;
  readonly #sink: Sink;
  readonly #total: number;
  readonly #options: ProgressOptions;
  #buffer = new Uint8Array(buffered);
  #filled = 0;
  #written = 0;

  /** @param total - the bytes that the file will have */
  constructor(sink: Sink, total: number, options: ProgressOptions) {
    this.#sink = sink;
    this.#total = total;
    this.#options = options;
  }

  /** @param meanwhile - given the bytes, piece by piece, while they are being written */
  async write(bytes: Uint8Array, meanwhile?: (piece: Uint8Array) => void): Promise<void> {
    this.position += bytes.length;
    if (this.#filled + bytes.length > buffered) await this.flush();
    if (bytes.length < buffered) {
      this.#buffer.set(bytes, this.#filled);
      this.#filled += bytes.length;
      meanwhile?.(bytes);
      return;
    }
    for (let start = 0; start < bytes.length; start += largest) {
      const piece = bytes.subarray(start, start + largest);
      const passed = this.#pass(piece);
      meanwhile?.(piece);
      await passed;
    }
  }

  /** Writes what is gathered. */
  async flush(): Promise<void> {
    if (this.#filled === 0) return;
    const bytes = this.#buffer.subarray(0, this.#filled);
    this.#filled = 0;
    await this.#pass(bytes);
  }

  async #pass(bytes: Uint8Array): Promise<void> {
    const { signal, onProgress } = this.#options;
    signal?.throwIfAborted();
    await this.#sink.write(bytes);
    this.#written += bytes.length;
    onProgress?.(this.#written, this.#total);
  }
}
