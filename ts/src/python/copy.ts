import { TensorData } from '../tensor_data.ts';
import { put, PythonNumber, pythonTypeOf, setNumber, type PythonType } from './number.ts';

/** Whether a value is what Python would have as a dict with string keys. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** A deep copy of a list, dict, tensor or scalar, in which numbers keep their Python types. */
export function copyValue(value: unknown): unknown {
  if (value instanceof TensorData) return value.clone();
  if (value instanceof Map) return new Map(Array.from(value, ([key, entry]) => [key, copyValue(entry)]));
  if (Array.isArray(value) || isPlainObject(value)) {
    const copy = Array.isArray(value) ? [] : {};
    for (const key of Object.keys(value)) copyEntry(value, key, copy);
    return copy;
  }
  // What else can be copied is; what cannot (a function, an object of a class) is shared.
  return ArrayBuffer.isView(value) || value instanceof Date ? structuredClone(value) : value;
}

/**
 * Copies one entry of a container into another, deeply.
 *
 * @param otherwise - the Python type of a number that nothing is remembered of
 */
export function copyEntry(
  from: object,
  key: string,
  to: object,
  toKey: string = key,
  otherwise?: PythonType,
): void {
  const value = (from as Record<string, unknown>)[key];
  if (value instanceof PythonNumber) setNumber(to, toKey, value);
  else if (typeof value === 'number')
    setNumber(to, toKey, { value, type: pythonTypeOf(from, key, otherwise) });
  else put(to, toKey, copyValue(value));
}
