import { join } from 'node:path';
import type { Features } from '../arbitrary/program.ts';
import { Progress } from '../report/progress.ts';
import { count } from '../report/summary.ts';
import type { ExchangeCase, Parties } from './case.ts';
import { addExchange, exchangeFailureText, noExchange, type ExchangeTotals } from './report.ts';
import { storeDifference } from './stored.ts';
import { exchange, smallest, Suite, type Amount, type ExchangeOutcome } from './suite.ts';

export interface ExchangeRun {
  parties: Parties;
  seed: number;
  /** How many cases, or the name of one. */
  cases: Amount | string;
  /** What the subject does not have. */
  without?: Partial<Features> | undefined;
  /** How long a difference may be made smaller. */
  shrinkSeconds?: number;
  onOutcome?: (outcome: ExchangeOutcome) => void;
}

const foundFolder = join('build', 'conformance', 'found', 'exchange');

/** Runs cases until one differs, which is made smaller, stored and printed; what they came to. */
export async function runExchange(run: ExchangeRun): Promise<ExchangeTotals> {
  const { parties, seed, cases, onOutcome } = run;
  const suite = new Suite(parties, seed, run.without);
  const chosen = typeof cases === 'string' ? [suite.named(cases)] : suite.cases(cases);
  const totals = noExchange();
  const progress = new Progress();
  let messages = 3;
  for await (const { case: found, ...outcome } of exchange(parties, chosen)) {
    addExchange(totals, outcome);
    onOutcome?.(outcome);
    const agreed = totals.trainings + totals.trees + totals.catalogue;
    progress.show(`exchange: ${count(agreed)} checkpoints agree`);
    if (outcome.verdict === 'could not run' && messages-- > 0) {
      progress.clear();
      console.log(`${outcome.name} could not run: ${outcome.message.split('\n', 6).join('\n')}\n`);
    }
    if (outcome.verdict === 'differs') {
      progress.clear();
      console.log(`${await described(run, found, outcome.difference)}\n`);
      break;
    }
  }
  progress.clear();
  return totals;
}

async function described(
  { parties, seed, shrinkSeconds = 20 }: ExchangeRun,
  found: ExchangeCase,
  difference: Parameters<typeof smallest>[2],
): Promise<string> {
  console.error('A checkpoint differs. Looking for a smaller one ...');
  const small = await smallest(parties, found, difference, shrinkSeconds);
  const place = { case: small.name, seed, old: parties.old !== undefined };
  const stored = storeDifference(foundFolder, place, small.difference);
  return exchangeFailureText(place, small.difference, { stored, found: found.name });
}
