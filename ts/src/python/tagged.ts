import { isDType } from '../dtype.ts';
import { ByteArray, Complex, Counter, isSize, OrderedDict, Size, Tuple } from './collections.ts';
import { isPlainObject } from './copy.ts';
import { PythonKeys } from './keys.ts';
import { keyTypeOf, put, PythonNumber, pythonTypeOf, rememberKey, setNumber, typeByValue } from './number.ts';
import { Device, TorchDType } from './torch_values.ts';

/** What stands for a tensor: an index or a name, as the user of the form decides. */
export type TensorRef = number | string;

/**
 * A Python value as JSON. A plain number is an int; everything that JSON has not is an object with one key, its tag
 * (conformance/PROTOCOL.md, "Values"). `same` is a list, dict, set or bytearray that stands before in the tree: its number
 * among those, in the order in which they begin.
 */
export type Tagged =
  | null
  | boolean
  | string
  | number
  | Tagged[]
  | { int: string }
  | { float: string }
  | { tuple: Tagged[] }
  | { size: Tagged[] }
  | { set: Tagged[] }
  | { dict: [Tagged, Tagged][] }
  | { orderedDict: { items: [Tagged, Tagged][]; attributes?: [Tagged, Tagged][] } }
  | { counter: [Tagged, Tagged][] }
  | { bytes: string }
  | { bytearray: string }
  | { complex: [string, string] }
  | { dtype: string }
  | { device: string }
  | { tensor: TensorRef }
  | { parameter: { tensor: TensorRef; requiresGrad: boolean } }
  | { requiringGrad: TensorRef }
  | { same: number };

/** The tagged form of a float: the shortest text that reads back as the same double. */
export function taggedFloat(value: number): { float: string } {
  return { float: floatText(value) };
}

/**
 * The tagged form of a value in the neutral form.
 *
 * @param tensor - gives the tagged form of a tensor, or undefined for what is none
 * @throws TypeError for what Python would have nothing for
 */
export function toTagged(value: unknown, tensor: (value: object) => Tagged | undefined): Tagged {
  const entryOf = (container: object, key: unknown, entry: unknown): Tagged =>
    typeof entry === 'number' ? number(entry, pythonTypeOf(container, key)) : encode(entry);
  const keyOf = (container: object, key: unknown): Tagged =>
    typeof key === 'number' ? number(key, keyTypeOf(container, key)) : encode(key);
  const entriesOf = (map: Map<unknown, unknown>): [Tagged, Tagged][] =>
    Array.from(map, ([key, entry]) => [keyOf(map, key), entryOf(map, key, entry)]);
  const itemsOf = (array: unknown[]): Tagged[] => array.map((item, i) => entryOf(array, i, item));

  const encode = (value: unknown): Tagged => {
    if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
    if (typeof value === 'number') return number(value, typeByValue(value));
    if (typeof value === 'bigint') return { int: String(value) };
    if (typeof value !== 'object') throw new TypeError(`Python has nothing for a ${typeof value}`);
    if (value instanceof PythonNumber) return number(value.value, value.type);
    const known = tensor(value);
    if (known !== undefined) return known;
    if (value instanceof Size) return { size: itemsOf(value) };
    if (value instanceof Tuple) return { tuple: itemsOf(value) };
    if (Array.isArray(value)) return itemsOf(value);
    if (value instanceof OrderedDict) {
      const items = entriesOf(value);
      const attributes = value.attributes && { attributes: entriesOf(value.attributes) };
      return { orderedDict: { items, ...attributes } };
    }
    if (value instanceof Counter) return { counter: entriesOf(value) };
    if (value instanceof Map) return { dict: entriesOf(value) };
    if (value instanceof Set) return { set: Array.from(value, (member) => keyOf(value, member)) };
    if (value instanceof ByteArray) return { bytearray: toHex(value) };
    if (value instanceof Uint8Array) return { bytes: toHex(value) };
    if (value instanceof Complex) return { complex: [floatText(value.re), floatText(value.im)] };
    if (value instanceof TorchDType) return { dtype: value.name };
    if (value instanceof Device) return { device: String(value) };
    if (isPlainObject(value)) {
      return { dict: Object.keys(value).map((key) => [key, entryOf(value, key, value[key])]) };
    }
    throw new TypeError(`Python has nothing for a ${value.constructor.name}`);
  };
  return encode(value);
}

/** What a tag says of a tensor besides its reference. */
export interface TensorTag {
  parameter: boolean;
  requiresGrad: boolean;
}

/**
 * The value in the neutral form that a tagged form stands for. Numbers inside containers keep their types; a bare number
 * comes as a PythonNumber.
 *
 * @param tensor - gives the tensor of a reference, which may be anything that JSON has
 * @param options - whether `same` may occur, by which a value can contain itself; true if left out
 * @throws TypeError for what is no tagged form
 */
export function fromTagged(
  tagged: unknown,
  tensor: (ref: unknown, tag: TensorTag) => unknown,
  { same = true }: { same?: boolean } = {},
): unknown {
  const containers: object[] = [];
  const begun = <C extends object>(container: C): C => {
    containers.push(container);
    return container;
  };
  const keys = new PythonKeys();
  const decode = (node: unknown): unknown => {
    if (node === null || typeof node === 'boolean' || typeof node === 'string') return node;
    if (Number.isSafeInteger(node)) return new PythonNumber('int', node as number);
    if (Array.isArray(node)) return fill(begun([]), node);
    if (typeof node !== 'object') throw malformed(node);
    const [[tag, content] = [], ...more] = Object.entries(node);
    if (tag === undefined || more.length > 0) throw malformed(node);
    return decodeTag(tag, content, node);
  };
  const decodeTag = (tag: string, content: unknown, node: unknown): unknown => {
    switch (tag) {
      case 'int':
        return integer(text(content));
      case 'float':
        return new PythonNumber('float', float(content));
      case 'tuple':
        return fill(new Tuple(), list(content));
      case 'size':
        return fill(new Size(), sizes(content));
      case 'set':
        return fillSet(list(content));
      case 'dict':
        return fillMap(begun(new Map()), content);
      case 'counter':
        return fillMap(begun(new Counter()), content);
      case 'orderedDict': {
        const { items, attributes } = fields(content, 'items', 'attributes');
        const dict = fillMap(begun(new OrderedDict()), items);
        if (attributes !== undefined) dict.attributes = fillMap(new Map(), attributes);
        return dict;
      }
      case 'bytes':
        return fromHex(text(content));
      case 'bytearray':
        return begun(new ByteArray(fromHex(text(content))));
      case 'complex': {
        const [re, im] = pair(content);
        return new Complex(float(re), float(im));
      }
      case 'dtype':
        if (!isDType(content)) throw malformed(node);
        return new TorchDType(content);
      case 'device': {
        const [, type, index] = /^(\w+)(?::(\d{1,9}))?$/.exec(text(content)) ?? [];
        if (type === undefined) throw malformed(node);
        return new Device(type, index === undefined ? null : Number(index));
      }
      case 'tensor':
        return tensor(content, { parameter: false, requiresGrad: false });
      case 'requiringGrad':
        return tensor(content, { parameter: false, requiresGrad: true });
      case 'parameter': {
        const { tensor: ref, requiresGrad } = fields(content, 'tensor', 'requiresGrad');
        if (typeof requiresGrad !== 'boolean') throw malformed(node);
        return tensor(ref, { parameter: true, requiresGrad });
      }
      case 'same':
        // What is no index would find what every array has: `push`, `__proto__`.
        if (!same || !isSize(content) || content >= containers.length) throw malformed(node);
        return containers[content];
      default:
        throw malformed(node);
    }
  };
  const fill = (array: unknown[], items: unknown[]): unknown[] => {
    for (const [i, item] of items.entries()) setEntry(array, i, decode(item));
    return array;
  };
  const fillMap = <M extends Map<unknown, unknown>>(map: M, content: unknown): M => {
    for (const item of list(content)) {
      const [key, entry] = pair(item);
      setEntry(map, memberOf(map, decode(key), keys), decode(entry));
    }
    return map;
  };
  const fillSet = (items: unknown[]): Set<unknown> => {
    const set = begun(new Set());
    for (const item of items) set.add(memberOf(set, decode(item), keys));
    return set;
  };
  return decode(tagged);
}

function setEntry(container: object, key: unknown, value: unknown): void {
  if (value instanceof PythonNumber) setNumber(container, key, value);
  else put(container, key, value);
}

/** A key or member as the container holds it, with its type remembered there. */
function memberOf(container: Map<unknown, unknown> | Set<unknown>, key: unknown, keys: PythonKeys): unknown {
  const value = key instanceof PythonNumber ? key.value : key;
  const found = keys.find(container, value);
  if (found === undefined)
    throw new TypeError('no tagged form of a value: a key that Python could not hash, or NaN twice');
  if (key instanceof PythonNumber && !container.has(found)) rememberKey(container, key);
  return found;
}

function number(value: number, type: 'int' | 'float'): Tagged {
  if (type === 'float') return taggedFloat(value);
  return Number.isSafeInteger(value) ? value : { int: String(BigInt(value)) };
}

function integer(digits: string): unknown {
  if (!/^-?\d{1,1000}$/.test(digits)) throw malformed(digits); // a million digits would take minutes
  const value = BigInt(digits);
  return Number.isSafeInteger(Number(value)) ? new PythonNumber('int', Number(value)) : value;
}

function floatText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function fromHex(hex: string): Uint8Array {
  // No group that is repeated: a regular expression remembers each time, and a long text is too long for it.
  if (hex.length % 2 === 1 || /[^0-9a-f]/i.test(hex)) throw malformed(hex);
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

function text(content: unknown): string {
  if (typeof content !== 'string') throw malformed(content);
  return content;
}

function list(content: unknown): unknown[] {
  if (!Array.isArray(content)) throw malformed(content);
  return content;
}

function pair(content: unknown): [unknown, unknown] {
  const items = list(content);
  if (items.length !== 2) throw malformed(content);
  return items as [unknown, unknown];
}

function sizes(content: unknown): number[] {
  const items = list(content);
  if (!items.every(isSize)) throw malformed(content);
  return items;
}

/** An object of some of these names, and no other. */
function fields<Name extends string>(content: unknown, ...names: Name[]): Partial<Record<Name, unknown>> {
  const known = (name: string): boolean => (names as string[]).includes(name);
  if (typeof content !== 'object' || content === null || !Object.keys(content).every(known))
    throw malformed(content);
  return content;
}

/** Number() alone takes '', ' 1' and '0x10', too, and makes NaN of the rest. */
function float(content: unknown): number {
  if (!/^(NaN|-?Infinity|-?\d+(\.\d+)?(e[+-]?\d+)?)$/.test(text(content))) throw malformed(content);
  return Number(content);
}

function malformed(node: unknown): TypeError {
  return new TypeError(`no tagged form of a value: ${JSON.stringify(node)?.slice(0, 80)}`);
}
