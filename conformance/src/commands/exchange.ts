import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { exchangeCode, exchangeLine, exchangeRows, refusedText } from '../exchange/report.ts';
import { runExchange } from '../exchange/run.ts';
import { startOracle } from '../oracle.ts';
import { Report } from '../report/jsonl.ts';
import { rowsText } from '../report/summary.ts';
import { loadSubject } from './load_subject.ts';
import { reportFile, type VerifyOptions } from './verify.ts';

export interface ExchangeOptions extends VerifyOptions {
  /** Whether torch 2.1.2 takes part. */
  old: boolean;
  /** The name of one case, instead of all. */
  case: string | undefined;
}

const oldVersion = '2.1.2';
const oldPython = fileURLToPath(new URL(`../../../.venv-torch-${oldVersion}/bin/python`, import.meta.url));

/** `torch-conformance exchange`; gives the exit code. */
export async function exchangeCommand(options: ExchangeOptions): Promise<number> {
  const { runs, seed, old: withOld, case: name } = options;
  const { subject, files, without } = await loadSubject(options.subject);
  if (!files) throw new Error(`${subject.name} has no checkpoints to exchange`);
  if (withOld && !existsSync(oldPython))
    throw new Error(`there is no Python with torch ${oldVersion}: run \`make oracle TORCH=${oldVersion}\``);
  await using torch = await startOracle(options);
  await using old = withOld
    ? await startOracle({ ...options, python: oldPython, torch: oldVersion })
    : undefined;
  const start = Date.now();
  using report = new Report(reportFile, { subject: subject.name, torch: torch.hello.torch, seed, runs });
  const parties = { subject, files, torch, old };
  const totals = await runExchange({
    ...{ parties, seed, without },
    cases: name ?? { trainings: runs, trees: runs, stride: 1 },
    onOutcome: (outcome) => report.line(exchangeLine(outcome, seed)),
  });
  const code = exchangeCode(totals);
  const seconds = (Date.now() - start) / 1000;
  report.line({ line: 'summary', code, seconds, exchange: totals });
  if (totals.refused.length > 0) console.log(`${refusedText(totals)}\n`);
  console.log(
    rowsText([['seed', String(seed)], ...exchangeRows(totals, parties), ['time', `${seconds.toFixed(1)} s`]]),
  );
  console.log(verdicts[code]);
  return code;
}

const verdicts = {
  0: 'All checkpoints agree.',
  1: 'A checkpoint differs.',
  2: 'Some could not run, so nothing is proven.',
};
