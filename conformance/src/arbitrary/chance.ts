import * as fc from 'fast-check';

/** True in so many cases of a hundred; shrinks to false. */
export function chance(percent: number): fc.Arbitrary<boolean> {
  // Without bias: fast-check would favour 0 and 99.
  return fc.noBias(fc.integer({ min: 0, max: 99 })).map((ticket) => ticket >= 100 - percent);
}
