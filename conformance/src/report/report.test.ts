import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import test from 'ava';
import { smallPrograms } from '../testing/programs.ts';
import { toySubject, ToyOracle, toyTrace, type Rule } from '../testing/toy.ts';
import { verify, type Outcome } from '../verify.ts';
import { Report } from './jsonl.ts';
import { Progress, progressLine } from './progress.ts';
import { runInfo, summaryText } from './summary.ts';
import { addOutcome, isTooUndecided, noTotals, type Totals } from './totals.ts';

const wrong: Rule = (theta, grad, lr) => (theta - lr * grad) * (1 + 2 ** -23);

async function outcomesOf(rule?: Rule, claim: 'exact' | 'bounded' = 'exact'): Promise<Outcome[]> {
  const seen: Outcome[] = [];
  const subject = { ...toySubject(rule), claim: claim === 'exact' ? claim : { root: 2, flush: false } };
  await verify({
    ...{ subject, oracle: new ToyOracle(), programs: smallPrograms, runs: 30, seed: 3 },
    onOutcome: (outcome) => seen.push(outcome),
  });
  return seen;
}

function totalsOf(outcomes: Outcome[]): Totals {
  const totals = noTotals();
  for (const outcome of outcomes) addOutcome(totals, outcome);
  return totals;
}

test('totals add up what the programs showed', async (t) => {
  const outcomes = await outcomesOf();
  const totals = totalsOf(outcomes);
  const commands = outcomes.flatMap(({ program }) => program.commands);
  t.is(totals.agreed, 30);
  t.is(totals.steps, commands.filter(({ op }) => op === 'step').length);
  const traces = outcomes.map(({ program }) => toyTrace(program));
  t.is(
    totals.elements,
    traces.flatMap(({ tensors }) => tensors).reduce((sum, { size }) => sum + size, 0),
  );
  t.is(totals.bitsThatDiffer, 0);
  t.is(totals.subjectBounds.elements, 0);

  const bounded = totalsOf(await outcomesOf(wrong, 'bounded'));
  t.is(bounded.agreed, 30);
  t.true(bounded.bitsThatDiffer > 0);
  t.is(bounded.subjectBounds.elements, bounded.torchBounds.elements);
  t.true(bounded.subjectBounds.worst > 0 && bounded.subjectBounds.worst < 2);

  const broken: Outcome = {
    source: { file: 'x' },
    program: outcomes[0]!.program,
    verdict: 'could not run',
    by: 'oracle',
    message: '',
  };
  t.like(totalsOf([...outcomes, broken]), { agreed: 30, differed: 0, couldNotRun: 1 });
  t.is(totalsOf(await outcomesOf(wrong)).differed, 1);
});

test('a run with too many undecided elements says too little, unless it is a short one', (t) => {
  const bounds = { zeroSigns: 0, worst: 0 };
  t.true(isTooUndecided({ ...bounds, elements: 200_000, undecided: 150_000 }));
  t.false(isTooUndecided({ ...bounds, elements: 200_000, undecided: 50_000 }));
  t.false(isTooUndecided({ ...bounds, elements: 200, undecided: 200 }));
});

test('the summary holds what was run and what came of it', async (t) => {
  const info = runInfo({
    subject: toySubject(),
    hello: new ToyOracle().hello,
    seed: 77,
    runs: 30,
    stored: 0,
  });
  const totals = totalsOf(await outcomesOf(wrong, 'bounded'));
  const text = summaryText(info, totals, 12.34);
  for (const part of [
    /^subject +toy, memory, claims to be exact, node \d+/m,
    /^oracle +torch 0\.0\.0 \(memory, DEFAULT\), python 3, numpy 2, 1 workers$/m,
    /^seed +77$/m,
    /^programs +30 agree, 0 differ, 0 could not run$/m,
    new RegExp(`^compared +${totals.steps} steps, ${totals.elements.toLocaleString('en-US')} elements$`, 'm'),
    new RegExp(`^bits that differ +${totals.bitsThatDiffer.toLocaleString('en-US')}$`, 'm'),
    new RegExp(
      `^against the truth +worst error ${totals.subjectBounds.worst.toFixed(3)} E \\(2 allowed\\), 0\\.00 % undecided`,
      'm',
    ),
    /^torch as it is +worst error \d\.\d{3} E/m,
    /^ +0\.00 % of its elements differ from exact, 0\.00 % by more than an ulp$/m,
    /^time +12\.3 s$/m,
  ]) {
    t.regex(text, part);
  }
});

test('a report has a line for the run, one for each program, and one for the end', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'torch-conformance-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'deep', 'report.jsonl');
  const outcomes = await outcomesOf(wrong);
  const totals = totalsOf(outcomes);
  {
    using report = new Report(
      file,
      runInfo({ subject: toySubject(), hello: new ToyOracle().hello, seed: 3, runs: 30, stored: 0 }),
    );
    for (const outcome of outcomes) report.outcome(outcome);
    report.summary({ ...totals, torchBounds: { ...totals.torchBounds, worst: Infinity } }, 1, 2.5);
  }
  const lines = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  t.is(lines.length, outcomes.length + 2);
  t.like(lines[0], { line: 'meta', version: 1, subject: 'toy', torch: '0.0.0', seed: 3, runs: 30 });
  t.like(lines[1], {
    line: 'program',
    seed: 3,
    path: '0',
    optimizer: 'Adadelta',
    dtype: 'float32',
    verdict: 'differs',
  });
  t.like(lines[1], { check: 'subject-exact', record: 2, path: '0', field: 'params[0][0]' });
  t.true((lines[1]!['bits'] as number) > 0);
  t.like(lines.at(-1), {
    line: 'summary',
    code: 1,
    seconds: 2.5,
    differed: 1,
    torchBounds: { worst: 'Infinity' },
  });
});

test('progress redraws one line on a terminal, and says little elsewhere', (t) => {
  const written = (isTTY: boolean): string => {
    const stream = Object.assign(new PassThrough(), { isTTY, columns: 6 });
    const progress = new Progress(stream as unknown as NodeJS.WriteStream, 0);
    for (const line of ['one too long', 'two']) progress.show(line);
    progress.clear();
    return (stream.read() as Buffer | null)?.toString() ?? '';
  };
  t.is(written(true), '\rone t\x1b[K\r\x1b[K');
  t.is(written(false), 'one too long\n');
});

test('the line of progress has programs, speed, the worst error and the time that is left', (t) => {
  const totals = { ...noTotals(), agreed: 498, couldNotRun: 2 };
  totals.torchBounds.worst = 0.987;
  t.is(
    progressLine(totals, 2000, 10),
    '####............ 500/2,000 programs, 50/s, worst error / E 0.99, 30 s left',
  );
  t.regex(progressLine(noTotals(), 2000, 0), /0\/2,000 programs, 0\/s, .* \? s left/);
});
