import { ByteArray, Complex, Tuple } from './collections.ts';
import { isPlainObject } from './copy.ts';
import { Device, TorchDType } from './torch_values.ts';

/**
 * Python's equality of dict keys and members of sets, for Maps and Sets: `1 == 1.0 == True` are one key, and tuples, bytes, complex
 * numbers, dtypes and devices are equal by content. As in Python the first of equal keys stays, and the last value wins.
 *
 * One object serves the containers of one tree. Its cost is linear in the size of the keys, however deep they are and whatever they
 * share.
 */
export class PythonKeys {
  /** Of each container, the keys that are found by another value than themselves. */
  readonly #others = new WeakMap<object, Map<unknown, unknown>>();
  /** One object stands for all keys of the same content. */
  readonly #byContent = new Map<string, object>();
  /** What is known of tuples and bytes, which may be keys again and again. */
  readonly #known = new WeakMap<Tuple | Uint8Array, object>();
  /** Strings and objects as they stand in the content of tuples. */
  readonly #numbers = new Map<unknown, number>();

  /**
   * The key that the container has already where it is equal to this one; else this one, which the caller then puts into the
   * container.
   *
   * @param key - objects that are no values, such as tensors, are equal by identity; NaN is equal to nothing
   * @returns undefined where Python could not hash the key: a list, a dict, a set, a bytearray, or a tuple that has one, or itself; and
   *   for a second NaN, which is a key of its own in Python, and would be the first in a Map
   */
  find(container: Map<unknown, unknown> | Set<unknown>, key: unknown): unknown {
    const canonical = this.#canonical(key);
    if (canonical === undefined) return undefined;
    if (container.has(canonical)) return Number.isNaN(canonical) ? undefined : canonical;
    let others = this.#others.get(container);
    const found = others?.get(canonical);
    if (found !== undefined) return found;
    if (canonical !== key) {
      if (others === undefined) this.#others.set(container, (others = new Map()));
      others.set(canonical, key);
    }
    return key;
  }

  /** What is the same value, to a Map, for all keys that Python holds equal. */
  #canonical(key: unknown): unknown {
    switch (typeof key) {
      case 'boolean':
        return Number(key);
      case 'bigint': {
        const float = Number(key);
        return Number.isFinite(float) && BigInt(float) === key ? float : key;
      }
      case 'object':
        if (key === null) return null;
        if (key instanceof Tuple) return this.#ofNested(key);
        if (key instanceof Complex) {
          if (Number.isNaN(key.re) || Number.isNaN(key.im)) return key;
          return key.im === 0 ? key.re : this.#intern(`complex ${key.re} ${key.im}`);
        }
        if (key instanceof Device) return this.#intern(`device ${key.toString()}`);
        if (key instanceof TorchDType) return this.#intern(`dtype ${key.name}`);
        if (Array.isArray(key) || key instanceof Map || key instanceof Set || key instanceof ByteArray)
          return undefined;
        if (isPlainObject(key)) return undefined;
        return key instanceof Uint8Array ? this.#ofBytes(key) : key;
      default:
        return key;
    }
  }

  #ofBytes(bytes: Uint8Array): object {
    let object = this.#known.get(bytes);
    if (object === undefined) this.#known.set(bytes, (object = this.#intern(`bytes ${bytes.join()}`)));
    return object;
  }

  /** Tuples in tuples, without recursion: each is taken once, after those inside. */
  #ofNested(tuple: Tuple): object | undefined {
    const pending = [tuple];
    /** Those whose items are pending: in one of these such a tuple is in itself. */
    const open = new Set<Tuple>();
    for (let top = pending.at(-1); top !== undefined; top = pending.at(-1)) {
      const before = pending.length;
      if (!this.#known.has(top)) {
        open.add(top);
        for (const item of top) {
          if (!(item instanceof Tuple) || this.#known.has(item)) continue;
          if (open.has(item)) return undefined;
          pending.push(item);
        }
        if (pending.length > before) continue;
        const content = this.#content(top);
        if (content === undefined) return undefined;
        this.#known.set(top, this.#intern(content));
      }
      pending.pop();
    }
    return this.#known.get(tuple);
  }

  /** Text that is the same for tuples of equal items, all tuples among which are known. */
  #content(tuple: Tuple): string | undefined {
    const parts: string[] = ['tuple'];
    for (const item of tuple) {
      const canonical = item instanceof Tuple ? this.#known.get(item) : this.#canonical(item);
      if (canonical === undefined) return undefined;
      if (Number.isNaN(canonical)) parts.push(`#${this.#numberOf({})}`);
      else if (typeof canonical === 'number' || canonical === null) parts.push(String(canonical));
      else if (typeof canonical === 'bigint')
        parts.push(`${canonical}n`); // no float is equal to it
      else parts.push(`#${this.#numberOf(canonical)}`);
    }
    return parts.join(' ');
  }

  #intern(content: string): object {
    let object = this.#byContent.get(content);
    if (object === undefined) this.#byContent.set(content, (object = {}));
    return object;
  }

  #numberOf(part: unknown): number {
    let number = this.#numbers.get(part);
    if (number === undefined) this.#numbers.set(part, (number = this.#numbers.size));
    return number;
  }
}
