import { TensorData } from '../tensor_data.ts';
import { entryOf } from './copy.ts';
import { PythonNumber } from './number.ts';

/** Whether two values hold the same: numbers by value, as 1 and 1.0 in Python, NaN equals itself, tensors bit by bit. */
export function equal(one: unknown, two: unknown): boolean {
  return compare(one, two, new Map());
}

/**
 * @param begun - pairs whose comparison has begun. Such a pair is taken as equal when it is met again: where it is not, the comparison
 * that has begun tells. So what contains itself comes to an end, and what is shared is compared once.
 */
function compare(one: unknown, two: unknown, begun: Map<object, Set<object>>): boolean {
  const [a, b] = [one, two].map((value) => (value instanceof PythonNumber ? value.value : value));
  if (a === b || Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const others = begun.get(a);
  if (others?.has(b)) return true;
  if (others === undefined) begun.set(a, new Set([b]));
  else others.add(b);
  if (a instanceof TensorData && b instanceof TensorData) {
    return compare([a.dtype, a.shape, a.bytes], [b.dtype, b.shape, b.bytes], begun);
  }
  if (a.constructor !== b.constructor) return false;
  if (a instanceof Set) return compare([...a], [...(b as Set<unknown>)], begun);
  const [keys, size] = [keysIn(a), keysIn(b).length];
  return keys.length === size && keys.every((key) => compare(entryOf(a, key), entryOf(b, key), begun));
}

function keysIn(container: object): unknown[] {
  return container instanceof Map ? [...container.keys()] : Object.keys(container);
}
