import { Buffer } from 'node:buffer';
import {
  Complex,
  Device,
  keyTypeOf,
  LoadedTensor,
  OrderedDict,
  pythonTypeOf,
  TorchDType,
  Tuple,
} from 'torch-parity/checkpoint';

type Pair = [mine: unknown, theirs: unknown, path: string];

/**
 * The path at which two loaded values differ: in what they hold, in Python types, or in which of their containers, tensors
 * and storages are the same object; undefined if they are equal. Each object is visited once, so that cycles and values that share much end.
 */
export function differenceOf(mine: unknown, theirs: unknown): string | undefined {
  const partners = new Map<object, object>();
  const claimed = new Set<object>();
  const open: Pair[] = [[mine, theirs, 'value']];
  for (let pair = open.pop(); pair !== undefined; pair = open.pop()) {
    const [one, other, path] = pair;
    if (typeof one !== 'object' || one === null) {
      if (!Object.is(one, other)) return path;
      continue;
    }
    if (typeof other !== 'object' || other === null || one.constructor !== other.constructor) return path;
    if (hasIdentity(one)) {
      const partner = partners.get(one);
      if (partner !== undefined || claimed.has(other)) {
        if (partner !== other) return `${path} (identity)`;
        continue;
      }
      partners.set(one, other);
      claimed.add(other);
    }
    const parts = partsOf(one, path);
    const otherParts = partsOf(other, path);
    if (parts.length !== otherParts.length) return `${path} (length)`;
    for (const [index, [part, partPath]] of parts.entries())
      open.push([part, otherParts[index]![0], partPath]);
  }
  return undefined;
}

/** Python has one empty tuple, and makes dtypes and devices as it likes. */
function hasIdentity(value: object): boolean {
  return (
    !(value instanceof Tuple && value.length === 0) &&
    !(value instanceof TorchDType) &&
    !(value instanceof Device)
  );
}

/** A tuple as a key may hold 2^60 others. */
function label(key: unknown): string {
  return typeof key === 'object' && key !== null ? key.constructor.name : String(key);
}

/** What an object consists of, in a fixed order; numbers together with their Python types. */
function partsOf(value: object, path: string): [unknown, string][] {
  const numberType = (key: unknown, part: unknown): unknown =>
    typeof part === 'number' ? pythonTypeOf(value, key) : undefined;
  if (Array.isArray(value))
    return value.flatMap((part, index): [unknown, string][] => [
      [part, `${path}[${index}]`],
      [numberType(index, part), `${path}[${index}] (type)`],
    ]);
  if (value instanceof Map) {
    const items = [...value].flatMap(([key, part]: [unknown, unknown]): [unknown, string][] => [
      [key, `${path}, key ${label(key)}`],
      [typeof key === 'number' ? keyTypeOf(value, key) : undefined, `${path}, key ${label(key)} (type)`],
      [part, `${path}[${label(key)}]`],
      [numberType(key, part), `${path}[${label(key)}] (type)`],
    ]);
    return value instanceof OrderedDict ? [...items, [value.attributes, `${path} (attributes)`]] : items;
  }
  if (value instanceof Set) return [...value].map((member) => [member, `${path}, member`]);
  if (value instanceof LoadedTensor) {
    const { dtype, shape, offset, stride, requiresGrad, parameter, storage, bytes } = value;
    return [
      [JSON.stringify({ dtype, shape, offset, stride, requiresGrad, parameter }), `${path} (layout)`],
      [Buffer.from(bytes).toString('latin1'), `${path} (elements)`],
      [storage, `${path} (storage)`],
    ];
  }
  if (value instanceof Uint8Array) return [[Buffer.from(value).toString('latin1'), path]];
  if (value instanceof Complex || value instanceof TorchDType || value instanceof Device)
    return Object.values(value).map((part) => [part, path]);
  return []; // a storage: the tensors of it have been compared
}
