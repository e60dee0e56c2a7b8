/**
 * Python tells `1` from `1.0`; JavaScript does not. Numbers stay plain numbers here, and whether one was an int or a
 * float is remembered beside the object that holds it.
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

const memories = new WeakMap<object, Map<string, Memory>>();

/** Puts a value into a container under any key: an assignment to `__proto__` would do another thing. */
export function put(container: object, key: string, value: unknown): void {
  Object.defineProperty(container, key, { value, writable: true, enumerable: true, configurable: true });
}

/** Puts a number into a container and remembers its type there. */
export function setNumber(container: object, key: string, { type, value }: PythonNumber): void {
  put(container, key, value);
  let memory = memories.get(container);
  if (memory === undefined) memories.set(container, (memory = new Map()));
  memory.set(key, { value, type });
}

/**
 * The Python type of the number under a key: as it was set, loaded or read; once another number has been put in its
 * place, `otherwise`, and without that an int where it is whole.
 */
export function pythonTypeOf(container: object, key: string, otherwise?: PythonType): PythonType {
  const value = (container as Record<string, unknown>)[key] as number;
  const memory = memories.get(container)?.get(key);
  if (memory !== undefined && Object.is(memory.value, value)) return memory.type;
  return otherwise ?? (Number.isInteger(value) && !Object.is(value, -0) ? 'int' : 'float');
}
