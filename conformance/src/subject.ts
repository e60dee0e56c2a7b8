import type { Program } from './program.ts';
import type { Trace } from './trace.ts';

/** The arithmetic that a bounded subject says it has; it widens the error bound. */
export interface Profile {
  /** Error of a square root in units of u, half an ulp: 1 for IEEE, 2 for torch's own, 4 for an approximate rsqrt. */
  root: number;
  /** Whether subnormal numbers become zero. */
  flush: boolean;
}

/** An optimizer under test. */
export interface Subject {
  readonly name: string;
  /** `exact`: every bit must equal torch's. Otherwise the profile that its error bound is made for. */
  readonly claim: 'exact' | Profile;
  /** Where its arithmetic runs, for the report: `tensorflow (cpu)`. */
  readonly device: string;
  /** The engines that it has, where there is more than one: every program runs on each. */
  readonly engines?: readonly string[];
  /** Runs a whole program. What the optimizer throws is part of the trace; a rejection means that the subject broke. */
  run(program: Program, engine?: string): Trace | Promise<Trace>;
}
