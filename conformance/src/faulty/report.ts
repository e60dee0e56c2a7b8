import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allowedE } from '../bounded.ts';
import { count } from '../report/summary.ts';
import type { Profile } from '../subject.ts';
import type { Fault } from './fault.ts';

/** How a planted fault fared. Counts are of programs, up to the one that caught it; left out where none did. */
export interface FaultRow extends Omit<Fault, 'table'> {
  /** Bit by bit. */
  exact?: number;
  /** As a bounded subject. */
  bounded?: number;
  /** What differed first. */
  field?: string;
}

/** How a correct variant fared. */
export interface VariantRow {
  name: string;
  claim: string;
  profile: Profile;
  programs: number;
  /** Programs in which any bit differs from exact torch. */
  differing: number;
  /** Programs in which it is taken for wrong, and the first field. */
  flagged: number;
  field?: string;
  elements: number;
  undecided: number;
  /** The largest error over E. */
  worst: number;
}

export interface FaultTotals {
  seed: number;
  torch: string;
  /** Of float32, and of the dtypes that TensorFlow alone has. */
  programs: number[];
  /** Programs that the oracle could not run. */
  notRun: number;
  /** Programs in which torch-parity without a fault differs: nothing was judged in these. */
  disagreeing: number;
  seconds: number;
  rows: FaultRow[];
  variants: VariantRow[];
}

export interface FaultReport extends FaultTotals {
  /** Whether every fault was caught and no variant flagged. */
  ok: boolean;
  /** The tables, in Markdown that can be read as it is. */
  text: string;
}

export function reportOf(totals: FaultTotals): FaultReport {
  const missed = totals.rows.filter((row) => !isCaught(row));
  const flagged = totals.variants.filter((row) => row.flagged > 0);
  const ok =
    totals.programs.every((count) => count > 0) &&
    missed.length + flagged.length + totals.notRun + totals.disagreeing === 0;
  return { ...totals, ok, text: textOf(totals, missed, flagged) };
}

/** Writes `faults.json` and `faults.md` into a folder. */
export function writeFaultReport({ text, ...report }: FaultReport, folder: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'faults.json'), `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(join(folder, 'faults.md'), `# Planted faults\n\n${text}\n`);
}

/** Whether a fault was caught wherever it can be. */
export function isCaught({ exact, bounded, bitsAlone }: FaultRow): boolean {
  return exact !== undefined && (bounded !== undefined || bitsAlone !== undefined);
}

function textOf(totals: FaultTotals, missed: FaultRow[], flagged: VariantRow[]): string {
  const { seed, torch, programs, notRun, disagreeing, seconds, rows, variants } = totals;
  const reasons = new Set(rows.flatMap(({ bitsAlone }) => bitsAlone ?? []));
  return [
    table(
      ['fault', 'it behaves as if', 'bit by bit', 'as bounded', 'seen first in'],
      rows.map(({ name, claim, exact, bounded, bitsAlone, field }) => [
        name,
        claim,
        exact?.toLocaleString('en-US') ?? 'NOT CAUGHT',
        bounded?.toLocaleString('en-US') ?? (bitsAlone === undefined ? 'NOT CAUGHT' : 'never'),
        field ?? '',
      ]),
    ),
    '',
    'Numbers are programs until the fault was caught.',
    ...Array.from(reasons, (reason) => `"never": ${reason}.`),
    '',
    table(
      [
        'correct variant',
        'what it does',
        'programs',
        'differ in bits',
        'flagged',
        'worst error / E',
        'undecided',
      ],
      variants.map(({ name, claim, programs, differing, flagged, worst, elements, undecided }) => [
        name,
        claim,
        count(programs),
        count(differing),
        count(flagged),
        worst.toPrecision(4),
        `${((100 * undecided) / Math.max(elements, 1)).toFixed(2)} %`,
      ]),
    ),
    '',
    `${allowedE} E are allowed. torch ${torch}, seed ${seed}, ${programs.map(count).join(' programs of float32 and ')} of halves and complex64, ${seconds.toFixed(0)} s.`,
    ...(notRun > 0 ? [`The oracle could not run ${count(notRun)} programs.`] : []),
    ...(disagreeing > 0 ? [`torch-parity itself differs from torch in ${count(disagreeing)} programs.`] : []),
    ...(missed.length > 0 ? [`Not caught: ${missed.map(({ name }) => name).join(', ')}.`] : []),
    ...flagged.map(({ name, field }) => `Flagged, though correct: ${name} (first in ${field}).`),
    `${rows.length - missed.length} of ${rows.length} faults caught, ` +
      `${variants.length - flagged.length} of ${variants.length} correct variants passed.`,
  ].join('\n');
}

/** A Markdown table with its columns aligned. */
function table(head: string[], body: string[][]): string {
  const rows = [head, ...body].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`);
  return [lines[0], `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...lines.slice(1)].join(
    '\n',
  );
}
