import { ValueError } from '../errors.ts';
import { checkOptions } from './check_options.ts';

/** What a file may ask for before it is refused. The defaults are far above what training writes. */
export interface Limits {
  /** Containers inside containers. */
  depth: number;
  /**
   * Values and pickle opcodes: one dict of a million entries has some million. What takes much memory for few bytes counts seven: a
   * list, dict, set or tuple, a whole float, and what a pickle calls a function for, such as a tensor. Adam's state of 20,000 tensors
   * is 1.3 million.
   */
  items: number;
  /** Entries of a pickle's memo. */
  memo: number;
  /** Records of a zip archive, tensors of a safetensors file, storages of a legacy file. */
  entries: number;
  /** Bytes of a pickle or of a safetensors header, and of one zip directory: what is read before any tensor. */
  indexBytes: number;
  /** Bytes that tensors may take beyond those of the file: a stride of 0 repeats elements, views overlap. */
  expandedBytes: number;
}

export const defaultLimits: Readonly<Limits> = {
  depth: 1_000,
  items: 16_000_000, // fewer than a Map can have
  memo: 10_000_000,
  entries: 10_000_000,
  indexBytes: 1 << 30,
  expandedBytes: 1 << 30,
};

/** What such a thing counts besides itself: an empty dict of one byte takes some 500 in memory while it is read. */
export const largeItems = 6;

/**
 * All limits: those given, and the defaults of the others. One that is undefined is not given: it must not switch a check off.
 *
 * @throws TypeError UNKNOWN_OPTION for a limit that does not exist
 * @throws ValueError BAD_LIMIT for what is no number from 0 on, such as NaN, which no count would pass
 */
export function withDefaults(given: Partial<Limits> = {}): Limits {
  const limits: Limits = { ...defaultLimits };
  checkOptions('limits', given, Object.keys(limits));
  for (const key of Object.keys(limits) as (keyof Limits)[]) {
    const limit = given[key];
    if (limit === undefined) continue;
    if (typeof limit !== 'number' || !(limit >= 0))
      throw new ValueError('BAD_LIMIT', `limits.${key} must be a number from 0 on, but is ${String(limit)}`);
    limits[key] = limit;
  }
  return limits;
}
