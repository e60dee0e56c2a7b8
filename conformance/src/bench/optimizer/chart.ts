import { LogScale, svg } from '../svg.ts';
import { textOf } from './cases.ts';
import type { Result } from './measure.ts';
import type { SideName } from './sides.ts';
import { milliseconds } from './table.ts';

const left = 170;
const width = 620;
const lineHeight = 26;
const top = 96;

const colours: Readonly<Record<SideName, string>> = {
  fused: '#111111',
  reference: '#9d9d9d',
  'torch for-loop': '#f4a261',
  'torch foreach': '#e63946',
  'torch fused': '#8d0801',
  'torch.compile': '#8338ec',
  optax: '#2a9d8f',
  'tf.train': '#457b9d',
  limit: '#111111',
};

/**
 * How many times as long as the fused engine each side takes for a step: a line a case, a dot a side. The dark line at
 * 1 is the fused engine; the limit is a stroke.
 */
export function chart(results: readonly Result[], names: ReadonlyMap<SideName, string>): string {
  const lines = results.flatMap((result) => {
    const ours = result.measured.find(({ side }) => side === 'fused');
    if (ours === undefined) return [];
    const others = result.measured
      .filter(({ side }) => side !== 'fused')
      .map(({ side, ms }) => ({ side, times: ms / ours.ms }));
    return [{ text: textOf(result), ms: ours.ms, others }];
  });
  const scale = new LogScale(
    lines.flatMap(({ others }) => others.map(({ times }) => times)),
    left,
    width,
  );
  const bottom = top + lines.length * lineHeight;
  const drawn = lines.map(({ text, ms, others }, index) => {
    const y = top + (index + 0.5) * lineHeight;
    const marks = others.map(({ side, times }) => mark(side, scale.x(times), y));
    return [
      `<text x="${left - 8}" y="${y + 4}" text-anchor="end">${text}</text>`,
      ...marks,
      `<text x="${left + width + 8}" y="${y + 4}">${milliseconds(ms)} ms</text>`,
    ].join('\n');
  });
  const shown = [...names].filter(([side]) =>
    lines.some(({ others }) => others.some((other) => other.side === side)),
  );
  const legend = shown.map(([side, text], index) => {
    const [x, y] = [left + (index % 3) * 215, 46 + Math.floor(index / 3) * 16];
    return `${mark(side, x, y)}\n<text x="${x + 10}" y="${y + 4}">${text}</text>`;
  });
  const heading = [
    `<text x="8" y="20" font-size="14">Time of a step / that of torch-parity's fused engine, the dark line at 1: what is right of it is slower</text>`,
    `<text x="${left + width + 8}" y="${top - 8}" fill="#666">fused engine</text>`,
  ];
  return svg(left + width + 100, bottom + 24, [...heading, ...legend, scale.grid(top, bottom), ...drawn]);
}

function mark(side: SideName, x: number, y: number): string {
  const fill = `fill="${colours[side]}"`;
  if (side === 'limit')
    return `<rect x="${(x - 1.5).toFixed(1)}" y="${y - 9}" width="3" height="18" ${fill}/>`;
  return `<circle cx="${x.toFixed(1)}" cy="${y}" r="5" ${fill} fill-opacity="0.85"/>`;
}
