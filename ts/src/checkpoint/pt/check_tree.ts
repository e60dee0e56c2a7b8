import { OrderedDict, Tuple } from '../../python/collections.ts';
import { LimitError, UnsupportedError, type Details } from '../errors.ts';
import { LazyTensor } from '../lazy_tensor.ts';
import type { Limits } from '../limits.ts';
import { Global } from '../pickle/environment.ts';
import { isContainer } from '../walk.ts';
import { TypedStorage } from './tensors.ts';

/** A container whose values are being taken, and how many containers are inside each other in those taken. */
interface Frame {
  container: object;
  values: Iterator<unknown>;
  height: number;
}

/**
 * Checks what no single opcode can: that containers are not inside each other deeper than the limit (so that others may recurse), and
 * that nothing is left that is no value.
 *
 * @param where - the file and the record, for errors
 */
export function checkTree(root: unknown, limits: Limits, where: Details): void {
  const seenKeys = new Set<Tuple>();
  const heights = new Map<object, number>();
  const open: Frame[] = [];
  const enter = (value: unknown): number => {
    checkLeaf(value, where);
    if (!isContainer(value)) return 0;
    const known = heights.get(value);
    if (known !== undefined) return known;
    heights.set(value, 0); // until it is known; a cycle adds nothing
    refuseTensorKeys(value, seenKeys, where);
    open.push({ container: value, values: valuesOf(value), height: 0 });
    return 0;
  };
  enter(root);
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const { done, value } = top.values.next();
    const height = top.height + 1;
    // What is open tells soon; of parts that are shared, their height alone does.
    if (Math.max(height, open.length) > limits.depth) {
      throw new LimitError('LIMIT', 'containers are nested deeper than the limit, limits.depth, allows', {
        ...where,
        key: 'depth',
        expected: limits.depth,
      });
    }
    if (!done) {
      top.height = Math.max(top.height, enter(value));
      continue;
    }
    open.pop();
    heights.set(top.container, height);
    const parent = open.at(-1);
    if (parent !== undefined) parent.height = Math.max(parent.height, height);
  }
}

/** What is in a container, keys too: a tuple as a key can be deep. */
function* valuesOf(container: object): Generator<unknown> {
  if (container instanceof Map) {
    for (const [key, value] of container) {
      yield key;
      yield value;
    }
    if (container instanceof OrderedDict && container.attributes !== undefined) yield container.attributes;
  } else yield* container as unknown[] | Set<unknown>;
}

/**
 * Refuses a tensor in a key or in a set, where it could not be replaced by a loaded one.
 *
 * @param seen - tuples that were looked through before
 */
function refuseTensorKeys(container: object, seen: Set<Tuple>, where: Details): void {
  if (!(container instanceof Map || container instanceof Set)) return;
  for (const key of container.keys()) {
    const pending: unknown[] = [key];
    while (pending.length > 0) {
      const part = pending.pop();
      if (part instanceof LazyTensor) {
        throw new UnsupportedError(
          'UNSUPPORTED_VALUE',
          'a tensor is a key, or in a set: in Python, use its name or number instead',
          where,
        );
      }
      if (!(part instanceof Tuple) || seen.has(part)) continue;
      seen.add(part);
      for (const item of part) pending.push(item);
    }
  }
}

function checkLeaf(value: unknown, where: Details): void {
  if (value instanceof TypedStorage)
    throw new UnsupportedError('UNSUPPORTED_VALUE', 'a bare storage: in Python, save a tensor of it', where);
  if (value instanceof Global) {
    throw new UnsupportedError(
      'UNSUPPORTED_GLOBAL',
      `the class or function ${value.name} as a value: save its name`,
      {
        ...where,
        key: value.name,
      },
    );
  }
}
