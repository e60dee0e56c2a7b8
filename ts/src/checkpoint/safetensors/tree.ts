import { PythonNumber } from '../../python/number.ts';
import { fromTagged, type TensorTag } from '../../python/tagged.ts';
import { FormatError, LimitError } from '../errors.ts';
import type { LazyTensor } from '../lazy_tensor.ts';
import { largeItems, type Limits } from '../limits.ts';
import { checkTree } from '../pt/check_tree.ts';
import { treeKey } from './dtypes.ts';
import type { HeaderEntry } from './header.ts';
import { endOfString } from './json.ts';

/** The tagged form of a container has at most so many arrays and objects inside each other. */
const levelsOfContainer = 4;

/**
 * The value that a description in the metadata stands for, as FORMAT.md tells. Every tensor of the file has its place in it.
 *
 * @param make - makes the tensor of an entry, as a parameter or not
 * @throws FormatError TREE if it is no description, or not one of this file
 */
export function readTree(
  text: string,
  entries: readonly HeaderEntry[],
  make: (entry: HeaderEntry, tag: TensorTag) => LazyTensor,
  limits: Limits,
  file: string,
): unknown {
  const { depth, items } = measure(text);
  if (depth > levelsOfContainer * limits.depth) throw tooMuch('depth', limits, file);
  if (items > limits.items) throw tooMuch('items', limits, file);
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const made = new Map<string, LazyTensor>();
  const used = new Set<string>();
  const tensor = (ref: unknown, tag: TensorTag): LazyTensor => {
    const entry = byName.get(ref as string);
    if (entry === undefined)
      throw new TypeError(`it names a tensor ${JSON.stringify(ref)}, which is not there`);
    used.add(entry.name);
    // The same tensor twice is one object, as it was.
    const key = `${tag.parameter} ${tag.requiresGrad} ${entry.name}`;
    const known = made.get(key);
    if (known !== undefined) return known;
    const lazy = make(entry, tag);
    made.set(key, lazy);
    return lazy;
  };
  let value: unknown;
  try {
    value = fromTagged(JSON.parse(text), tensor, { same: false });
  } catch (cause) {
    throw refuse((cause as Error).message, file, cause);
  }
  const unused = entries.find(({ name }) => !used.has(name));
  if (unused !== undefined)
    throw refuse(`it has no place for the tensor ${JSON.stringify(unused.name)}`, file);
  checkTree(value, limits, { file });
  return value instanceof PythonNumber ? value.value : value;
}

function refuse(message: string, file: string, cause?: unknown): FormatError {
  return new FormatError('TREE', `${treeKey} does not fit the file: ${message}`, {
    file,
    key: treeKey,
    cause,
  });
}

function tooMuch(key: 'depth' | 'items', limits: Limits, file: string): LimitError {
  const message = `the tree has more than the limit, limits.${key}, allows: raise it if you trust the file`;
  return new LimitError('LIMIT', message, { file, key, expected: limits[key] });
}

/** How many arrays and objects of a JSON text are inside each other, and how much it makes, before anything is made of it. */
function measure(text: string): { depth: number; items: number } {
  let deepest = 0;
  let depth = 0;
  let items = 1;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') at = endOfString(text, at) - 1;
    else if (character === ',') items++;
    else if (character === '[' || character === '{') {
      items += 1 + largeItems;
      deepest = Math.max(deepest, ++depth);
    } else if (character === ']' || character === '}') depth--;
  }
  return { depth: deepest, items };
}
