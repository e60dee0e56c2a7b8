import type { Output } from './output.ts';
import type { ReadOptions } from './source.ts';

/** A file that can be written: all that could be wrong with the value has been found. */
export interface FilePlan {
  /** Bytes of the file. */
  readonly size: number;
  write(out: Output, options: ReadOptions): Promise<void>;
}
