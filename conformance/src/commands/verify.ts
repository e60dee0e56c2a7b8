import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { featuresOf, programArbitrary, type Features } from '../arbitrary/program.ts';
import type { OptimizerSpec } from '../arbitrary/optimizers.ts';
import { readCases, storeCase } from '../cases.ts';
import { exchangeCode, exchangeLine, exchangeRows } from '../exchange/report.ts';
import { runExchange } from '../exchange/run.ts';
import type { Amount } from '../exchange/suite.ts';
import { OracleError, startOracle, type Oracle } from '../oracle.ts';
import { hasTruth } from '../judge.ts';
import type { Program } from '../program.ts';
import { failureText, type OwnOptimizer } from '../report/failure.ts';
import { Report } from '../report/jsonl.ts';
import { Progress, progressLine } from '../report/progress.ts';
import { count, runInfo, summaryText } from '../report/summary.ts';
import { addOutcome, isTooUndecided, noTotals, undecidedCap } from '../report/totals.ts';
import type { Subject } from '../subject.ts';
import {
  exitCode,
  verify,
  type Differing,
  type Failure,
  type Outcome,
  type Verification,
} from '../verify.ts';
import { loadSubject } from './load_subject.ts';

export interface CommonOptions extends OwnOptimizer {
  subject: string;
  python: string | undefined;
  torch: string | undefined;
  workers: number | undefined;
}

export interface VerifyOptions extends CommonOptions {
  runs: number;
  seed: number;
}

/** Cases that are kept for good, and those that a run has found. */
const keptFolder = fileURLToPath(new URL('../../cases', import.meta.url));
const foundRoot = join('build', 'conformance', 'found');
export const reportFile: string = join('build', 'conformance', 'report.jsonl');

/** `torch-conformance verify`; gives the exit code. */
export async function verifyCommand({
  subject: name,
  runs,
  seed,
  ...options
}: VerifyOptions): Promise<number> {
  const { optimizer, torchOptimizer } = options;
  const { subject, without, files, own } = await loadSubject(name, optimizer);
  await using oracle = await startOracle({ ...options, optimizers: torchOptimizer });
  checkOptimizers(own, oracle);
  const start = Date.now();
  const seconds = (): number => (Date.now() - start) / 1000;
  const features = featuresFor(subject, oracle, without);
  checkExact(subject, oracle, features);
  const stored = [...readCases(foundFolder(oracle)), ...readCases(keptFolder)].filter(({ program }) =>
    fits(program, features),
  );
  const info = runInfo({ subject, hello: oracle.hello, seed, runs, stored: stored.length });
  using report = new Report(reportFile, info);
  const totals = noTotals();
  const progress = new Progress();
  const notRun: Extract<Outcome, { verdict: 'could not run' }>[] = [];
  const onOutcome = (outcome: Outcome): void => {
    report.outcome(outcome);
    addOutcome(totals, outcome);
    progress.show(progressLine(totals, stored.length + runs, seconds()));
    if (outcome.verdict === 'could not run') notRun.push(outcome);
  };
  const onShrinking = (): void => {
    progress.clear();
    console.error('A program differs. Looking for a smaller one ...');
  };
  let result: Verification;
  try {
    const programs = programArbitrary(features, { ...(own && { own }) });
    result = await verify({ subject, oracle, programs, runs, seed, stored, onOutcome, onShrinking });
  } finally {
    progress.clear();
  }
  const undecided = isTooUndecided(totals.torchBounds) || isTooUndecided(totals.subjectBounds);
  const ownCode = exitCode(result) || (undecided ? 2 : 0);
  const parties = files && hasExchange(oracle) ? { subject, files, torch: oracle } : undefined;
  const exchanged =
    parties && ownCode === 0
      ? await runExchange({
          ...{ parties, seed, without, cases: shareOf(runs) },
          onOutcome: (outcome) => report.line(exchangeLine(outcome, seed)),
        })
      : undefined;
  const code = ownCode || (exchanged ? exchangeCode(exchanged) : 0);
  report.summary(totals, code, seconds(), exchanged);
  if (result.failure) console.log(`${await describe(result.failure, subject, oracle, options)}\n`);
  for (const { source, by, message } of notRun.slice(0, 3)) {
    console.log(
      `could not run ${JSON.stringify(source)}, because of the ${by}: ${message.split('\n', 6).join('\n')}\n`,
    );
  }
  console.log(summaryText(info, totals, seconds(), exchanged && exchangeRows(exchanged, parties!)));
  console.log(verdictText(result, undecided, code));
  return code;
}

/** How much of the exchange of checkpoints goes with so many programs. */
function shareOf(runs: number): Amount {
  return {
    trainings: Math.ceil(runs / 10),
    trees: Math.ceil(runs / 10),
    stride: Math.max(1, Math.round(2000 / runs)),
  };
}

/** The files of older versions are exchanged with both at once (`torch-conformance exchange --old`). */
function hasExchange({ hello }: Oracle): boolean {
  return featuresOf(hello.torch).named;
}

/** A case that one torch has found may be no program for another. */
function foundFolder({ hello }: Oracle): string {
  return join(foundRoot, `torch-${hello.torch.split('+')[0]}`);
}

function fits({ optimizer, dtype }: Program, { optimizers, dtypes }: Features): boolean {
  return optimizers.includes(optimizer) && dtypes.includes(dtype);
}

/** What both sides have. An error bound, which judges a subject that is not exact, is there for some dtypes alone. */
function featuresFor({ claim }: Subject, { hello }: Oracle, without: Partial<Features>): Features {
  const features = { ...featuresOf(hello.torch), ...without };
  if (claim === 'exact') return features;
  return { ...features, dtypes: features.dtypes.filter((dtype) => hasTruth({ dtype })) };
}

function checkExact({ claim }: Subject, { hello }: Oracle, { dtypes }: Features): void {
  const unproven = dtypes.filter((dtype) => !hello.exact.includes(dtype));
  if (claim !== 'exact' || unproven.length === 0) return;
  const failed = Object.keys(hello.checks).filter(
    (check) => !hello.checks[check] && unproven.some((dtype) => check.endsWith(`.${dtype}`)),
  );
  throw new OracleError(
    `the oracle's arithmetic is not IEEE on this machine, so nothing can equal it: ${failed.join(', ')}`,
  );
}

function checkOptimizers(own: readonly OptimizerSpec[] | undefined, { hello }: Oracle): void {
  const missing = (own ?? []).map(({ name }) => name).filter((name) => !hello.optimizers.includes(name));
  if (missing.length === 0) return;
  throw new OracleError(
    `the oracle has no ${missing.join(', ')}: name the Python file that defines it, --torch-optimizer FILE`,
  );
}

/** Stores a failure, and tells everything about it. */
async function describe(
  { found, smallest, complete }: Failure,
  subject: Subject,
  oracle: Oracle,
  { optimizer, torchOptimizer }: OwnOptimizer,
): Promise<string> {
  const { source, program } = smallest;
  const file = 'file' in source ? source.file : storeCase(foundFolder(oracle), program);
  return failureText(smallest, {
    ...{ subject: subjectName(subject, smallest), torch: oracle.hello.torch, file, complete },
    ...(found !== smallest && { found: found.source }),
    explanation: await explanationOf(smallest),
    own: { optimizer, torchOptimizer },
  });
}

/** A subject, and the engine where it has several. */
export function subjectName({ name }: Subject, { engine }: Outcome): string {
  return engine === undefined ? name : `${name} (${engine} engine)`;
}

/** The planted fault that a failure behaves like, if there is one and tfjs is there to run it. */
export async function explanationOf({
  program,
  trace,
  exact,
  judgement,
}: Differing): Promise<string | undefined> {
  if (judgement.finding?.check.startsWith('oracle')) return undefined;
  try {
    const { explain } = await import('../faulty/index.ts');
    return await explain(program, trace, exact);
  } catch {
    return undefined; // a subject of its own needs no tfjs
  }
}

function verdictText({ expected, agreed, failure }: Verification, undecided: boolean, code: number): string {
  if (failure) return 'A program differs.';
  if (agreed < expected)
    return `${count(expected - agreed)} of ${count(expected)} programs could not run, so nothing is proven.`;
  if (undecided)
    return `More than ${100 * undecidedCap.share} % of the elements are undecided, so too little is proven.`;
  if (code === 1) return `All ${count(expected)} programs agree, but a checkpoint differs.`;
  if (code === 2) return `All ${count(expected)} programs agree, but some checkpoints could not run.`;
  return `All ${count(expected)} programs agree.`;
}
