import { allowedE } from '../bounded.ts';
import type { Subject } from '../subject.ts';
import type { Hello } from '../wire.ts';
import type { BoundTotals, Totals } from './totals.ts';

/** What was run, for the head of a summary and of a report. */
export interface RunInfo {
  subject: string;
  device: string;
  claim: string;
  torch: string;
  python: string;
  numpy: string;
  capability: string;
  oracleDevice: string;
  workers: number;
  /** The dtypes in which the oracle's arithmetic is proven. */
  exact: readonly string[];
  node: string;
  seed: number;
  runs: number;
  stored: number;
}

export function runInfo(run: {
  subject: Subject;
  hello: Hello;
  seed: number;
  runs: number;
  stored: number;
}): RunInfo {
  const { subject, hello, ...rest } = run;
  return {
    subject: subject.name,
    device: subject.engines
      ? `${subject.device} with engines ${subject.engines.join(' and ')}`
      : subject.device,
    claim: claimText(subject.claim),
    torch: hello.torch,
    python: hello.python,
    numpy: hello.numpy,
    capability: hello.capability,
    oracleDevice: hello.device,
    workers: hello.workers,
    exact: hello.exact,
    node: process.versions.node,
    ...rest,
  };
}

function claimText(claim: Subject['claim']): string {
  return claim === 'exact'
    ? claim
    : `bounded (root ${claim.root} u${claim.flush ? ', flushes subnormals' : ''})`;
}

/** The summary of a run, as it is printed. */
export function summaryText(
  info: RunInfo,
  totals: Totals,
  seconds: number,
  exchange: [name: string, text: string][] = [],
): string {
  const { elements, bitsThatDiffer, torchElements, torchElementsThatDiffer } = totals;
  const rows: [string, string][] = [
    ['subject', `${info.subject}, ${info.device}, claims to be ${info.claim}, node ${info.node}`],
    [
      'oracle',
      `torch ${info.torch} (${info.oracleDevice}, ${info.capability}), python ${info.python}, numpy ${info.numpy}, ${info.workers} workers`,
    ],
    ['seed', `${info.seed}`],
    [
      'programs',
      `${count(totals.agreed)} agree, ${count(totals.differed)} differ, ${count(totals.couldNotRun)} could not run`,
    ],
    ['compared', `${count(totals.steps)} steps, ${count(elements)} elements`],
    ['bits that differ', count(bitsThatDiffer)],
    ...(totals.subjectBounds.elements > 0 ? [bounds('against the truth', totals.subjectBounds)] : []),
    bounds('torch as it is', totals.torchBounds),
    [
      '',
      `${share(torchElementsThatDiffer, torchElements)} of its elements differ from exact, ${share(totals.torchElementsBeyondOneUlp, torchElements)} by more than an ulp`,
    ],
    ...(totals.foreachElements > 0 ? [foreach(totals)] : []),
    ...exchange,
    ['time', `${seconds.toFixed(1)} s`],
  ];
  return rowsText(rows);
}

/** Rows as a table of two columns. */
export function rowsText(rows: readonly [name: string, text: string][]): string {
  return rows.map(([name, text]) => `${name.padEnd(18)}${text}`).join('\n');
}

function bounds(name: string, { worst, undecided, elements, zeroSigns }: BoundTotals): [string, string] {
  const zeros = zeroSigns > 0 ? `, ${count(zeroSigns)} zeros of the other sign` : '';
  return [
    name,
    `worst error ${worst.toFixed(3)} E (${allowedE} allowed), ${share(undecided, elements)} undecided${zeros}`,
  ];
}

function foreach({ foreachElements, foreachElementsThatDiffer }: Totals): [string, string] {
  const differs = share(foreachElementsThatDiffer, foreachElements);
  return [
    "torch's foreach",
    `${differs} of its elements in halves and complex64 differ from torch's for-loop`,
  ];
}

function share(part: number, whole: number): string {
  return whole === 0 ? 'none' : `${((100 * part) / whole).toFixed(2)} %`;
}

/** A number as it is printed. */
export function count(value: number | bigint): string {
  return value.toLocaleString('en-US');
}
