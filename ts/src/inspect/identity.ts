import { LazyTensor } from '../checkpoint/index.ts';
import { Tuple } from '../python/collections.ts';
import { toTagged } from '../python/tagged.ts';
import {
  attributesKey,
  isContainer,
  keyText,
  typeOf,
  valueText,
  type Container,
  type Entry,
} from './python_value.ts';

/** Texts that two values share where they are the same to the last bit: Python type, bits of floats, order of bytes. */
export class Identities {
  /** One number for all tuples of the same content. Written out, a tuple of a tuple twice, and so on, would never end. */
  readonly #tuples = new Map<string, number>();
  readonly #known = new WeakMap<Tuple, string>();

  /** Of what an entry holds. Of lists, dicts and tensors, which are compared by what is in them, it is the type alone. */
  of({ value, type }: Entry): string {
    if (typeof value === 'number') return valueText(value, type);
    if (value instanceof Set) {
      const members = Array.from(value, (member) => this.ofKey(value, member));
      return `set {${members.toSorted().join()}}`;
    }
    return isContainer(value) || value instanceof LazyTensor ? type : tagged(value);
  }

  /** Of a key, an index, or a member of a set. */
  ofKey(container: Container | Set<unknown>, key: unknown): string {
    if (key === attributesKey) return '(attributes)';
    if (typeof key === 'number') return keyText(container, key);
    return key instanceof Tuple ? this.#ofTuple(key) : tagged(key);
  }

  #ofTuple(tuple: Tuple): string {
    let identity = this.#known.get(tuple);
    if (identity !== undefined) return identity;
    const items = tuple.map((item, i) => {
      if (typeof item === 'number') return valueText(item, typeOf(item, tuple, i));
      return item instanceof Tuple ? this.#ofTuple(item) : tagged(item);
    });
    const content = `${typeOf(tuple)} ${[...items].join()}`;
    const number = this.#tuples.get(content) ?? this.#tuples.size;
    this.#tuples.set(content, number);
    identity = `tuple #${number}`;
    this.#known.set(tuple, identity);
    return identity;
  }
}

function tagged(value: unknown): string {
  return JSON.stringify(toTagged(value, () => undefined));
}
