import type { DType } from '../dtype.ts';
import { TensorData } from '../tensor_data.ts';
import type { MemoryStorage, Storage } from './storage.ts';

/** How a tensor lies in its storage, and what torch.save tells of it besides. */
export interface Layout<S extends Storage = Storage> {
  storage: S;
  /** Elements before the first. */
  offset: number;
  /** Elements from one to the next, in each dimension. */
  stride: readonly number[];
  requiresGrad: boolean;
  /** Whether it was a torch.nn.Parameter. */
  parameter: boolean;
}

/** What a lazy and a loaded tensor of a checkpoint have in common. */
export interface StoredTensor extends Readonly<Layout> {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/**
 * A tensor of a checkpoint, in memory: `bytes` are its elements in row-major order, `storage` is what it was a view of.
 *
 * To edit one, make a TensorData of `bytes.slice()` and put it in its place. Of a tensor that is not contiguous `bytes` are a copy: a
 * .pt is written from the storage, so what is changed in them is not saved. Where they are no copy, a tensor that shares the storage
 * changes with them, and `bytes.buffer` holds the neighbours of the storage in the file, too.
 */
export class LoadedTensor<D extends DType = DType> extends TensorData<D> implements StoredTensor {
  readonly storage: MemoryStorage;
  readonly offset: number;
  readonly stride: readonly number[];
  readonly requiresGrad: boolean;
  readonly parameter: boolean;

  /** @param bytes - its elements in row-major order; a view of the storage where they lie so */
  constructor(dtype: D, shape: readonly number[], bytes: Uint8Array, layout: Layout<MemoryStorage>) {
    super(dtype, shape, bytes);
    this.storage = layout.storage;
    this.offset = layout.offset;
    this.stride = layout.stride;
    this.requiresGrad = layout.requiresGrad;
    this.parameter = layout.parameter;
  }
}
