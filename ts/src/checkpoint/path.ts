import { Tuple } from '../python/collections.ts';
import { isPlainObject } from '../python/copy.ts';
import { PythonNumber } from '../python/number.ts';
import { repr } from '../python/repr.ts';
import { isLeafObject } from './check_value.ts';

/** Keys and indices from the root of a tree to a value. */
export type Path = readonly unknown[];

/** A path as one would write it in code: `optimizer.state[0].exp_avg`; `value` is the root. */
export function pathText(path: Path): string {
  const text = path
    .map((key) =>
      typeof key === 'string' && /^[\p{L}_][\p{L}\p{N}_]*$/u.test(key) ? `.${key}` : `[${keyText(key)}]`,
    )
    .join('');
  return text === '' ? 'value' : text.replace(/^\./, '');
}

/** What is shown of a key that is no string. A tuple may be as deep, and share as much, as it likes. */
const shownCharacters = 60;
const shownItems = 8;
const shownTuples = 3;

function keyText(key: unknown, depth = 0): string {
  if (typeof key === 'string') return JSON.stringify(key);
  if (key instanceof PythonNumber) return String(key.value);
  if (Array.isArray(key)) {
    if (depth === shownTuples) return '…';
    const items = key.slice(0, shownItems).map((item) => keyText(item, depth + 1));
    if (key.length > shownItems) items.push('…');
    if (!(key instanceof Tuple)) return `[${items.join(', ')}]`;
    return `(${items.join(', ')}${key.length === 1 ? ',' : ''})`;
  }
  if (key instanceof Map || key instanceof Set || isPlainObject(key)) return '{…}';
  if (typeof key === 'object' && key !== null && !isLeafObject(key))
    return `<${key.constructor?.name || 'object'}>`;
  const text = repr(key); // of a number or of bytes, which may be long
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text;
}
