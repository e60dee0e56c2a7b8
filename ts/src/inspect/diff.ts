import { LazyTensor, type ReadOptions } from '../checkpoint/index.ts';
import { toTagged } from '../python/tagged.ts';
import {
  attributesKey,
  childPath,
  entriesOf,
  isContainer,
  keyText,
  valueText,
  typeOf,
  type Container,
  type Entry,
} from './python_value.ts';
import { compareTensors, type TensorDifference } from './tensor_difference.ts';

/** One thing that differs between two trees of values. */
export type Difference = { path: string } & (
  | { kind: 'only-left'; left: string }
  | { kind: 'only-right'; right: string }
  /** Python types, where what they hold can be compared all the same. */
  | { kind: 'type'; left: string; right: string }
  | { kind: 'value'; left: string; right: string }
  /** A dict has its keys in another order: the first that differ. */
  | { kind: 'order'; left: string; right: string }
  | { kind: 'elements'; tensor: string; difference: TensorDifference }
);

/**
 * What differs between two trees, path by path, in the left one's order.
 *
 * Python types count (1 is not 1.0), and so do the bits of tensors. Strides and shared storages do not: they say how
 * elements are stored, not which they are.
 */
export async function* diff(
  left: unknown,
  right: unknown,
  options?: ReadOptions,
): AsyncGenerator<Difference, void> {
  const compared = new WeakMap<object, WeakSet<object>>();
  const root = { key: '', name: '' };
  yield* compare(
    { ...root, value: left, type: typeOf(left) },
    { ...root, value: right, type: typeOf(right) },
    '',
  );

  async function* compare(a: Entry, b: Entry, path: string): AsyncGenerator<Difference, void> {
    if (a.value instanceof LazyTensor && b.value instanceof LazyTensor) {
      yield* compareLeaves(a.value, b.value, path);
    } else if (isContainer(a.value) && isContainer(b.value) && isDict(a.value) === isDict(b.value)) {
      if (a.type !== b.type) yield { path, kind: 'type', left: a.type, right: b.type };
      // What can be reached twice is compared once; a value that contains itself would never end.
      if (!remember(a.value, b.value)) yield* compareEntries(a.value, b.value, path);
    } else if (identity(a) !== identity(b)) {
      const [left, right] = [textOf(a), textOf(b)];
      if (left !== right) yield { path, kind: 'value', left, right };
      else yield { path, kind: 'value', left: `${left} of other content`, right };
    }
  }

  async function* compareLeaves(
    a: LazyTensor,
    b: LazyTensor,
    path: string,
  ): AsyncGenerator<Difference, void> {
    const [left, right] = [valueText(a), valueText(b)];
    if (tensorType(a) !== tensorType(b)) {
      yield { path, kind: 'type', left: tensorType(a), right: tensorType(b) };
    }
    if (left !== right) yield { path, kind: 'value', left, right };
    else {
      const difference = await compareTensors(a, b, options);
      if (difference !== undefined) yield { path, kind: 'elements', tensor: left, difference };
    }
  }

  async function* compareEntries(a: Container, b: Container, path: string): AsyncGenerator<Difference, void> {
    const others = new Map(Array.from(entriesOf(b), (entry) => [keyIdentity(b, entry.key), entry]));
    const keys: string[] = [];
    for (const entry of entriesOf(a)) {
      const key = keyIdentity(a, entry.key);
      const other = others.get(key);
      const childsPath = childPath(path, entry);
      if (other === undefined) yield { path: childsPath, kind: 'only-left', left: textOf(entry) };
      else {
        yield* compare(entry, other, childsPath);
        keys.push(key);
      }
    }
    const common = new Set(keys);
    for (const [key, entry] of others) {
      if (!common.has(key)) yield { path: childPath(path, entry), kind: 'only-right', right: textOf(entry) };
    }
    const order = [...others.keys()].filter((key) => common.has(key));
    const at = keys.findIndex((key, i) => key !== order[i]);
    if (at !== -1) {
      yield { path, kind: 'order', left: keys[at] as string, right: order[at] as string };
    }
  }

  /** @returns whether these two were there already */
  function remember(a: object, b: object): boolean {
    let partners = compared.get(a);
    if (partners === undefined) compared.set(a, (partners = new WeakSet()));
    if (partners.has(b)) return true;
    partners.add(b);
    return false;
  }
}

function isDict(value: Container): boolean {
  return value instanceof Map;
}

function textOf({ value, type }: Entry): string {
  return valueText(value, type);
}

/** A text that two values share where they are the same to the last bit. */
function identity({ value, type }: Entry): string {
  if (typeof value === 'number') return valueText(value, type);
  if (value instanceof Set) {
    return Array.from(value, (member) => keyIdentity(value, member))
      .toSorted()
      .join();
  }
  // Of two that differ in kind, the type alone says so.
  return isContainer(value) || value instanceof LazyTensor ? type : tagged(value);
}

function keyIdentity(container: Container | Set<unknown>, key: unknown): string {
  if (key === attributesKey) return '(attributes)';
  return typeof key === 'number' ? keyText(container, key) : tagged(key);
}

function tagged(value: unknown): string {
  return JSON.stringify(toTagged(value, () => undefined));
}

function tensorType(tensor: LazyTensor): string {
  return `${typeOf(tensor)}${tensor.requiresGrad ? ' that requires grad' : ''}`;
}
