import { LazyTensor, UnsupportedError, type ReadOptions } from '../checkpoint/index.ts';
import { Identities } from './identity.ts';
import {
  childPath,
  entriesOf,
  isContainer,
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

/** Two values under one path, one of each tree. */
interface Pair {
  a: Entry;
  b: Entry;
  path: string;
}

/**
 * Pairs of lists or dicts both of which were compared with another before. Two rings of n and m lists make n * m of them,
 * and files of like values few.
 */
const mostRepetitions = 100_000;

/**
 * What differs between two trees, path by path, in the left one's order.
 *
 * Python types count (1 is not 1.0), and so do the bits of tensors. Strides and shared storages do not, nor does whether
 * two places hold one list or two equal ones: they say how values are stored, not which they are.
 *
 * @throws UnsupportedError for trees that refer to the same lists and dicts from so many places, each in its own way,
 *   that they cannot be compared
 */
export async function* diff(
  left: unknown,
  right: unknown,
  options?: ReadOptions,
): AsyncGenerator<Difference, void> {
  const known = new Known();
  const root = { key: '', name: '' };
  const a = { ...root, value: left, type: typeOf(left) };
  const b = { ...root, value: right, type: typeOf(right) };
  // The next one last. No recursion: a cycle of one tree against one of the other is deeper than any stack.
  const pending: (Pair | Difference)[] = [{ a, b, path: '' }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if ('kind' in next) yield next;
    else if (next.a.value instanceof LazyTensor && next.b.value instanceof LazyTensor) {
      yield* compareTensorPair(next.a.value, next.b.value, next.path, options);
    } else for (const step of [...compare(next, known)].reverse()) pending.push(step);
  }
}

/** What is known of the values that were compared before. */
class Known {
  readonly identities = new Identities();
  readonly #left = new Map<Container, Set<Container>>();
  readonly #right = new Set<Container>();
  #repetitions = 0;

  /** Whether two were compared already. What can be reached twice is compared once. */
  remember(a: Container, b: Container): boolean {
    const partners = this.#left.get(a);
    if (partners?.has(b)) return true;
    if (partners && this.#right.has(b) && ++this.#repetitions > mostRepetitions) {
      throw new UnsupportedError(
        'UNSUPPORTED_VALUE',
        'the two files cannot be compared: their lists and dicts refer to each other in too many ways',
      );
    }
    if (partners) partners.add(b);
    else this.#left.set(a, new Set([b]));
    this.#right.add(b);
    return false;
  }
}

/** What differs between two values that are not both tensors, and the pairs in them that are still to be compared. */
function* compare({ a, b, path }: Pair, known: Known): Generator<Pair | Difference> {
  if (isContainer(a.value) && isContainer(b.value) && isDict(a.value) === isDict(b.value)) {
    if (a.type !== b.type) yield { path, kind: 'type', left: a.type, right: b.type };
    if (!known.remember(a.value, b.value)) yield* compareEntries(a.value, b.value, path, known.identities);
  } else if (known.identities.of(a) !== known.identities.of(b)) {
    const [left, right] = [textOf(a), textOf(b)];
    if (left !== right) yield { path, kind: 'value', left, right };
    else yield { path, kind: 'value', left: `${left} of other content`, right };
  }
}

function* compareEntries(
  a: Container,
  b: Container,
  path: string,
  identities: Identities,
): Generator<Pair | Difference> {
  const others = new Map(Array.from(entriesOf(b), (entry) => [identities.ofKey(b, entry.key), entry]));
  const common = new Map<string, Entry>();
  for (const entry of entriesOf(a)) {
    const key = identities.ofKey(a, entry.key);
    const other = others.get(key);
    if (other === undefined) yield { path: childPath(path, entry), kind: 'only-left', left: textOf(entry) };
    else {
      common.set(key, entry);
      if (isLeaf(entry) && isLeaf(other) && identities.of(entry) === identities.of(other)) continue;
      yield { a: entry, b: other, path: childPath(path, entry) };
    }
  }
  for (const [key, entry] of others) {
    if (!common.has(key)) yield { path: childPath(path, entry), kind: 'only-right', right: textOf(entry) };
  }
  const left = [...common];
  const right = [...others].filter(([key]) => common.has(key));
  const at = left.findIndex(([key], i) => key !== right[i]![0]);
  if (at !== -1) yield { path, kind: 'order', left: left[at]![1].name, right: right[at]![1].name };
}

async function* compareTensorPair(
  a: LazyTensor,
  b: LazyTensor,
  path: string,
  options?: ReadOptions,
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

function isLeaf({ value }: Entry): boolean {
  return !isContainer(value) && !(value instanceof LazyTensor);
}

function isDict(value: Container): boolean {
  return value instanceof Map;
}

function textOf({ value, type }: Entry): string {
  return valueText(value, type);
}

function tensorType(tensor: LazyTensor): string {
  return `${typeOf(tensor)}${tensor.requiresGrad ? ' that requires grad' : ''}`;
}
