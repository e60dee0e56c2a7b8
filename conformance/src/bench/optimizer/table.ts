import { columns } from '../columns.ts';
import { textOf } from './cases.ts';
import type { Result } from './measure.ts';
import { rowsOf, type Goal, type Row } from './ratios.ts';
import type { SideName } from './sides.ts';

/** Milliseconds of every side in every case, and how the fused engine compares. */
export function table(results: readonly Result[], sides: readonly SideName[]): string {
  const heads = ['ms a step', ...sides, 'x torch', 'x compiled', 'of limit'];
  const lines = results.map((result) => {
    const times = sides.map((side) => {
      const measured = result.measured.find((each) => each.side === side);
      if (measured !== undefined) return milliseconds(measured.ms);
      const out = result.leftOut.find((each) => each.side === side);
      return out === undefined ? '' : out.failed ? 'failed' : 'left out';
    });
    const row = rowsOf(result).find(({ engine }) => engine === 'fused');
    const { ratio, ratioCompiled, ofLimit } = row ?? { ratio: null, ratioCompiled: null, ofLimit: null };
    return [textOf(result), ...times, ...[ratio, ratioCompiled, ofLimit].map(quotient)];
  });
  return columns([heads, ...lines], (column) => column === 0);
}

/** What the table leaves unsaid: compile times, whole training steps, who was left out and why, and the goals. */
export function remarks(results: readonly Result[], goals: readonly Goal[]): string[] {
  const said: string[] = [];
  const compiled = results.flatMap((result) => {
    const found = result.measured.find(({ side }) => side === 'torch.compile');
    return found === undefined ? [] : [`${textOf(result)} ${(found.firstMs / 1000).toFixed(0)} s`];
  });
  if (compiled.length > 0) said.push(`torch.compile took, before its first step: ${compiled.join('; ')}`);
  for (const result of results) {
    const whole = result.measured.filter(({ wholeMs }) => wholeMs !== undefined);
    const times = whole.map(({ side, wholeMs }) => `${side} ${milliseconds(wholeMs!)}`);
    if (times.length > 0)
      said.push(`${textOf(result)}, ms of forward, backward and step together: ${times.join(', ')}`);
  }
  said.push(...leftOutText(results));
  const missed = goals.filter(({ met }) => !met);
  if (goals.length > 0) said.push(`${goals.length - missed.length} of ${goals.length} goals met`);
  return [...said, ...missed.map((goal) => `not met: ${goalText(goal)}`)];
}

/** What keeps a side out of many cases is said once. */
function leftOutText(results: readonly Result[]): string[] {
  const casesOf = new Map<string, string[]>();
  for (const result of results) {
    for (const { side, why } of result.leftOut) {
      const text = `${side} left out: ${why}`;
      casesOf.set(text, [...(casesOf.get(text) ?? []), textOf(result)]);
    }
  }
  return Array.from(casesOf, ([text, cases]) => `${cases.join('; ')}: ${text}`);
}

const quotients: Readonly<Record<Goal['of'], string>> = {
  ratio: "torch's best eager mode / ours",
  ratioCompiled: 'torch.compile / ours',
  ofLimit: 'the limit / ours',
};

function goalText({ case: name, optimizer, dtype, of, atLeast, is }: Goal): string {
  return `${textOf({ name, optimizer, dtype })}: ${quotients[of]} is ${is.toFixed(2)}, and ${atLeast} is the goal`;
}

function quotient(value: Row['ratio']): string {
  return value === null ? '' : value.toFixed(value < 10 ? 2 : 1);
}

/** Three digits: 0.0123, 1.23, 123. */
export function milliseconds(ms: number): string {
  return ms >= 100 ? ms.toFixed(0) : ms.toPrecision(3);
}
