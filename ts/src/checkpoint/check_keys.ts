import { Tuple } from '../python/collections.ts';
import { PythonKeys } from '../python/keys.ts';
import { keyTypeOf, PythonNumber, pythonTypeOf, type PythonType } from '../python/number.ts';
import { checkContainer, checkLeaf, refuse, unsupported } from './check_value.ts';
import type { UnsupportedError } from './errors.ts';
import { extend, extentOfLeaf, type Extent } from './extent.ts';
import { isContainer } from './walk.ts';
import { isTensorToWrite } from './writable.ts';

/**
 * Checks the keys of dicts and the members of sets: whether they can be saved, whether Python can hash them, and whether it tells
 * them apart (it takes `1`, `1.0` and `True` as one). One object serves all containers of a tree.
 */
export class SavedKeyCheck {
  readonly #python = new PythonKeys();
  /** Tuples that have been checked: each is, once, however many keys share it. */
  readonly #known = new Map<Tuple, Extent>();

  /**
   * @param path - of a key, for errors
   * @returns how much the keys are
   * @throws UnsupportedError UNSUPPORTED_VALUE, and CYCLE for a tuple that contains itself
   */
  check(container: Map<unknown, unknown> | Set<unknown>, path: (key: unknown) => string): Extent {
    const extent: Extent = { size: 0, height: 0 };
    const seen = new Set();
    for (const key of container.keys()) {
      const at = (): string => path(key);
      extend(extent, this.#checkOne(key, typeof key === 'number' ? keyTypeOf(container, key) : 'int', at));
      if (typeof key === 'string') continue; // equal to no other
      const value = key instanceof PythonNumber ? key.value : key;
      const found = this.#python.find(seen, value);
      if (found === undefined) throw notHashable(at);
      if (seen.has(found))
        throw unsupported('Python takes this key and one before it as equal: rename one of them', at);
      seen.add(value);
    }
    return extent;
  }

  #checkOne(key: unknown, type: PythonType, at: () => string): Extent {
    return key instanceof Tuple ? this.#checkTuple(key, at) : checkPlain(key, type, at);
  }

  /** Tuples in tuples, without recursion: each is done after those in it. */
  #checkTuple(tuple: Tuple, at: () => string): Extent {
    const known = this.#known;
    const pending = [tuple];
    const open = new Set<Tuple>();
    for (let top = pending.at(-1); top !== undefined; top = pending.at(-1)) {
      if (!open.has(top) && !known.has(top)) {
        open.add(top);
        checkContainer(top, at);
        for (const item of top) {
          if (!(item instanceof Tuple)) continue;
          if (open.has(item)) throw containsItself(at);
          pending.push(item);
        }
        continue;
      }
      pending.pop();
      if (!open.delete(top)) continue; // it was met twice
      const extent: Extent = { size: 0, height: 0 };
      for (const [i, item] of top.entries()) {
        const type = typeof item === 'number' ? pythonTypeOf(top, i) : 'int';
        extend(extent, item instanceof Tuple ? (known.get(item) as Extent) : checkPlain(item, type, at));
      }
      known.set(top, { size: extent.size, height: extent.height + 1 });
    }
    return known.get(tuple) as Extent;
  }
}

/** A key, or a part of one, that is no tuple. */
function checkPlain(key: unknown, type: PythonType, at: () => string): Extent {
  if (checkLeaf(key, type, at)) return extentOfLeaf(key);
  if (isContainer(key)) throw notHashable(at);
  if (isTensorToWrite(key as object)) {
    throw unsupported(
      'a tensor is equal to no other, so that nothing finds it as a key or in a set: take its name',
      at,
    );
  }
  throw refuse(key, at);
}

function notHashable(at: () => string): UnsupportedError {
  return unsupported('Python cannot hash this key: make it a string, a number, or a Tuple of such', at);
}

function containsItself(at: () => string): UnsupportedError {
  return unsupported('this key contains itself, which Python cannot make', at, 'CYCLE');
}
