import type fc from 'fast-check';
import { allTraces, hasTruth, judge, wantedOf, type Judgement } from './judge.ts';
import type { Oracle } from './oracle.ts';
import type { Program } from './program.ts';
import { sample, type Origin } from './sample.ts';
import { shrink } from './shrink.ts';
import type { Profile, Subject } from './subject.ts';
import { take } from './take.ts';
import type { Trace } from './trace.ts';
import type { Result } from './wire.ts';

/** Where a program comes from: a run of a seed, or a stored case. */
export type Source = Origin | { file: string };

/** What running one program came to; of several engines, on the first that did not agree. */
export type Outcome = { source: Source; program: Program; engine?: string } & (
  | { verdict: 'agrees'; judgement: Judgement }
  | { verdict: 'differs'; judgement: Judgement; trace: Trace; exact: Trace }
  | { verdict: 'could not run'; by: 'oracle' | 'subject' | 'comparison'; message: string }
);

export type Differing = Extract<Outcome, { verdict: 'differs' }>;

export interface Settings {
  subject: Subject;
  oracle: Pick<Oracle, 'hello' | 'run'>;
  programs: fc.Arbitrary<Program>;
  runs: number;
  seed: number;
  /** Cases that run before the sampled ones. */
  stored?: readonly { file: string; program: Program }[];
  /** Programs in a request. */
  batch?: number;
  /** How long a failure may be shrunk. */
  shrinkSeconds?: number;
  onOutcome?: (outcome: Outcome) => void;
  onShrinking?: () => void;
}

/** A difference, as small as it was made. */
export interface Failure {
  found: Differing;
  smallest: Differing;
  /** False where time ran out. */
  complete: boolean;
}

export interface Verification {
  /** How many programs should have run: all of them, also where a difference ended the run. */
  expected: number;
  agreed: number;
  couldNotRun: number;
  failure?: Failure;
}

/**
 * Runs the stored cases, then the sampled programs, and stops at the first difference, which it shrinks.
 *
 * @throws OracleError if the oracle is lost
 */
export async function verify(settings: Settings): Promise<Verification> {
  const { subject, oracle, stored = [], runs, onOutcome, batch = 16 } = settings;
  const result: Verification = { expected: stored.length + runs, agreed: 0, couldNotRun: 0 };
  for await (const outcome of outcomes(subject, oracle, sources(settings), batch)) {
    onOutcome?.(outcome);
    if (outcome.verdict === 'agrees') result.agreed += 1;
    else if (outcome.verdict === 'could not run') result.couldNotRun += 1;
    else return { ...result, failure: await smallest(settings, outcome) };
  }
  return result;
}

/** The exit code: 0 if all ran and all agreed, 1 on a difference, 2 where anything did not run. */
export function exitCode({ expected, agreed, failure }: Verification): 0 | 1 | 2 {
  if (failure) return 1;
  return agreed === expected && expected > 0 ? 0 : 2;
}

interface Job {
  source: Source;
  program: Program;
}

function* sources({ stored = [], programs, seed, runs }: Settings): Generator<Job> {
  for (const { file, program } of stored) yield { source: { file }, program };
  for (const { value, ...source } of sample(programs, seed, runs)) yield { source, program: value };
}

/**
 * Runs programs on both sides, several batches ahead at the oracle so that its workers have something to do while the subject,
 * which runs in this thread, catches up.
 */
export async function* outcomes(
  subject: Subject,
  oracle: Pick<Oracle, 'hello' | 'run'>,
  jobs: Iterable<Job>,
  batch: number,
): AsyncGenerator<Outcome> {
  const ahead = 2 * oracle.hello.workers + 1;
  const source = jobs[Symbol.iterator]();
  const requests: { jobs: Job[]; results: Promise<Result[]> }[] = [];
  const profile = subject.claim === 'exact' ? {} : { profile: subject.claim };
  for (;;) {
    while (requests.length < ahead) {
      const next = take(source, batch);
      if (next.length === 0) break;
      const results = ask(
        oracle,
        next.map(({ program }) => program),
        profile,
      );
      results.catch(() => {}); // handled when its turn comes
      requests.push({ jobs: next, results });
    }
    const request = requests.shift();
    if (request === undefined) return;
    const engines = subject.engines ?? [undefined];
    const traces = await Promise.all(
      request.jobs.map(({ program }) =>
        Promise.all(engines.map((engine) => attempt(subject, program, engine))),
      ),
    );
    const results = await request.results;
    for (const [index, job] of request.jobs.entries()) {
      const settled = traces[index]!.map((trace) =>
        settle(subject, job.program, trace, results[index]!, oracle.hello.torch),
      );
      const odd = settled.findIndex(({ verdict }) => verdict !== 'agrees');
      const engine = engines[odd];
      yield { ...job, ...settled[Math.max(odd, 0)]!, ...(engine !== undefined && { engine }) };
    }
  }
}

/** The traces of programs, in order. Those without a truth are a request of their own. */
async function ask(
  oracle: Settings['oracle'],
  programs: readonly Program[],
  profile: { profile?: Profile },
): Promise<Result[]> {
  const results: Result[] = [];
  const share = async (truth: boolean): Promise<void> => {
    const places = [...programs.keys()].filter((place) => hasTruth(programs[place]!) === truth);
    if (places.length === 0) return;
    const own = places.map((place) => programs[place]!);
    const answers = await oracle.run(own, wantedOf(own[0]!), profile);
    for (const [index, place] of places.entries()) results[place] = answers[index]!;
  };
  await Promise.all([share(true), share(false)]);
  return results;
}

type Settled = Outcome extends infer O ? (O extends Outcome ? Omit<O, 'source' | 'program'> : never) : never;

function settle(
  subject: Subject,
  program: Program,
  trace: Trace | Error,
  result: Result,
  torch: string,
): Settled {
  if (trace instanceof Error)
    return { verdict: 'could not run', by: 'subject', message: trace.stack ?? trace.message };
  if ('failed' in result) {
    const { code, message } = result.failed;
    return { verdict: 'could not run', by: 'oracle', message: `${code}: ${message}` };
  }
  const oracle = allTraces(program, result);
  if (!oracle)
    return { verdict: 'could not run', by: 'oracle', message: 'a trace is missing from its result' };
  try {
    const judgement = judge(program, subject.claim, trace, oracle, torch);
    return judgement.finding
      ? { verdict: 'differs', judgement, trace, exact: oracle.exact }
      : { verdict: 'agrees', judgement };
  } catch (error) {
    return { verdict: 'could not run', by: 'comparison', message: (error as Error).stack! };
  }
}

async function attempt(
  subject: Subject,
  program: Program,
  engine: string | undefined,
): Promise<Trace | Error> {
  try {
    return await subject.run(program, engine);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

async function smallest(settings: Settings, found: Differing): Promise<Failure> {
  const { subject, oracle, programs, shrinkSeconds = 30, onShrinking } = settings;
  if ('file' in found.source) return { found, smallest: found, complete: true };
  onShrinking?.();
  const test = async (candidates: Program[]): Promise<(Differing | undefined)[]> => {
    const failures: (Differing | undefined)[] = [];
    const jobs = candidates.map((program) => ({ source: found.source, program }));
    for await (const outcome of outcomes(subject, oracle, jobs, 4)) {
      failures.push(outcome.verdict === 'differs' ? outcome : undefined);
    }
    return failures;
  };
  const deadline = Date.now() + shrinkSeconds * 1000;
  try {
    const { failure, seed, path, complete } = await shrink(programs, found.source, found, test, { deadline });
    return { found, smallest: { ...failure, source: { seed, path } }, complete };
  } catch {
    return { found, smallest: found, complete: false }; // an oracle that is lost now must not hide the difference
  }
}
