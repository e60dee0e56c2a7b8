import { ByteArray, Complex, Counter, OrderedDict, Size, Tuple } from './collections.ts';
import { entryOf, isPlainObject } from './copy.ts';
import { keyTypeOf, PythonNumber, pythonTypeOf, typeByValue, type PythonType } from './number.ts';
import { Device, TorchDType } from './torch_values.ts';

/**
 * Python's `repr()` of what a group may hold. A plain whole number is an int; wrap it in `pyFloat` for a float. A container inside itself
 * is `[...]`, as in Python; and so is each after the first 100,000, as a small value that shares its parts may be a text without end.
 */
export function repr(value: unknown): string {
  return textOf(value, new Walk());
}

/** The containers that a text is inside of, and how many there may be. */
class Walk {
  readonly #open = new Set<object>();
  #left = 100_000;

  /** The text of a container; `again` where it stands inside itself. */
  inside(container: object, again: string, text: () => string): string {
    if (this.#open.has(container) || this.#left-- <= 0) return again;
    this.#open.add(container);
    const inner = text();
    this.#open.delete(container);
    return inner;
  }
}

function textOf(value: unknown, walk: Walk): string {
  if (value === null || value === undefined) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value === 'string') return reprString(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return reprNumber(value, typeByValue(value));
  if (value instanceof PythonNumber) return reprNumber(value.value, value.type);
  if (Array.isArray(value))
    return walk.inside(value, value instanceof Tuple ? '(...)' : '[...]', () => reprArray(value, walk));
  if (value instanceof Map)
    return walk.inside(value, value instanceof OrderedDict ? '...' : '{...}', () => reprMap(value, walk));
  if (value instanceof Set) return walk.inside(value, 'set(...)', () => reprSet(value, walk));
  if (value instanceof ByteArray) return `bytearray(${reprBytes(value)})`;
  if (value instanceof Uint8Array) return reprBytes(value);
  if (value instanceof Complex) return reprComplex(value);
  if (value instanceof TorchDType) return `torch.${value.name}`;
  if (value instanceof Device) {
    return `device(type='${value.type}'${value.index === null ? '' : `, index=${value.index}`})`;
  }
  if (isPlainObject(value)) return walk.inside(value, '{...}', () => reprObject(value, walk));
  return String(value);
}

function reprObject(object: Record<string, unknown>, walk: Walk): string {
  const entries = Object.keys(object).map((key) => `${reprString(key)}: ${entryText(object, key, walk)}`);
  return `{${entries.join(', ')}}`;
}

function reprSet(set: ReadonlySet<unknown>, walk: Walk): string {
  return set.size === 0 ? 'set()' : `{${Array.from(set, (member) => keyText(set, member, walk)).join(', ')}}`;
}

function reprArray(array: readonly unknown[], walk: Walk): string {
  const items = array.map((_, i) => entryText(array, i, walk)).join(', ');
  if (array instanceof Size) return `torch.Size([${items}])`;
  if (array instanceof Tuple) return `(${items}${array.length === 1 ? ',' : ''})`;
  return `[${items}]`;
}

function reprMap(map: Map<unknown, unknown>, walk: Walk): string {
  const keys = [...map.keys()];
  if (map instanceof OrderedDict) {
    const pairs = keys.map((key) => `(${keyText(map, key, walk)}, ${entryText(map, key, walk)})`);
    return pairs.length === 0 ? 'OrderedDict()' : `OrderedDict([${pairs.join(', ')}])`;
  }
  const text = (key: unknown): string => `${keyText(map, key, walk)}: ${entryText(map, key, walk)}`;
  if (!(map instanceof Counter)) return `{${keys.map(text).join(', ')}}`;
  // The most common come first; what has no order stays, as in Python.
  const counts = new Map(keys.map((key) => [key, countOf(map.get(key))]));
  const sorted = [...counts.values()].includes(undefined)
    ? keys
    : keys.toSorted((a, b) => (counts.get(b) as number) - (counts.get(a) as number));
  return keys.length === 0 ? 'Counter()' : `Counter({${sorted.map(text).join(', ')}})`;
}

/** What a Counter's values are sorted by; undefined for what is no number. */
function countOf(value: unknown): number | undefined {
  if (value instanceof PythonNumber) return value.value;
  return ['number', 'bigint', 'boolean'].includes(typeof value) ? Number(value) : undefined;
}

/** `repr` of an entry of a container, which knows the Python types of its numbers. */
export function reprEntry(container: object, key: unknown, otherwise?: PythonType): string {
  return entryText(container, key, new Walk(), otherwise);
}

function entryText(container: object, key: unknown, walk: Walk, otherwise?: PythonType): string {
  const value = entryOf(container, key);
  if (typeof value !== 'number') return textOf(value, walk);
  return reprNumber(value, pythonTypeOf(container, key, otherwise));
}

/** `repr` of a key of a Map or a member of a Set. */
function keyText(container: object, key: unknown, walk: Walk): string {
  return typeof key === 'number' ? reprNumber(key, keyTypeOf(container, key)) : textOf(key, walk);
}

/** Python's order of strings, by code points: that of their UTF-8 bytes, and not JavaScript's. */
export function comparePython(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => new TextEncoder().encode(text)) as [Uint8Array, Uint8Array];
  const at = left.findIndex((byte, i) => byte !== right[i]);
  return at === -1 ? left.length - right.length : (left[at] as number) - (right[at] ?? -1);
}

/** `repr` of a number of a type. */
export function reprNumber(value: number, type: string): string {
  return type === 'int' ? String(BigInt(value)) : reprFloat(value);
}

/** The shortest digits that read back as the same double, in Python's layout: `1.0`, `1e-07`, `inf`. */
export function reprFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const [mantissa = '', exponentText = '0'] = Math.abs(value).toExponential().split('e');
  const digits = mantissa.replace('.', '');
  const exponent = Number(exponentText);
  // Python writes an exponent below 1e-4 and from 1e16 on; JavaScript draws its lines elsewhere.
  if (exponent < -4 || exponent >= 16) {
    const power = `${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
    return `${sign}${mantissa}e${power}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`;
}

/** What Python's str.isprintable() leaves out is written as its code point, but for the space. */
function reprString(text: string): string {
  return quoted(text, /(?! )[\p{C}\p{Z}]/gu);
}

function reprBytes(bytes: Uint8Array): string {
  return `b${quoted(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''), /[^ -~]/g)}`;
}

const escapes: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function quoted(text: string, unprintable: RegExp): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`);
  return quote + escaped.replace(unprintable, (c) => escapes[c] ?? codePoint(c)) + quote;
}

function codePoint(character: string): string {
  const hex = (character.codePointAt(0) as number).toString(16);
  if (hex.length <= 2) return `\\x${hex.padStart(2, '0')}`;
  return hex.length <= 4 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}

/** Parts as in `repr` of a float, but for the `.0` of a whole one; the real part is left out where it is +0. */
function reprComplex({ re, im }: Complex): string {
  const part = (value: number): string => reprFloat(value).replace(/\.0$/, '');
  if (Object.is(re, 0)) return `${part(im)}j`;
  const sign = im < 0 || Object.is(im, -0) ? '' : '+';
  return `(${part(re)}${sign}${part(im)}j)`;
}

/** Classes before those they extend. */
const typeNames: readonly [kind: abstract new (...args: never[]) => object, name: string][] = [
  [Size, 'torch.Size'],
  [Tuple, 'tuple'],
  [Array, 'list'],
  [OrderedDict, 'collections.OrderedDict'],
  [Counter, 'collections.Counter'],
  [Map, 'dict'],
  [Set, 'set'],
  [ByteArray, 'bytearray'],
  [Uint8Array, 'bytes'],
  [Complex, 'complex'],
  [TorchDType, 'torch.dtype'],
  [Device, 'torch.device'],
];

/** The name that Python's `type()` would show for what JavaScript passed in its place. */
export function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'NoneType';
  if (value instanceof PythonNumber) return value.type;
  for (const [kind, name] of typeNames) if (value instanceof kind) return name;
  switch (typeof value) {
    case 'number':
      return typeByValue(value);
    case 'bigint':
      return 'int';
    case 'boolean':
      return 'bool';
    case 'string':
      return 'str';
    case 'function':
      return 'function';
    default: {
      const name = (value as object).constructor?.name ?? 'Object';
      return name === 'Object' ? 'dict' : name;
    }
  }
}
