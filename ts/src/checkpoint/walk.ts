import { OrderedDict } from '../python/collections.ts';
import { isPlainObject } from '../python/copy.ts';
import { TensorData } from '../tensor_data.ts';
import { LazyTensor } from './lazy_tensor.ts';
import type { Path } from './path.ts';
import type { StoredTensor } from './tensor.ts';

/** The values in a container, each under its key or index; none for what is no container. */
export function* entriesOf(value: unknown): Generator<[key: unknown, value: unknown]> {
  if (Array.isArray(value)) yield* value.entries();
  else if (value instanceof Map) {
    yield* value.entries();
    if (value instanceof OrderedDict && value.attributes !== undefined)
      yield ['attributes', value.attributes];
  } else if (value instanceof Set) {
    let i = 0;
    for (const member of value) yield [i++, member];
  } else if (isPlainObject(value)) yield* Object.entries(value);
}

export function isContainer(value: unknown): value is object {
  return Array.isArray(value) || value instanceof Map || value instanceof Set || isPlainObject(value);
}

/**
 * The tensors of a tree in order, each under its path. What is in a container that is reachable twice comes once, so that cycles and
 * shared parts are no danger.
 */
export function* tensorsOf(value: unknown): Generator<[path: Path, tensor: StoredTensor | TensorData]> {
  if (isTensor(value)) yield [[], value];
  const seen = new Set([value]);
  const path: unknown[] = [];
  const open = [entriesOf(value)];
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const { done, value: entry } = top.next();
    if (done) {
      open.pop();
      path.pop();
      continue;
    }
    const [key, child] = entry;
    if (isTensor(child)) yield [[...path, key], child];
    else if (isContainer(child) && !seen.has(child)) {
      seen.add(child);
      path.push(key);
      open.push(entriesOf(child));
    }
  }
}

function isTensor(value: unknown): value is StoredTensor | TensorData {
  return value instanceof LazyTensor || value instanceof TensorData;
}
