import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toJSON } from '../case.ts';
import type { Parties, ExchangeDifference } from './case.ts';
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
  const agree = `${trainings} trainings, ${trees} values, ${catalogue} of torch's own agree`;
  const version = old ? `, with torch ${old.hello.torch}` : '';
  return [
    ['exchange', `${agree}, ${differed} differ, ${couldNotRun} could not run${version}`],
    [
      '',
      `${files} files written and read with torch ${torch.hello.torch}, ${refused.length} refused by both sides`,
    ],
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

/** Stores the file and the program of a difference; gives the paths. */
export function storeDifference(
  folder: string,
  name: string,
  { file, program, format }: ExchangeDifference,
): string[] {
  const content = createHash('sha256')
    .update(file ?? '')
    .update(program ? toJSON(program) : '');
  const base = join(
    folder,
    `${name.replaceAll(/[^\w.]+/g, '-').slice(0, 40)}-${content.digest('hex').slice(0, 10)}`,
  );
  mkdirSync(folder, { recursive: true });
  const stored: [path: string, content: Uint8Array | string][] = [];
  if (program) stored.push([`${base}.json`, toJSON(program)]);
  if (file) stored.push([`${base}.${format === 'safetensors' ? format : 'pt'}`, file]);
  for (const [path, bytes] of stored) writeFileSync(path, bytes);
  return stored.map(([path]) => path);
}

/** A difference on one screen. */
export function exchangeFailureText(
  name: string,
  { producer, consumer, format, path, ours, theirs, program }: ExchangeDifference,
  context: { seed: number; old: boolean; stored: readonly string[]; found?: string },
): string {
  const { seed, old, stored, found } = context;
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
