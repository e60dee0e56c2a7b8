import { itemSizes } from '../dtype.ts';
import { put } from '../python/number.ts';
import { gather, isContiguous } from './gather.ts';
import { LazyTensor } from './lazy_tensor.ts';
import type { ProgressOptions, ReadOptions } from './source.ts';
import { allocate, MemoryStorage, type FileStorage } from './storage.ts';
import { LoadedTensor } from './tensor.ts';
import { entriesOf, isContainer, tensorsOf } from './walk.ts';

/** Storages that lie next to each other are read at once, up to so many bytes; what is between them is headers. */
const groupBytes = 1 << 23;
const gapBytes = 1 << 12;
/** How many groups are read at once: while one is being checked, another is read. */
const parallel = 2;

/**
 * Reads all tensors of a tree and puts them into it, in the places of the lazy ones. A storage that several tensors share is read
 * once and shared again.
 *
 * @param value - changed in place
 * @returns the value, which is another where it is a tensor itself
 */
export async function loadTensors(value: unknown, options: ProgressOptions): Promise<unknown> {
  const tensors = new Set<LazyTensor>();
  for (const [, tensor] of tensorsOf(value)) if (tensor instanceof LazyTensor) tensors.add(tensor);
  checkExpansion(tensors);
  const storages = await readStorages(new Set(Array.from(tensors, ({ storage }) => storage)), options);
  const loaded = new Map<unknown, LoadedTensor>();
  for (const tensor of tensors)
    loaded.set(tensor, inMemory(tensor, storages.get(tensor.storage) as MemoryStorage));
  replace(value, loaded);
  return loaded.get(value) ?? value;
}

/** What cannot be a view of its storage needs memory of its own: all such tensors together are one for the limit. */
function checkExpansion(tensors: ReadonlySet<LazyTensor>): void {
  let sum = 0;
  for (const tensor of tensors) {
    if (isContiguous(tensor)) continue;
    sum += tensor.byteLength;
    tensor.checkExpansion(sum);
  }
}

async function readStorages(
  storages: ReadonlySet<FileStorage>,
  { signal, onProgress }: ProgressOptions,
): Promise<Map<FileStorage, MemoryStorage>> {
  const groups = groupsOf(storages);
  const total = Array.from(storages).reduce((sum, { byteLength }) => sum + byteLength, 0);
  const read = new Map<FileStorage, MemoryStorage>();
  let done = 0;
  let failed = false;
  const work = async (): Promise<void> => {
    for (let group = groups.shift(); group !== undefined && !failed; group = groups.shift()) {
      for (const [storage, bytes] of await readGroup(group, { signal })) {
        read.set(storage, new MemoryStorage(bytes));
        done += storage.byteLength;
      }
      onProgress?.(done, total);
      signal?.throwIfAborted();
    }
  };
  const stopping = async (): Promise<void> => {
    try {
      await work();
    } catch (error) {
      failed = true;
      throw error;
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: parallel }, stopping));
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
  return read;
}

/** Reads storages that follow each other, with what is between them. */
async function readGroup(
  group: readonly FileStorage[],
  options: ReadOptions,
): Promise<[FileStorage, Uint8Array][]> {
  const first = group[0] as FileStorage;
  const last = group.at(-1) as FileStorage;
  if (first === last) return [[first, await first.read(undefined, undefined, options)]];
  const bytes = await first.source.read(first.start, last.start + last.byteLength - first.start, options);
  return group.map((storage) => {
    const start = storage.start - first.start;
    const own = bytes.subarray(start, start + storage.byteLength);
    storage.check(own);
    return [storage, own];
  });
}

/** The storages in the order of the file, in groups that are read at once. */
function groupsOf(storages: ReadonlySet<FileStorage>): FileStorage[][] {
  const groups: FileStorage[][] = [];
  let start = 0;
  let end = 0;
  for (const storage of Array.from(storages).sort(
    (a, b) => a.start - b.start || a.byteLength - b.byteLength,
  )) {
    const group = groups.at(-1);
    const next = storage.start + storage.byteLength;
    if (group !== undefined && storage.start - end <= gapBytes && next - start <= groupBytes)
      group.push(storage);
    else {
      groups.push([storage]);
      start = storage.start;
    }
    end = next;
  }
  return groups;
}

function inMemory(tensor: LazyTensor, storage: MemoryStorage): LoadedTensor {
  const { dtype, shape, offset, stride, requiresGrad, parameter, byteLength } = tensor;
  const layout = { storage, offset, stride, requiresGrad, parameter };
  const start = offset * itemSizes[dtype];
  if (byteLength === 0) return new LoadedTensor(dtype, shape, new Uint8Array(), layout);
  if (isContiguous(tensor))
    return new LoadedTensor(dtype, shape, storage.bytes.subarray(start, start + byteLength), layout);
  const bytes = allocate(byteLength, 'a tensor');
  gather(tensor, storage.bytes.subarray(start), bytes);
  return new LoadedTensor(dtype, shape, bytes, layout);
}

/** Puts other values in the places of some. */
function replace(root: unknown, others: ReadonlyMap<unknown, unknown>): void {
  const pending = isContainer(root) ? [root] : [];
  const seen = new Set(pending);
  for (let container = pending.pop(); container !== undefined; container = pending.pop()) {
    for (const [key, child] of entriesOf(container)) {
      const other = others.get(child);
      if (other !== undefined) put(container, key, other);
      else if (isContainer(child) && !seen.has(child)) {
        seen.add(child);
        pending.push(child);
      }
    }
  }
}
