import { columns } from '../columns.ts';
import { caseTexts, type Row } from './measure.ts';

/** The rows as a table of text. */
export function table(rows: readonly Row[]): string {
  const lines = rows.flatMap(({ case: name, format, operation, ours, others }) =>
    others.map(({ by, ms, peakMB, ratio }, index) => {
      const first =
        index === 0
          ? [caseTexts[name], format, operation, milliseconds(ours.ms), megabytes(ours.peakMB)]
          : ['', '', '', '', ''];
      return [...first, by, milliseconds(ms), megabytes(peakMB), ratio.toFixed(2)];
    }),
  );
  const heads = ['', 'format', '', 'here', 'peak', 'beside', 'takes', 'peak', 'ratio'];
  return columns([heads, ...lines], (column) => [0, 1, 2, 5].includes(column));
}

export function milliseconds(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}

function megabytes(mb: number): string {
  return `${mb.toFixed(0)} MB`;
}
