import type { DType } from 'torch-parity';
import {
  ByteArray,
  fromTagged,
  LoadedTensor,
  MemoryStorage,
  toTagged,
  Tuple,
  type StoredTensor,
  type Tagged,
} from 'torch-parity/checkpoint';
import { gathered, type TensorEntry } from './elements.ts';

/** Any value that a checkpoint holds, with every bit, type and identity of it (PROTOCOL.md, "Checkpoints"). */
export interface Description {
  value: Tagged;
  tensors: TensorEntry[];
  /** The bytes that the tensors view. */
  storages: Uint8Array[];
}

/** The value that is described, in the neutral form: what `load` would have given. */
export function build({ value, tensors, storages }: Description): unknown {
  const shared = storages.map((bytes) => new MemoryStorage(bytes));
  const made = new Map<number, LoadedTensor>();
  return fromTagged(value, (ref, { parameter, requiresGrad }) => {
    const index = ref as number;
    const { storage, dtype, shape, offset, stride } = tensors[index]!;
    const layout = { storage: shared[storage]!, offset, stride, parameter, requiresGrad };
    const bytes = gathered(tensors[index]!, storages[storage]!);
    if (!made.has(index)) made.set(index, new LoadedTensor(dtype, shape, bytes, layout));
    return made.get(index);
  });
}

/** A tensor as `open` and as `load` give it. */
type AnyTensor = StoredTensor & { dtype: DType; bytes: Uint8Array | (() => Promise<Uint8Array>) };

/**
 * The description of a value in the neutral form. The elements that a tensor gives are compared with what it says of its
 * storage.
 *
 * @throws Error for a tensor that gives others
 */
export async function describe(root: unknown): Promise<Description> {
  const found: AnyTensor[] = [];
  const storages: AnyTensor['storage'][] = [];
  const containers: object[] = [];
  const value = toTagged(root, (object) => {
    if (isTensor(object)) {
      const { parameter, requiresGrad } = object;
      const tensor = numberIn(found, object);
      if (parameter) return { parameter: { tensor, requiresGrad } };
      return requiresGrad ? { requiringGrad: tensor } : { tensor };
    }
    if (!isContainer(object)) return undefined;
    const same = containers.indexOf(object);
    if (same < 0) containers.push(object);
    return same < 0 ? undefined : { same };
  });
  const tensors = found.map(({ dtype, shape, stride, offset, storage }) => ({
    ...{ dtype, shape: [...shape], stride: [...stride], offset },
    storage: numberIn(storages, storage),
  }));
  const read = await Promise.all(storages.map(async (storage) => new Uint8Array(await storage.read())));
  for (const [index, entry] of tensors.entries()) {
    const { bytes } = found[index]!;
    const own = typeof bytes === 'function' ? await bytes.call(found[index]) : bytes;
    if (Buffer.compare(own, gathered(entry, read[entry.storage]!)) !== 0)
      throw new Error(`the elements of tensor ${index} are not those of its storage`);
  }
  return { value, tensors, storages: read };
}

/**
 * A description as it comes back from safetensors: each tensor is contiguous and has a storage of its own, and what holds plain tensors
 * alone, by name, is a dict without an order.
 */
export function inSafetensors({ value, tensors, storages }: Description): Description {
  return {
    value: plainDict(value) ?? value,
    tensors: tensors.map(({ dtype, shape }, storage) => ({
      ...{ dtype, shape, offset: 0, storage },
      stride: shape.map((_, axis) =>
        shape.slice(axis + 1).reduce((product, size) => product * Math.max(size, 1), 1),
      ),
    })),
    storages: tensors.map((entry) => gathered(entry, storages[entry.storage]!)),
  };
}

/** A description as it comes back from torch 2.1, which gives every tensor in a storage without bytes a storage of its own. */
export function inOldTorch({ value, tensors, storages }: Description): Description {
  const all = [...storages];
  const apart = tensors.map((entry) =>
    storages[entry.storage]!.length > 0 ? entry : { ...entry, storage: all.push(new Uint8Array()) - 1 },
  );
  return { value, tensors: apart, storages: all };
}

function plainDict(value: Tagged): Tagged | undefined {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return undefined;
  const ordered =
    'orderedDict' in value && !value.orderedDict.attributes ? value.orderedDict.items : undefined;
  const pairs = 'dict' in value ? value.dict : ordered;
  const isPlain = pairs?.every(
    ([key, item]) => typeof key === 'string' && item !== null && typeof item === 'object' && 'tensor' in item,
  );
  return isPlain ? { dict: pairs!.toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)) } : undefined;
}

function isTensor(object: object): object is AnyTensor {
  return 'storage' in object && 'stride' in object && 'dtype' in object;
}

/** What Python could hold in two places and change in one; a tuple cannot be changed. */
function isContainer(object: object): boolean {
  if (object instanceof Tuple) return false;
  return (
    Array.isArray(object) || object instanceof Map || object instanceof Set || object instanceof ByteArray
  );
}

function numberIn<T>(list: T[], item: T): number {
  const at = list.indexOf(item);
  return at < 0 ? list.push(item) - 1 : at;
}
