import { itemSizes, type DType } from '../../dtype.ts';
import type { Storage } from '../storage.ts';
import type { StoredTensor } from '../tensor.ts';
import type { PickleOutput } from './output.ts';

/** The classes of typed storages, of the dtypes that torch had before it gave them up. */
const storageClasses: Partial<Record<DType, string>> = {
  float64: 'DoubleStorage',
  float32: 'FloatStorage',
  float16: 'HalfStorage',
  bfloat16: 'BFloat16Storage',
  complex128: 'ComplexDoubleStorage',
  complex64: 'ComplexFloatStorage',
  int64: 'LongStorage',
  int32: 'IntStorage',
  int16: 'ShortStorage',
  int8: 'CharStorage',
  uint8: 'ByteStorage',
  bool: 'BoolStorage',
};

/** Whether a dtype has a class of typed storages; one without is written by a function that came with torch 2.1. */
export function hasTypedStorage(dtype: DType): boolean {
  return dtype in storageClasses;
}

/** Writes tensors as calls of torch's rebuild functions on storages, which it numbers in the order that they come in. */
export class TensorPickler {
  readonly #out: PickleOutput;
  /** The memo index of each storage's key, and the class that it was written as: torch takes it as one alone. */
  readonly #keys = new Map<Storage, { memo: number; storageClass: string }>();

  constructor(out: PickleOutput) {
    this.#out = out;
  }

  /** The storages met, in the order of their keys `0`, `1` … */
  get storages(): Storage[] {
    return [...this.#keys.keys()];
  }

  /** @returns the memo index of the tensor, or undefined where its storage was written as another class */
  save(tensor: StoredTensor): number | undefined {
    if (!tensor.parameter) return this.#rebuild(tensor, tensor.requiresGrad);
    const out = this.#out;
    out.global('torch._utils', '_rebuild_parameter');
    if (this.#rebuild(tensor, false) === undefined) return undefined;
    out.bool(tensor.requiresGrad);
    this.#noHooks();
    out.tuple(3);
    return out.reduce();
  }

  #rebuild(
    { dtype, shape, storage, offset, stride }: StoredTensor,
    requiresGrad: boolean,
  ): number | undefined {
    const out = this.#out;
    const storageClass = storageClasses[dtype];
    out.global('torch._utils', storageClass ? '_rebuild_tensor_v2' : '_rebuild_tensor_v3');
    out.op('MARK');
    if (!this.#storage(storage, storageClass ?? 'UntypedStorage', storageClass ? itemSizes[dtype] : 1))
      return undefined;
    out.int(offset);
    out.intTuple(shape);
    out.intTuple(stride);
    out.bool(requiresGrad);
    this.#noHooks();
    if (!storageClass) out.global('torch', dtype);
    out.tuple(6);
    return out.reduce();
  }

  /** A reference to a storage: ('storage', class, key, 'cpu', its number of elements). */
  #storage(storage: Storage, storageClass: string, itemSize: number): boolean {
    const out = this.#out;
    const known = this.#keys.get(storage);
    if (known !== undefined && known.storageClass !== storageClass) return false;
    out.op('MARK');
    out.text('storage');
    out.global(storageClass === 'UntypedStorage' ? 'torch.storage' : 'torch', storageClass);
    if (known !== undefined) out.get(known.memo);
    else {
      this.#keys.set(storage, { memo: out.freshText(String(this.#keys.size)), storageClass });
    }
    out.text('cpu');
    out.int(storage.byteLength / itemSize);
    out.tuple(5);
    out.op('BINPERSID');
    return true;
  }

  /** The empty OrderedDict that once held a tensor's hooks. */
  #noHooks(): void {
    this.#out.global('collections', 'OrderedDict');
    this.#out.op('EMPTY_TUPLE');
    this.#out.reduce();
  }
}
