import type fc from 'fast-check';
import { shrinkable, type Origin, type Sampled } from './sample.ts';
import { take } from './take.ts';

/** The smallest failing value that was found. */
export interface Shrunk<T, F> extends Sampled<T> {
  failure: F;
  /** How many batches were tried. */
  requests: number;
  /** False where time ran out. */
  complete: boolean;
}

export interface ShrinkOptions {
  /** Siblings that are tried at once. */
  batch?: number;
  /** When to stop, in milliseconds since the epoch. */
  deadline: number;
}

/**
 * Walks down fast-check's own shrink tree: the first failing sibling is the next value, until none fails. The siblings go in
 * batches, because a round trip costs more than a program. The path that comes back replays in fast-check.
 *
 * @param origin - a run of the arbitrary that fails
 * @param failure - of that run
 * @param test - for each value how it fails, or undefined where it passes
 */
export async function shrink<T, F>(
  arbitrary: fc.Arbitrary<T>,
  origin: Origin,
  failure: F,
  test: (values: T[]) => Promise<(F | undefined)[]>,
  { batch = 16, deadline }: ShrinkOptions,
): Promise<Shrunk<T, F>> {
  let current = shrinkable(arbitrary, origin);
  const best = { value: current.value, ...origin, failure, requests: 0, complete: true };
  let siblings = arbitrary.shrink(current.value_, current.context);
  for (let tried = 0; ;) {
    if (Date.now() >= deadline) return { ...best, complete: false };
    const candidates = take(siblings, batch);
    if (candidates.length === 0) return best;
    const failures = await test(candidates.map(({ value }) => value));
    best.requests += 1;
    const index = failures.findIndex((found) => found !== undefined);
    if (index < 0) {
      tried += candidates.length;
      continue;
    }
    current = candidates[index]!;
    best.value = current.value;
    best.failure = failures[index]!;
    best.path += `:${tried + index}`;
    siblings = arbitrary.shrink(current.value_, current.context);
    tried = 0;
  }
}
