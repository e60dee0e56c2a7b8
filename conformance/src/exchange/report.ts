import { count } from '../report/summary.ts';
import type { Parties, ExchangeDifference } from './case.ts';
import type { Place } from './stored.ts';
import type { ExchangeOutcome } from './suite.ts';

/** What all cases of a run came to. */
export interface ExchangeTotals {
  trainings: number;
  trees: number;
  catalogue: number;
  /** Of the trainings: they ended before their checkpoint. */
  empty: number;
  differed: number;
  couldNotRun: number;
  files: number;
  /** Entries of the catalogue that torch refuses, and torch-parity too. */
  refused: { name: string; reason: string }[];
}

export function noExchange(): ExchangeTotals {
  return {
    trainings: 0,
    trees: 0,
    catalogue: 0,
    empty: 0,
    differed: 0,
    couldNotRun: 0,
    files: 0,
    refused: [],
  };
}

export function addExchange(totals: ExchangeTotals, outcome: ExchangeOutcome): void {
  if (outcome.verdict === 'empty') totals.empty += 1;
  else if (outcome.verdict === 'differs') totals.differed += 1;
  else if (outcome.verdict === 'could not run') totals.couldNotRun += 1;
  else {
    if (outcome.name.startsWith('training:')) totals.trainings += 1;
    else if (outcome.name.startsWith('tree:')) totals.trees += 1;
    else totals.catalogue += 1;
    totals.files += outcome.files;
    if ('refused' in outcome) totals.refused.push({ name: outcome.name, reason: outcome.refused });
  }
}

/** A fifth of the trainings without a checkpoint, and too little is proven. */
export function exchangeCode({
  trainings,
  empty,
  differed,
  couldNotRun,
  catalogue,
  trees,
}: ExchangeTotals): 0 | 1 | 2 {
  if (differed > 0) return 1;
  const proven = trainings + trees + catalogue > 0 && empty <= trainings / 4;
  return proven && couldNotRun === 0 ? 0 : 2;
}

/** The rows of a summary. */
export function exchangeRows(
  totals: ExchangeTotals,
  { torch, old }: Parties,
): [name: string, text: string][] {
  const { trainings, trees, catalogue, differed, couldNotRun, files, refused } = totals;
  const agree = `${count(trainings)} trainings, ${count(trees)} values, ${count(catalogue)} of torch's own agree`;
  const version = old ? `, with torch ${old.hello.torch}` : '';
  const alike = `${count(refused.length)} refused by both sides${refused.length > 0 ? ", as torch's weights_only reader forbids them" : ''}`;
  return [
    ['exchange', `${agree}, ${count(differed)} differ, ${count(couldNotRun)} could not run${version}`],
    ['', `${count(files)} files written and read with torch ${torch.hello.torch}, ${alike}`],
  ];
}

/** What both sides refuse, with torch's reason. */
export function refusedText({ refused }: ExchangeTotals): string {
  const lines = refused.map(({ name, reason }) => `  ${name.replace('catalogue:', '')}: ${reason}`);
  return ["Refused by torch's weights_only reader, and here:", ...lines].join('\n');
}

/** A line of the report. A training that ended before its checkpoint shows nothing of one. */
export function exchangeLine(outcome: ExchangeOutcome, seed: number): object {
  const { name, verdict } = outcome;
  const head = { line: verdict === 'empty' ? 'empty' : 'checkpoint', case: name, seed, verdict };
  switch (outcome.verdict) {
    case 'agrees':
      return { ...head, files: outcome.files, ...('refused' in outcome && { refused: outcome.refused }) };
    case 'differs': {
      const { file: _, program: __, ...rest } = outcome.difference;
      return { ...head, ...rest };
    }
    case 'could not run':
      return { ...head, message: outcome.message };
    default:
      return head;
  }
}

/** A difference on one screen. */
export function exchangeFailureText(
  { case: name, seed, old }: Place,
  { producer, consumer, format, path, ours, theirs, program }: ExchangeDifference,
  { stored, found }: { stored: readonly string[]; found?: string },
): string {
  const own = old ? 'exchange --old' : 'exchange';
  return [
    `A checkpoint did not come through: ${consumer} reads another thing than ${producer} wrote.`,
    '',
    `  producer  ${producer}`,
    `  consumer  ${consumer}`,
    `  format    ${format}`,
    ...(program
      ? [`  program   ${program.optimizer}, ${program.dtype}, ${program.commands.length} commands`]
      : []),
    `  ${path}`,
    `    found     ${cut(ours)}`,
    `    expected  ${cut(theirs)}`,
    '',
    `  case      ${name}, seed ${seed}${found === undefined || found === name ? '' : `, found as ${found}`}`,
    ...stored.map((place) => `  stored    ${place}`),
    `  replay    npx torch-conformance ${own} --seed=${seed} --case='${name}'`,
  ].join('\n');
}

function cut(text: string): string {
  const line = text.replaceAll('\n', ' ');
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}
