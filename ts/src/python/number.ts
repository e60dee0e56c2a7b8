/**
 * Python tells `1` from `1.0`; JavaScript does not. Numbers stay plain numbers here, and whether one was an int or a
 * float is remembered beside the container that holds it: an object, an array, a Map (its values, and its keys) or a Set.
 */
export type PythonType = 'int' | 'float';

/** A number that says which Python type it has, where one writes a group or a state dict by hand. */
export class PythonNumber {
  readonly type: PythonType;
  readonly value: number;
  constructor(type: PythonType, value: number) {
    this.type = type;
    this.value = value;
  }
}

/** The Python int `value`. */
export function pyInt(value: number): PythonNumber {
  return new PythonNumber('int', value);
}

/** The Python float `value`: `pyFloat(1)` is `1.0`. */
export function pyFloat(value: number): PythonNumber {
  return new PythonNumber('float', value);
}

interface Memory {
  value: number;
  type: PythonType;
}

const memories = new WeakMap<object, Map<unknown, Memory>>();

/** Containers in which a number as a key, or as a member of a Set, is a float. */
const floatKeys = new WeakMap<object, Set<number>>();

/** Puts a value into a container under any key: an assignment to `__proto__` would do another thing. */
export function put(container: object, key: unknown, value: unknown): void {
  if (container instanceof Map) container.set(key, value);
  else
    Object.defineProperty(container, key as string, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
}

/**
 * Puts a number into a container and remembers its type there.
 *
 * @param key - of a Map, any; of an array, its index, as a number or as text
 */
export function setNumber(container: object, key: unknown, { type, value }: PythonNumber): void {
  put(container, key, value);
  let memory = memories.get(container);
  if (memory === undefined) memories.set(container, (memory = new Map()));
  memory.set(keyIn(container, key), { value, type });
}

/**
 * The Python type of the number under a key: as it was set, loaded or read; once another number has been put in its
 * place, `otherwise`, and without that an int where it is whole and exact.
 */
export function pythonTypeOf(container: object, key: unknown, otherwise?: PythonType): PythonType {
  const value = (
    container instanceof Map ? container.get(key) : (container as Record<string, unknown>)[key as string]
  ) as number;
  const memory = memories.get(container)?.get(keyIn(container, key));
  if (memory !== undefined && Object.is(memory.value, value)) return memory.type;
  return otherwise ?? typeByValue(value);
}

/** Remembers the type of a number that is a key of a Map, or a member of a Set. */
export function rememberKey(container: object, { type, value }: PythonNumber): void {
  let floats = floatKeys.get(container);
  if (type === 'int') floats?.delete(value);
  else {
    if (floats === undefined) floatKeys.set(container, (floats = new Set()));
    floats.add(value);
  }
}

/** The Python type of a number that is a key of a Map, or a member of a Set. */
export function keyTypeOf(container: object, key: number): PythonType {
  return floatKeys.get(container)?.has(key) ? 'float' : typeByValue(key);
}

/**
 * The Python type of a number of which nothing is remembered: an int where it is whole and exact, as one beyond 2^53 - 1 would be a
 * bigint; -0 is a float.
 */
export function typeByValue(value: number): PythonType {
  return Number.isSafeInteger(value) && !Object.is(value, -0) ? 'int' : 'float';
}

/** Indices of arrays are remembered as text, as `Object.keys` gives them. */
function keyIn(container: object, key: unknown): unknown {
  return container instanceof Map ? key : String(key);
}
