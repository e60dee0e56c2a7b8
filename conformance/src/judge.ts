import { checkBounds, type BoundCheck } from './bounded.ts';
import { compare, distance, type Difference, type Distance } from './compare.ts';
import { comparable } from './differences.ts';
import type { Program } from './program.ts';
import type { Subject } from './subject.ts';
import { traceKinds, type Trace, type TraceKind } from './trace.ts';
import type { Result } from './wire.ts';

/** The oracle's traces of a program: all four, or without the truth where its dtype has none. */
export type OracleTraces = Record<Exclude<TraceKind, 'truth'>, Trace> & { truth?: Trace };

/** Whether a program has a truth, with its error bound; torch's foreach must equal its for-loop there, too. */
export function hasTruth({ dtype }: Pick<Program, 'dtype'>): boolean {
  return dtype === 'float32' || dtype === 'float64';
}

/** What to ask the oracle for. */
export function wantedOf(program: Program): readonly TraceKind[] {
  return hasTruth(program) ? traceKinds : traceKinds.filter((kind) => kind !== 'truth');
}

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
  /** torch as it is against exact torch, and against the truth where there is one. */
  torch: Distance;
  torchBounds?: BoundCheck;
  /** torch's foreach against its for-loop, where they may differ. */
  foreach?: Distance;
}

/**
 * Judges a subject's trace, and the oracle by the way: its foreach against its for-loop, and torch as it is against the
 * bound. In halves and complex numbers torch's foreach rounds otherwise, and there is no bound: both are only measured.
 *
 * @param torch - the oracle's version of torch
 * @throws Error for a bounded subject where there is no truth
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
  const { truth } = oracle;
  if (!truth && claim !== 'exact') throw new Error(`nothing bounds the error of ${program.dtype}`);
  const torchBounds = truth && checkBounds(oracle.torch, truth, program.dtype);
  const subjectBounds = claim === 'exact' ? undefined : checkBounds(trace, truth!, program.dtype);
  const candidates: [Check, Difference | undefined][] = [
    ['oracle-foreach', truth && compare(oracle.foreach, oracle.exact)],
    ['oracle-bound', torchBounds && (compare(oracle.torch, oracle.exact, 'form') ?? torchBounds.violation)],
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
    ...(torchBounds ? { torchBounds } : { foreach: distance(oracle.foreach, oracle.exact) }),
  };
}

/** The traces of a result, or undefined where one that is wanted is missing. */
export function allTraces(program: Program, result: Result): OracleTraces | undefined {
  const traces = 'failed' in result ? {} : result;
  return wantedOf(program).every((kind) => traces[kind]) ? (traces as OracleTraces) : undefined;
}

function stepsOf({ commands }: Program, { records }: Trace): number {
  return records.slice(1).filter(({ error }, index) => !error && commands[index]?.op === 'step').length;
}
