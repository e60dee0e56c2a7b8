import { PythonNumber } from '../../python/number.ts';
import { fromTagged, type TensorTag } from '../../python/tagged.ts';
import { FormatError, LimitError } from '../errors.ts';
import type { LazyTensor } from '../lazy_tensor.ts';
import type { Limits } from '../limits.ts';
import { treeKey } from './dtypes.ts';
import type { HeaderEntry } from './header.ts';

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
  if (depthOf(text) > levelsOfContainer * limits.depth) {
    const message = `the tree is more than ${limits.depth} containers deep: raise limits.depth if you trust the file`;
    throw new LimitError('LIMIT', message, { file, key: 'depth', expected: limits.depth });
  }
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const made = new Map<string, LazyTensor>();
  const used = new Set<string>();
  const tensor = (ref: unknown, tag: TensorTag): LazyTensor => {
    const entry = byName.get(ref as string);
    if (entry === undefined)
      throw new TypeError(`it names a tensor ${JSON.stringify(ref)}, which is not there`);
    if (typeof tag.requiresGrad !== 'boolean') throw new TypeError('requiresGrad is not a boolean');
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
    value = fromTagged(JSON.parse(text), tensor);
  } catch (cause) {
    throw refuse((cause as Error).message, file, cause);
  }
  const unused = entries.find(({ name }) => !used.has(name));
  if (unused !== undefined)
    throw refuse(`it has no place for the tensor ${JSON.stringify(unused.name)}`, file);
  return value instanceof PythonNumber ? value.value : value;
}

function refuse(message: string, file: string, cause?: unknown): FormatError {
  return new FormatError('TREE', `${treeKey} does not fit the file: ${message}`, {
    file,
    key: treeKey,
    cause,
  });
}

/** How many arrays and objects of a JSON text are inside each other. */
function depthOf(text: string): number {
  let deepest = 0;
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i] as string;
    if (character === '"') inString = !inString;
    else if (inString) i += character === '\\' ? 1 : 0;
    else if (character === '[' || character === '{') deepest = Math.max(deepest, ++depth);
    else if (character === ']' || character === '}') depth--;
  }
  return deepest;
}
