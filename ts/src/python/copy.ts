import { TorchTypeError } from '../errors.ts';
import { TensorData } from '../tensor_data.ts';
import { ByteArray, Counter, OrderedDict, Size, Tuple } from './collections.ts';
import {
  keyTypeOf,
  put,
  PythonNumber,
  pythonTypeOf,
  rememberKey,
  setNumber,
  type PythonType,
} from './number.ts';

/** What holds entries under keys: a dict of string keys as an object, any dict as a Map, a list or a tuple. */
export type Container = Record<string, unknown> | Map<unknown, unknown> | unknown[];

/** Whether a value is what Python would have as a dict with string keys. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * A deep copy of a list, dict, set, tensor or scalar, in which collections keep their kind and numbers their Python types.
 *
 * @param copies - of what was met before: what stands in two places is one object in the copy, too, and may contain itself
 * @throws TypeError for a tensor of an open checkpoint, whose bytes have not been read
 */
export function copyValue(value: unknown, copies: Map<unknown, unknown> = new Map()): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const known = copies.get(value);
  if (known !== undefined) return known;
  const copy = isContainer(value) ? emptyOfKind(value) : copyLeaf(value);
  copies.set(value, copy);
  if (isContainer(value)) for (const key of keysOf(value)) copyEntry(value, key, copy as object, { copies });
  if (value instanceof OrderedDict && value.attributes !== undefined) {
    (copy as OrderedDict).attributes = copyValue(value.attributes, copies) as Map<unknown, unknown>;
  }
  return copy;
}

function copyLeaf(value: object): unknown {
  if (value instanceof TensorData) return value.clone();
  if (value instanceof Set) return withKeyTypes(value, new Set(value));
  if (value instanceof ByteArray) return new ByteArray(value);
  if ('dtype' in value && 'storage' in value) {
    throw new TorchTypeError(
      'LAZY_TENSOR',
      'a tensor of an open checkpoint has not been read: take load(file) instead of open(file), or await tensor.data()',
    );
  }
  // What else can be copied is; what cannot (a function, an object of a class) is shared.
  return ArrayBuffer.isView(value) || value instanceof Date ? structuredClone(value) : value;
}

export function isContainer(value: unknown): value is Container {
  return value instanceof Map || Array.isArray(value) || isPlainObject(value);
}

function emptyOfKind(container: Container): Container {
  if (container instanceof OrderedDict) return withKeyTypes(container, new OrderedDict());
  if (container instanceof Counter) return withKeyTypes(container, new Counter<unknown>());
  return emptyLike(container);
}

/** An empty container for a copy: a plain dict for a dict of any kind, and a list or tuple of the same kind. */
export function emptyLike(container: Container): Container {
  if (container instanceof Map) return withKeyTypes(container, new Map());
  if (container instanceof Size) return new Size();
  if (container instanceof Tuple) return new Tuple();
  return Array.isArray(container) ? [] : {};
}

/** Remembers in a copy which keys or members are floats. */
function withKeyTypes<C extends Map<unknown, unknown> | Set<unknown>>(from: C, copy: C): C {
  for (const key of from.keys()) {
    if (typeof key === 'number') rememberKey(copy, { value: key, type: keyTypeOf(from, key) });
  }
  return copy;
}

export function keysOf(container: Container): Iterable<unknown> {
  return container instanceof Map ? container.keys() : Object.keys(container);
}

/** What stands under a key of a container. */
export function entryOf(container: object, key: unknown): unknown {
  return container instanceof Map
    ? container.get(key)
    : (container as Record<string, unknown>)[key as string];
}

export interface CopyEntryOptions {
  /** The key in the copy, where it is another. */
  as?: unknown;
  /** The Python type of a number that nothing is remembered of. */
  otherwise?: PythonType | undefined;
  copies?: Map<unknown, unknown>;
}

/** Copies one entry of a container into another, deeply; see {@link copyValue}. */
export function copyEntry(
  from: object,
  key: unknown,
  to: object,
  { as = key, otherwise, copies }: CopyEntryOptions = {},
): void {
  const value = entryOf(from, key);
  if (value instanceof PythonNumber) setNumber(to, as, value);
  else if (typeof value === 'number') setNumber(to, as, { value, type: pythonTypeOf(from, key, otherwise) });
  else put(to, as, copyValue(value, copies));
}
