import type { Format } from './format.ts';
import type { Source } from './source.ts';

/** An open checkpoint. Its tensors read from the file until it is closed. */
export class Checkpoint<T = unknown> implements AsyncDisposable {
  readonly value: T;
  readonly format: Format;
  /** Of a safetensors file, its own notes. */
  readonly metadata: ReadonlyMap<string, string> | undefined;
  readonly #source: Source;

  constructor(value: T, format: Format, source: Source, metadata?: ReadonlyMap<string, string>) {
    this.value = value;
    this.format = format;
    this.metadata = metadata;
    this.#source = source;
  }

  /** The bytes of the file. */
  get size(): number {
    return this.#source.size;
  }

  /** Closes the file; what its tensors have read already stays. */
  close(): Promise<void> {
    return this.#source.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
