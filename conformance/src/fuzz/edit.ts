import { bytes } from '../hostile/bytes.ts';

/** Bytes that take the place of others. Any subset of a list of edits can be applied, to find those that matter. */
export interface Edit {
  at: number;
  remove: number;
  insert: Uint8Array;
}

export function applyEdits(file: Uint8Array, edits: readonly Edit[]): Uint8Array {
  let edited = file;
  for (const { at, remove, insert } of edits)
    edited = bytes(edited.subarray(0, at), insert, edited.subarray(at + remove));
  return edited;
}

export function overwrite(at: number, insert: Uint8Array): Edit {
  return { at, remove: insert.length, insert };
}
