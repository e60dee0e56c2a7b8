import { itemSizes, type DType } from '../dtype.ts';
import { sizeOf, TensorData } from '../tensor_data.ts';
import { LimitError } from './errors.ts';
import { gather, isContiguous, reach } from './gather.ts';
import type { ReadOptions } from './source.ts';
import { allocate, chunkBytes, type FileStorage } from './storage.ts';
import type { Layout, StoredTensor } from './tensor.ts';

/** A tensor of an open checkpoint: it knows its form, and reads its bytes when it is asked to. */
export class LazyTensor<D extends DType = DType> implements StoredTensor {
  readonly dtype: D;
  readonly shape: readonly number[];
  readonly storage: FileStorage;
  readonly offset: number;
  readonly stride: readonly number[];
  readonly requiresGrad: boolean;
  readonly parameter: boolean;
  /** How many bytes it may take in memory if its elements do not lie in row-major order. */
  readonly #mayTake: number;

  /**
   * @param layout - within the storage; the readers have checked it
   * @param mayTake - bytes: the file's size and the limit `expandedBytes`
   */
  constructor(dtype: D, shape: readonly number[], layout: Layout<FileStorage>, mayTake: number) {
    this.dtype = dtype;
    this.shape = shape;
    this.storage = layout.storage;
    this.offset = layout.offset;
    this.stride = layout.stride;
    this.requiresGrad = layout.requiresGrad;
    this.parameter = layout.parameter;
    this.#mayTake = mayTake;
  }

  /** The number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /** The bytes of all elements. */
  get byteLength(): number {
    return this.size * itemSizes[this.dtype];
  }

  /**
   * Its elements in row-major order, little-endian. What comes may be a view of what the source holds: do not write to it.
   *
   * @throws LimitError LIMIT if its stride repeats so many elements that they pass the limit `expandedBytes`
   * @throws FormatError ZIP_CRC if it is all of its storage and the checksum tells that the file is damaged
   */
  async bytes(options?: ReadOptions): Promise<Uint8Array> {
    return this.#read(this.shape, this.offset, options);
  }

  /**
   * The same bytes in pieces of at most 16 MiB, or one element. Each piece reads all from its first element to its farthest: of a
   * large transposed tensor that is nearly all of the storage again and again, which {@link bytes} reads once.
   */
  async *chunks(options?: ReadOptions): AsyncGenerator<Uint8Array> {
    if (this.storage.byteLength === this.byteLength && isContiguous(this)) {
      yield* this.storage.chunks(options);
      return;
    }
    if (this.size === 0) return;
    if (!isContiguous(this)) this.checkExpansion(this.byteLength);
    for (const { shape, offset } of this.#pieces()) yield await this.#read(shape, offset, options);
  }

  /** The tensor in memory. */
  async data(options?: ReadOptions): Promise<TensorData<D>> {
    return new TensorData(this.dtype, this.shape, await this.bytes(options));
  }

  /** The bytes of a part of it, of the same strides. */
  async #read(shape: readonly number[], offset: number, options?: ReadOptions): Promise<Uint8Array> {
    const item = itemSizes[this.dtype];
    const part = { dtype: this.dtype, shape, stride: this.stride };
    const size = sizeOf(shape);
    if (size === 0) return new Uint8Array(0);
    if (!isContiguous(part)) this.checkExpansion(size * item);
    const bytes = await this.storage.read(offset * item, (offset + reach(part)) * item, options);
    if (isContiguous(part)) return bytes;
    const gathered = allocate(size * item, 'a tensor');
    gather(part, bytes, gathered);
    return gathered;
  }

  /** Parts along the first dimensions, in order, each small enough for a piece. */
  *#pieces(): Generator<{ shape: number[]; offset: number }> {
    const item = itemSizes[this.dtype];
    // The dimensions before `split` are taken one index at a time, and `split` some indices at a time.
    let split = 0;
    const inner = (): number => sizeOf(this.shape.slice(split + 1)) * item;
    while (split < this.shape.length - 1 && inner() > chunkBytes) split++;
    const rows = Math.max(Math.floor(chunkBytes / inner()), 1);
    const outer = this.shape.slice(0, split);
    const length = this.shape[split] ?? 1;
    const index = outer.map(() => 0);
    for (let left = sizeOf(outer); left > 0; left--) {
      const start = index.reduce((sum, at, i) => sum + at * (this.stride[i] as number), this.offset);
      for (let row = 0; row < length; row += rows) {
        yield {
          shape:
            this.shape.length === 0
              ? []
              : [...outer.map(() => 1), Math.min(rows, length - row), ...this.shape.slice(split + 1)],
          offset: start + row * (this.stride[split] ?? 0),
        };
      }
      for (let i = split - 1; i >= 0; i--) {
        index[i] = (index[i] as number) + 1;
        if ((index[i] as number) < (outer[i] as number)) break;
        index[i] = 0;
      }
    }
  }

  /** @throws LimitError if that many bytes are too many for a tensor whose elements are copied one by one */
  checkExpansion(bytes: number): void {
    if (bytes <= this.#mayTake) return;
    throw new LimitError(
      'LIMIT',
      `a tensor of shape [${this.shape.join(', ')}] repeats its elements up to ${bytes} bytes: raise limits.expandedBytes if you trust the file`,
      { file: this.storage.source.name, key: 'expandedBytes', expected: this.#mayTake, found: bytes },
    );
  }
}
