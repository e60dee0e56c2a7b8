import type { Base } from './bases.ts';
import { applyEdits, type Edit } from './edit.ts';
import { mutate } from './mutations.ts';
import { Random } from './random.ts';

/** A mutated file: the base, and what was changed. */
export interface Input {
  base: Base;
  edits: Edit[];
}

/** The input of an index: the same one for a seed and the same bases. */
export function inputOf(bases: readonly Base[], seed: number, index: number): Input {
  const random = new Random(seed, index);
  const base = random.pick(bases);
  const alike = bases.filter(({ kind }) => kind === base.kind);
  const edits: Edit[] = [];
  let current = base.bytes;
  for (let count = 1 + random.below(random.pick([1, 3, 8])); count > 0; count -= 1) {
    const edit = mutate(base, current, alike, random);
    edits.push(edit);
    current = applyEdits(current, [edit]);
  }
  return { base, edits };
}

export function fileOf({ base, edits }: Input): Uint8Array {
  const edited = applyEdits(base.bytes, edits);
  return base.wrap?.(edited) ?? edited;
}
