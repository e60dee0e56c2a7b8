import * as fc from 'fast-check';
import { toNumber } from '../value.ts';
import type { Draft, Setting } from './draft.ts';
import { floatFormats } from './float_format.ts';
import { numbersOf } from '../elements.ts';
import { elements } from './values.ts';

/** How a gradient comes to its values. */
type Gradient = (draft: Draft, param: number) => number;

/**
 * Gradients, as tensors added to a draft. Most are elements of their own; some make the arithmetic cancel: `decay`,
 * where the gradient takes back what weight decay adds, and `move`, where the first update takes all of the parameter.
 */
export function gradient(setting: Setting): fc.Arbitrary<Gradient> {
  const kind = fc.oneof(
    { withCrossShrink: true },
    { weight: 17, arbitrary: fc.constant('free' as const) },
    { weight: 2, arbitrary: fc.constant('decay' as const) },
    { weight: 1, arbitrary: fc.constant('move' as const) },
  );
  return fc
    .record({ values: elements(setting.dtype, setting.temper), kind })
    .map(({ values, kind }) => (draft, param) => {
      const cancelling = kind === 'free' ? undefined : cancel(draft, param, kind);
      return draft.like(param, cancelling ?? values);
    });
}

/** Values a few places from those that would cancel exactly; undefined where nothing can. */
function cancel(
  { setting, groups, tensors }: Draft,
  param: number,
  kind: 'decay' | 'move',
): number[] | undefined {
  const group = groups.find(({ params }) => params.includes(param));
  const start = numbersOf(tensors[param]!).map(Number);
  if (!group || start.length === 0) return undefined;
  const amount = (key: string) => toNumber(group.options.get(key) ?? setting.optimizer.defaults[key] ?? 0);
  const direction = group.options.get('maximize') === true ? -1 : 1;
  const { nudge } = floatFormats[setting.dtype];
  return start.map((value, index) => {
    const wanted =
      kind === 'decay' ? -amount('weight_decay') * value : setting.optimizer.gradientFor(value, amount);
    return Number.isNaN(wanted) ? value : nudge(direction * wanted, (index % 5) - 2);
  });
}
