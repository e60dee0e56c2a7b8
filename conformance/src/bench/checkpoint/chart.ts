import { caseTexts, type Row } from './measure.ts';
import { milliseconds } from './table.ts';

const left = 330;
const width = 420;
const barHeight = 18;
const ticks = [0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

/** How many times as long torch or safetensors takes, as bars of an SVG picture; the line is at 1, to the right of it it is faster here. */
export function chart(rows: readonly Row[], title: string): string {
  const bars = rows.flatMap((row) => row.others.map((other) => ({ row, other })));
  const ratios = bars.map(({ other }) => other.ratio);
  const low = Math.min(0.5, ...ratios) / 1.1;
  const high = Math.max(2, ...ratios) * 1.1;
  // The scale is logarithmic: twice as fast and twice as slow are equally far from the line.
  const x = (ratio: number): number => left + (width * Math.log(ratio / low)) / Math.log(high / low);
  const bottom = 40 + bars.length * (barHeight + 6);
  const drawn = bars.map(({ row, other }, index) => {
    const y = 36 + index * (barHeight + 6);
    const [from, to] = [Math.min(x(1), x(other.ratio)), Math.max(x(1), x(other.ratio))];
    const label = `${caseTexts[row.case]}: ${row.operation}, ${other.by}`;
    const times = `${other.ratio.toFixed(other.ratio < 10 ? 2 : 0)} (${milliseconds(row.ours.ms)}, ${milliseconds(other.ms)})`;
    return [
      `<text x="${left - 8}" y="${y + 13}" text-anchor="end">${label}</text>`,
      `<rect x="${from.toFixed(1)}" y="${y}" width="${(to - from).toFixed(1)}" height="${barHeight}" fill="${other.ratio >= 1 ? '#2a9d8f' : '#e76f51'}"/>`,
      `<text x="${(to + 5).toFixed(1)}" y="${y + 13}">${times}</text>`,
    ].join('\n');
  });
  const marks = ticks
    .filter((tick) => tick >= low && tick <= high)
    .map((tick) => {
      const line = `<line x1="${x(tick).toFixed(1)}" x2="${x(tick).toFixed(1)}" y1="32" y2="${bottom}" stroke="${tick === 1 ? '#333' : '#ddd'}"/>`;
      return `${line}\n<text x="${x(tick).toFixed(1)}" y="${bottom + 14}" text-anchor="middle" fill="#666">${tick}</text>`;
    });
  const [total, height] = [left + width + 150, bottom + 24];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${total}" height="${height}" viewBox="0 0 ${total} ${height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
<text x="${left}" y="20" font-size="14">${title}</text>
${[...marks, ...drawn].join('\n')}
</svg>
`;
}
