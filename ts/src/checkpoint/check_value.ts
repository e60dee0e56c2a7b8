import { isDType } from '../dtype.ts';
import { Complex, isSize, OrderedDict, Size } from '../python/collections.ts';
import { isPlainObject } from '../python/copy.ts';
import { PythonNumber, pythonTypeOf, type PythonType } from '../python/number.ts';
import { Device, TorchDType } from '../python/torch_values.ts';
import { UnsupportedError, type Details, type UnsupportedCode } from './errors.ts';

// What a value must be to be saved, in any format. Each check is given where the value stands, for its error.

export function unsupported(
  what: string,
  at: () => string,
  code: UnsupportedCode = 'UNSUPPORTED_VALUE',
  details?: Details,
): UnsupportedError {
  const path = at();
  return new UnsupportedError(code, `${path}: ${what}`, { path, ...details });
}

/** Why a value cannot be saved, and what to do instead. */
export function refuse(value: unknown, path: () => string): UnsupportedError {
  return unsupported(reason(value), path);
}

/** Classes whose objects are saved: one that is not known here is of another realm, or of a second copy of this package. */
const saved =
  /^(Object|Map|Set|Uint8Array|OrderedDict|Counter|Complex|TorchDType|Device|PythonNumber|(Lazy|Loaded)Tensor|TensorData)$/;

function reason(value: unknown): string {
  if (value === undefined) return 'undefined is nothing in Python: save null, which is None, or leave it out';
  if (typeof value === 'function')
    return 'a function cannot be saved: save its name, and look it up after loading';
  if (typeof value !== 'object' || value === null) return `a ${typeof value} cannot be saved: save a string`;
  if ('dataId' in value && 'rankType' in value)
    return 'a tf.Tensor cannot be saved as it is: use fromTensor(t)';
  if (value instanceof Promise) return 'a promise cannot be saved: await it';
  const name = value.constructor?.name || 'an unknown class';
  if (saved.test(name)) {
    return `this ${name} is of another realm (vm, iframe, a test's sandbox) or another copy of torch-parity: make it with the ${name} that is known here`;
  }
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    return `whether an ${name} is a tensor or bytes is not clear: save TensorData, or a Uint8Array`;
  }
  return `an object of ${name} cannot be saved: save a Map, a plain object or an array of what it holds`;
}

/**
 * Checks a value that has no others in it.
 *
 * @param type - of the value, if it is a number
 * @returns false for objects of other kinds, of which nothing is said
 * @throws UnsupportedError UNSUPPORTED_VALUE for what Python has nothing for, or torch's reader does not take
 */
export function checkLeaf(value: unknown, type: PythonType, path: () => string): boolean {
  switch (typeof value) {
    case 'boolean':
      return true;
    case 'string':
      checkText(value, path);
      return true;
    case 'bigint':
      checkInt(value, path);
      return true;
    case 'number':
      if (type === 'int') checkInt(value, path);
      return true;
    case 'object':
      if (value instanceof PythonNumber) return checkLeaf(value.value, value.type, path);
      if (value instanceof TorchDType) checkDType(value, path);
      if (value instanceof Device) checkDevice(value, path);
      return value === null || isLeafObject(value);
    default:
      throw refuse(value, path);
  }
}

/** Whether an object is a value that has no others in it. */
export function isLeafObject(value: object): boolean {
  return [Uint8Array, Complex, TorchDType, Device].some((leaf) => value instanceof leaf);
}

function checkText(text: string, path: () => string): void {
  if (/\p{Surrogate}/u.test(text)) {
    throw unsupported('a string with half a surrogate pair is no text: save its bytes', path);
  }
}

/** What torch's weights_only reader takes: 255 bytes, with the sign. */
const maxInt = 2n ** 2039n;

function checkInt(value: number | bigint, path: () => string): void {
  if (typeof value === 'number') {
    if (!Number.isInteger(value)) throw unsupported(`${value} is no int: save pyFloat(${value})`, path);
  } else if (value >= maxInt || value < -maxInt) {
    throw unsupported('torch reads no int of more than 255 bytes: save it as a string', path);
  }
}

function checkDType({ name }: TorchDType, path: () => string): void {
  if (!isDType(name))
    throw unsupported(`${JSON.stringify(name)} is no dtype: its name is such as 'float32'`, path);
}

function checkDevice({ type, index }: Device, path: () => string): void {
  if (/^[a-z]+$/.test(type) && (index === null || isSize(index))) return;
  throw unsupported(
    `${JSON.stringify({ type, index })} is no device: it is such as new Device('cuda', 0)`,
    path,
  );
}

/**
 * Checks what a container itself must be, without what is in it.
 *
 * @throws UnsupportedError UNSUPPORTED_VALUE for a plain object that has a symbol as a key, or was a tensor; for a Size of other
 * than sizes; for attributes of an OrderedDict that are no Map of names
 */
export function checkContainer(container: object, path: () => string): void {
  if (isPlainObject(container)) checkPlainObject(container, path);
  else if (container instanceof Size) checkSize(container, path);
  else if (container instanceof OrderedDict) checkAttributes(container, path);
}

function checkPlainObject(object: Record<string, unknown>, path: () => string): void {
  const [symbol] = Object.getOwnPropertySymbols(object);
  if (symbol !== undefined) throw refuse(symbol, path);
  const { dtype, shape, bytes } = object;
  // As a dict it would be saved without a word, and no program would find its tensor.
  if (isDType(dtype) && Array.isArray(shape) && bytes instanceof Uint8Array) {
    const what =
      'this was a TensorData until structuredClone or postMessage took its class: save new TensorData(dtype, shape, bytes)';
    throw unsupported(what, path);
  }
}

function checkSize(size: Size, path: () => string): void {
  for (const [i, entry] of size.entries()) {
    if (isSize(entry) && pythonTypeOf(size, i) === 'int') continue;
    throw unsupported('a torch.Size has whole numbers from 0 on: save a Tuple', path);
  }
}

function checkAttributes({ attributes }: OrderedDict, path: () => string): void {
  if (attributes === undefined) return;
  const isMap: boolean = attributes instanceof Map;
  if (isMap && Array.from(attributes.keys()).every((key) => typeof key === 'string')) return;
  throw unsupported('the attributes of an OrderedDict are a Map of their names, which are strings', path);
}
