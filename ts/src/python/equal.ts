import { TensorData } from '../tensor_data.ts';
import { entryOf } from './copy.ts';
import { PythonNumber } from './number.ts';

/** Whether two values hold the same: numbers by value, as 1 and 1.0 in Python, NaN equals itself, tensors bit by bit. */
export function equal(one: unknown, two: unknown): boolean {
  const [a, b] = [one, two].map((value) => (value instanceof PythonNumber ? value.value : value));
  if (a === b || Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof TensorData && b instanceof TensorData) {
    return equal([a.dtype, a.shape, a.bytes], [b.dtype, b.shape, b.bytes]);
  }
  if (a.constructor !== b.constructor) return false;
  if (a instanceof Set) return equal([...a], [...(b as Set<unknown>)]);
  const [keys, others] = [a, b].map((value) =>
    value instanceof Map ? [...value.keys()] : Object.keys(value),
  );
  return keys!.length === others!.length && keys!.every((key) => equal(entryOf(a, key), entryOf(b, key)));
}
