import type { PythonKeys } from '../python/keys.ts';
import { PythonNumber } from '../python/number.ts';
import { UnsupportedError } from './errors.ts';

// What a value must be to be saved, in any format. Each check is given where the value stands, for its error.

/** Why a value cannot be saved, and what to do instead. */
export function refuse(value: unknown, path: () => string): UnsupportedError {
  return unsupported(reason(value), path());
}

function reason(value: unknown): string {
  if (value === undefined) return 'undefined is nothing in Python: save null, which is None, or leave it out';
  if (typeof value === 'function')
    return 'a function cannot be saved: save its name, and look it up after loading';
  if (typeof value !== 'object' || value === null) return `a ${typeof value} cannot be saved: save a string`;
  if ('dataId' in value && 'rankType' in value)
    return 'a tf.Tensor cannot be saved as it is: use fromTensor(t)';
  if (value instanceof Promise) return 'a promise cannot be saved: await it';
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    return `whether an ${value.constructor.name} is a tensor or bytes is not clear: save TensorData, or a Uint8Array`;
  }
  const name = value.constructor?.name || 'an unknown class';
  return `an object of ${name} cannot be saved: save a Map, a plain object or an array of what it holds`;
}

/** @throws UnsupportedError UNSUPPORTED_VALUE for what is not Unicode text */
export function checkText(text: string, path: () => string): void {
  if (/\p{Surrogate}/u.test(text)) {
    throw unsupported('a string with half a surrogate pair is no text: save its bytes', path());
  }
}

/** What torch's weights_only reader takes: 255 bytes, with the sign. */
const maxInt = 2n ** 2039n;

/** @throws UnsupportedError UNSUPPORTED_VALUE for what is not whole, and for more than 255 bytes */
export function checkInt(value: number | bigint, path: () => string): void {
  if (typeof value === 'number') {
    if (!Number.isInteger(value)) throw unsupported(`${value} is no int: save pyFloat(${value})`, path());
  } else if (value >= maxInt || value < -maxInt) {
    throw unsupported('torch reads no int of more than 255 bytes: save it as a string', path());
  }
}

/** @throws UnsupportedError UNSUPPORTED_VALUE for a plain object with a symbol as a key */
export function checkPlainObject(object: object, path: () => string): void {
  const [symbol] = Object.getOwnPropertySymbols(object);
  if (symbol !== undefined) throw refuse(symbol, path);
}

/**
 * Whether Python can hash the keys of a dict, or the members of a set, and tells them apart: it takes `1`, `1.0` and `True`
 * as one.
 *
 * @param path - of a key, for errors
 * @throws UnsupportedError UNSUPPORTED_VALUE
 */
export function checkKeys(keys: Iterable<unknown>, python: PythonKeys, path: (key: unknown) => string): void {
  const seen = new Set();
  for (const key of keys) {
    if (typeof key === 'string') continue; // equal to no other
    const value = key instanceof PythonNumber ? key.value : key;
    const found = python.find(seen, value);
    if (found !== undefined && !seen.has(found)) {
      seen.add(value);
      continue;
    }
    const why =
      found === undefined
        ? 'Python cannot hash this key: make it a string, a number, or a Tuple of such'
        : 'Python takes this key and one before it as equal: rename one of them';
    throw unsupported(why, path(key));
  }
}

function unsupported(what: string, path: string): UnsupportedError {
  return new UnsupportedError('UNSUPPORTED_VALUE', `${path}: ${what}`, { path });
}
