import { LogScale, svg } from '../svg.ts';
import { caseTexts, type Row } from './measure.ts';
import { milliseconds } from './table.ts';

const left = 330;
const width = 420;
const barHeight = 18;

/** How many times as long torch or safetensors takes, as bars of an SVG picture; the line is at 1, to the right of it it is faster here. */
export function chart(rows: readonly Row[], title: string): string {
  const bars = rows.flatMap((row) => row.others.map((other) => ({ row, other })));
  const scale = new LogScale(
    bars.map(({ other }) => other.ratio),
    left,
    width,
  );
  const bottom = 40 + bars.length * (barHeight + 6);
  const drawn = bars.map(({ row, other }, index) => {
    const y = 36 + index * (barHeight + 6);
    const ends = [scale.x(1), scale.x(other.ratio)];
    const [from, to] = [Math.min(...ends), Math.max(...ends)];
    const label = `${caseTexts[row.case]}: ${row.operation}, ${other.by}`;
    const times = `${other.ratio.toFixed(other.ratio < 10 ? 2 : 0)} (${milliseconds(row.ours.ms)}, ${milliseconds(other.ms)})`;
    return [
      `<text x="${left - 8}" y="${y + 13}" text-anchor="end">${label}</text>`,
      `<rect x="${from.toFixed(1)}" y="${y}" width="${(to - from).toFixed(1)}" height="${barHeight}" fill="${other.ratio >= 1 ? '#2a9d8f' : '#e76f51'}"/>`,
      `<text x="${(to + 5).toFixed(1)}" y="${y + 13}">${times}</text>`,
    ].join('\n');
  });
  const heading = `<text x="${left}" y="20" font-size="14">${title}</text>`;
  return svg(left + width + 150, bottom + 24, [heading, scale.grid(32, bottom), ...drawn]);
}
