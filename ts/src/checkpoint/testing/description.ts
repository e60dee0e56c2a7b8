import { ByteArray, Tuple } from '../../python/collections.ts';
import { toTagged, type Tagged } from '../../python/tagged.ts';
import { FileStorage, MemoryStorage, type Storage } from '../storage.ts';
import type { StoredTensor } from '../tensor.ts';

/** A value as `torch_oracle.descriptions` describes it, without the bytes: tensors and their storages are numbered as they come. */
export interface Description {
  value: Tagged;
  tensors: { dtype: string; shape: number[]; stride: number[]; offset: number; storage: number }[];
  /** Bytes of each storage. */
  storages: number[];
}

/** What a value that was read is, for a comparison with what torch says of it; and its tensors in order. */
export function describe(value: unknown): { description: Description; tensors: StoredTensor[] } {
  const tensors: StoredTensor[] = [];
  const storages: Storage[] = [];
  const containers: object[] = [];
  const number = <T>(list: T[], item: T): number =>
    list.includes(item) ? list.indexOf(item) : list.push(item) - 1;
  const description: Description = { value: null, tensors: [], storages: [] };
  description.value = toTagged(value, (object) => {
    if (!isTensor(object)) {
      if (!isNumbered(object)) return undefined;
      const same = containers.indexOf(object);
      if (same === -1) containers.push(object);
      return same === -1 ? undefined : { same };
    }
    const index = number(tensors, object);
    if (object.parameter) return { parameter: { tensor: index, requiresGrad: object.requiresGrad } };
    return object.requiresGrad ? { requiringGrad: index } : { tensor: index };
  });
  description.tensors = tensors.map(({ dtype, shape, stride, offset, storage }) => ({
    dtype,
    shape: [...shape],
    stride: [...stride],
    offset,
    storage: number(storages, storage),
  }));
  description.storages = storages.map(({ byteLength }) => byteLength);
  return { description, tensors };
}

/** What Python can change, and so tells apart by more than its content. */
function isNumbered(object: object): boolean {
  if (Array.isArray(object)) return !(object instanceof Tuple);
  return object instanceof Map || object instanceof Set || object instanceof ByteArray;
}

function isTensor(object: object): object is StoredTensor {
  return (
    'storage' in object && (object.storage instanceof FileStorage || object.storage instanceof MemoryStorage)
  );
}
