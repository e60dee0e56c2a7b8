import { LazyTensor, Tuple, type Storage } from '../checkpoint/index.ts';
import { childPath, entriesOf, isContainer, type Container } from './python_value.ts';

/** What one walk through a tree of values finds. */
export interface Survey {
  /** Each tensor once, under the first path that leads to it. */
  tensors: Map<LazyTensor, string>;
  /** How many tensors view each storage, in the order in which they come. */
  storages: Map<Storage, number>;
  /** Each dict, list and tuple once, under the first path that leads to it. */
  containers: Map<Container, string>;
  /** Of those, the ones that several places refer to. */
  sharedContainers: Set<Container>;
  /** Values that there would be if what is reachable twice were written twice; infinite where a value contains itself. */
  expandedSize: number;
}

/** Walks through a tree of values. Time is linear in the file, however often it refers to one value. */
export function survey(value: unknown): Survey {
  const found: Survey = {
    tensors: new Map(),
    storages: new Map(),
    containers: new Map(),
    sharedContainers: new Set(),
    expandedSize: 0,
  };
  const sizes = new Map<Container, number>();
  const keySizes = new Map<Tuple, number>();
  /** Values inside a key or a member of a set: a tuple may hold others, again and again. */
  const insideKey = (key: unknown): number => {
    if (!(key instanceof Tuple)) return 0;
    const known = keySizes.get(key);
    if (known !== undefined) return known;
    let size = key.length;
    for (const item of key) size += insideKey(item);
    keySizes.set(key, size);
    return size;
  };
  const visit = (value: unknown, path: string): number => {
    if (value instanceof LazyTensor) {
      if (!found.tensors.has(value)) {
        found.tensors.set(value, path);
        found.storages.set(value.storage, (found.storages.get(value.storage) ?? 0) + 1);
      }
    }
    let size = 1;
    if (value instanceof Set) for (const member of value) size += insideKey(member);
    if (!isContainer(value)) return size;
    const known = sizes.get(value);
    if (known !== undefined) {
      found.sharedContainers.add(value);
      return known;
    }
    found.containers.set(value, path);
    sizes.set(value, Infinity); // for who comes here again before we are through
    for (const entry of entriesOf(value)) {
      size += visit(entry.value, childPath(path, entry)) + insideKey(entry.key);
    }
    sizes.set(value, size);
    return size;
  };
  found.expandedSize = visit(value, '');
  return found;
}

/** The number of elements, and the bytes that they take where each is written once. */
export function totalsOf({ tensors, storages }: Survey): { elements: number; storageBytes: number } {
  let elements = 0;
  let storageBytes = 0;
  for (const tensor of tensors.keys()) elements += tensor.size;
  for (const storage of storages.keys()) storageBytes += storage.byteLength;
  return { elements, storageBytes };
}
