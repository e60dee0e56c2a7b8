import { LazyTensor } from '../checkpoint/index.ts';
import { Complex, OrderedDict, Size, Tuple } from '../python/collections.ts';
import { keyTypeOf, pythonTypeOf } from '../python/number.ts';
import { repr, reprFloat, reprNumber, typeName } from '../python/repr.ts';
import { Device } from '../python/torch_values.ts';

/** A dict, list or tuple of a checkpoint. */
export type Container = Map<unknown, unknown> | unknown[];

export function isContainer(value: unknown): value is Container {
  return value instanceof Map || Array.isArray(value);
}

/** What a container holds under a key, or at an index; the whole value stands alone. */
export interface Entry {
  key: unknown;
  /** The key as Python would write it. */
  name: string;
  value: unknown;
  /** The name of the value's Python type. */
  type: string;
}

/** The entries of a container in order, with the attributes of an OrderedDict at the end. */
export function* entriesOf(container: Container): Generator<Entry> {
  for (const [key, value] of container.entries()) {
    yield { key, name: keyText(container, key), value, type: typeOf(value, container, key) };
  }
  if (container instanceof OrderedDict && container.attributes !== undefined) {
    const value = container.attributes;
    yield { key: attributesKey, name: '(attributes)', value, type: 'dict' };
  }
}

/** Stands for a key where an OrderedDict's attributes are told of among its entries. */
export const attributesKey: unique symbol = Symbol('attributes');

/** The path of an entry: `optimizer.state[0].exp_avg`, `model['layer.weight']`; the whole value has the path ''. */
export function childPath(parent: string, { key, name }: Pick<Entry, 'key' | 'name'>): string {
  if (key === attributesKey) return `${parent}${name}`;
  if (typeof key !== 'string' || !isIdentifier(key)) return `${parent}[${name}]`;
  return parent === '' ? key : `${parent}.${key}`;
}

/** A key as it stands before its value in a listing: without quotes where nothing else could be meant. */
export function labelOf({ key, name }: Pick<Entry, 'key' | 'name'>): string {
  if (typeof key !== 'string') return name;
  const isWord = /^[\w.:/-]+$/.test(key) && Number.isNaN(Number(key)) && !pythonWords.has(key);
  const text = shortText(key);
  return isWord ? text.replaceAll("'", '') : text;
}

/** Keys of other types are written so. */
const pythonWords = new Set(['None', 'True', 'False', 'nan', 'inf', '-inf']);

/** A path for a reader, who is told what the empty one is. */
export function pathText(path: string): string {
  return path === '' ? '(the whole file)' : path;
}

function isIdentifier(text: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(text);
}

/** A key of a container, or a member of a set, as Python writes it; an index of a list is an int. */
export function keyText(container: Container | Set<unknown>, key: unknown): string {
  if (typeof key === 'string') return repr(key);
  if (typeof key !== 'number') return valueText(key);
  return valueText(key, Array.isArray(container) ? 'int' : keyTypeOf(container, key));
}

/** The name of a value's Python type, without its module. A number needs the container that remembers it. */
export function typeOf(value: unknown, container?: Container, key?: unknown): string {
  if (typeof value === 'number' && container !== undefined) return pythonTypeOf(container, key);
  if (value instanceof LazyTensor) return value.parameter ? 'Parameter' : 'Tensor';
  return typeName(value).replace(/^.*\./, '');
}

/**
 * A value on one line, as Python writes it; of what is long, only how much it is.
 *
 * @param type - its Python type, which a number alone does not tell
 */
export function valueText(value: unknown, type: string = typeOf(value)): string {
  if (typeof value === 'number') return reprNumber(value, type);
  if (typeof value === 'string') return shortText(value);
  if (value instanceof LazyTensor) return `${value.dtype} [${value.shape.join(', ')}]`;
  if (value instanceof Set) {
    const members = Array.from(value, (member) => keyText(value, member));
    return members.length === 0 ? 'set()' : (shortList('{', members, '}') ?? `set of ${value.size}`);
  }
  if (value instanceof Map) return value.size === 0 && type === 'dict' ? '{}' : `${type} of ${value.size}`;
  if (Array.isArray(value)) return inlineList(value) ?? `${type} of ${value.length}`;
  if (value instanceof Uint8Array) return `${type} of ${value.byteLength}`;
  if (value instanceof Complex) return `complex(${reprFloat(value.re)}, ${reprFloat(value.im)})`;
  if (value instanceof Device) return `device(${repr(String(value))})`;
  return repr(value);
}

/** Characters of a string or list that is written out. */
const longest = 60;

/** A list or tuple on one line, where it is short and holds no dict, list of lists or tensor. */
export function inlineList(list: unknown[]): string | undefined {
  const holds = (value: unknown): boolean => value instanceof Map || value instanceof LazyTensor;
  const nested = list.some((item) => holds(item) || (Array.isArray(item) && item.some(isContainerOrTensor)));
  if (nested || list.length > longest) return undefined;
  const items = list.map((item, i) => valueText(item, typeOf(item, list, i)));
  if (list instanceof Size) return shortList('torch.Size([', items, '])');
  if (list instanceof Tuple) return shortList('(', items.length === 1 ? [`${items[0]},`] : items, ')');
  return shortList('[', items, ']');
}

function isContainerOrTensor(value: unknown): boolean {
  return isContainer(value) || value instanceof LazyTensor;
}

function shortList(open: string, items: string[], close: string): string | undefined {
  const text = `${open}${items.join(', ')}${close}`;
  return text.length > longest ? undefined : text;
}

/** A string as Python writes it, cut where it is long. What a terminal could take for a command is escaped. */
export function shortText(text: string): string {
  return text.length <= longest ? repr(text) : `${repr(text.slice(0, longest))}… (${text.length} characters)`;
}
