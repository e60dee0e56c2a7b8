import { checkBounds, type BoundCheck } from './bounded.ts';
import { compare, distance, type Difference, type Distance } from './compare.ts';
import { comparable } from './differences.ts';
import type { Program } from './program.ts';
import type { Subject } from './subject.ts';
import { traceKinds, type Trace, type TraceKind } from './trace.ts';
import type { Result } from './wire.ts';

/** All four traces of the oracle. */
export type OracleTraces = Record<TraceKind, Trace>;

/** What was compared with what; the first two judge the subject, the others judge the oracle. */
export type Check = 'subject-exact' | 'subject-bounded' | 'oracle-foreach' | 'oracle-bound';

export interface Finding {
  check: Check;
  difference: Difference;
}

/** What one program showed. */
export interface Judgement {
  finding?: Finding;
  steps: number;
  /** The subject against exact torch. */
  subject: Distance;
  /** Of a bounded subject alone. */
  subjectBounds?: BoundCheck;
  /** torch as it is against exact torch, and against the truth. */
  torch: Distance;
  torchBounds: BoundCheck;
}

/**
 * Judges a subject's trace, and the oracle by the way: its foreach against its for-loop, and torch as it is against the
 * bound.
 *
 * @param torch - the oracle's version of torch
 */
export function judge(
  program: Program,
  claim: Subject['claim'],
  trace: Trace,
  oracle: OracleTraces,
  torch: string,
): Judgement {
  const ours = comparable(trace, torch);
  const exact = comparable(oracle.exact, torch);
  const torchBounds = checkBounds(oracle.torch, oracle.truth, program.dtype);
  const subjectBounds = claim === 'exact' ? undefined : checkBounds(trace, oracle.truth, program.dtype);
  const candidates: [Check, Difference | undefined][] = [
    ['oracle-foreach', compare(oracle.foreach, oracle.exact)],
    ['oracle-bound', compare(oracle.torch, oracle.exact, 'form') ?? torchBounds.violation],
    claim === 'exact'
      ? ['subject-exact', compare(ours, exact)]
      : ['subject-bounded', compare(ours, exact, 'form') ?? subjectBounds?.violation],
  ];
  const [check, difference] = candidates.find(([, found]) => found) ?? [];
  return {
    ...(check && difference && { finding: { check, difference } }),
    steps: stepsOf(program, oracle.exact),
    subject: distance(ours, exact),
    ...(subjectBounds && { subjectBounds }),
    torch: distance(oracle.torch, oracle.exact),
    torchBounds,
  };
}

/** The traces of a result, or undefined where one is missing. */
export function allTraces(result: Result): OracleTraces | undefined {
  const traces = 'failed' in result ? {} : result;
  return traceKinds.every((kind) => traces[kind]) ? (traces as OracleTraces) : undefined;
}

function stepsOf({ commands }: Program, { records }: Trace): number {
  return records.slice(1).filter(({ error }, index) => !error && commands[index]?.op === 'step').length;
}
