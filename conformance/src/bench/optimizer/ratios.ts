import type { Case } from './cases.ts';
import type { Result } from './measure.ts';
import { eager, type SideName } from './sides.ts';

/** A row of the report: one of our engines in one case. */
export interface Row {
  case: string;
  optimizer: Case['optimizer'];
  dtype: Case['dtype'];
  engine: 'fused' | 'reference';
  /** Milliseconds of a step. */
  ms: number;
  /** Time of torch's best eager mode / ours: above 1, we are faster. */
  ratio: number | null;
  /** Time of the step of torch.compile / ours. */
  ratioCompiled: number | null;
  /** Time of the limit / ours: 1 is as fast as the limit. */
  ofLimit: number | null;
}

/** The rows of a case; a ratio is null where the other side did not run. */
export function rowsOf({ name, optimizer, dtype, measured }: Result): Row[] {
  const times = new Map<SideName, number>(measured.map(({ side, ms }) => [side, ms]));
  const best = Math.min(...eager.map((side) => times.get(side) ?? Infinity));
  return (['fused', 'reference'] as const).flatMap((engine) => {
    const ms = times.get(engine);
    if (ms === undefined) return [];
    const over = (side: SideName): number | null => (times.has(side) ? times.get(side)! / ms : null);
    const ratio = Number.isFinite(best) ? best / ms : null;
    return [
      {
        ...{ case: name, optimizer, dtype, engine, ms },
        ...{ ratio, ratioCompiled: over('torch.compile'), ofLimit: over('limit') },
      },
    ];
  });
}

type Quotient = 'ratio' | 'ratioCompiled' | 'ofLimit';

/** What the fused engine is to reach. */
export interface Goal extends Pick<Row, 'case' | 'optimizer' | 'dtype'> {
  of: Quotient;
  atLeast: number;
  is: number;
  met: boolean;
}

/** For Adadelta in float32; everywhere nothing of torch may be faster. */
const special: Readonly<Record<string, Partial<Record<Quotient, number>>>> = {
  '1 x 100M': { ratio: 6, ofLimit: 0.85 },
  '1 x 10M': { ratio: 6, ofLimit: 0.85 },
  '500 x 256': { ratio: 8 },
  '2,000 x 16': { ratio: 20 },
  'ResNet-50': { ratio: 5 },
  'GPT-2 small': { ratio: 5 },
};

/** The goals that could be judged. */
export function goalsOf(rows: readonly Row[]): Goal[] {
  return rows
    .filter(({ engine }) => engine === 'fused')
    .flatMap((row) => {
      const { case: name, optimizer, dtype } = row;
      const isMain = optimizer === 'Adadelta' && dtype === 'float32';
      const wanted = { ratio: 1, ratioCompiled: 1, ...(isMain ? special[name] : {}) };
      return (Object.entries(wanted) as [Quotient, number][]).flatMap(([of, atLeast]) => {
        const is = row[of];
        return is === null ? [] : [{ case: name, optimizer, dtype, of, atLeast, is, met: is >= atLeast }];
      });
    });
}
