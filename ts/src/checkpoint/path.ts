import { repr } from '../python/repr.ts';

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

function keyText(key: unknown): string {
  return typeof key === 'string' ? JSON.stringify(key) : repr(key);
}
