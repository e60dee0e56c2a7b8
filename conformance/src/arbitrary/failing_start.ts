import * as fc from 'fast-check';
import type { Argument, Group, Item, Options } from '../program.ts';
import { float, type Value } from '../value.ts';
import type { Draft, Setting } from './draft.ts';

/** A constructor call that torch refuses: what is put in the place of the draft's own. */
export type FailingStart = (draft: Draft, argument: Argument) => { argument: Argument; options: Options };

/** What is neither a parameter nor a group. */
export const strangers: fc.Arbitrary<Value> = fc.constantFrom<Value>(3, null, 'weight', float(1.5), true, []);

/** What a list of parameters cannot be made of, and text, which Python makes a list of letters. */
const noLists = fc.constantFrom<Value>(5, null, float(1.5), true, '', 'weight', [1, 2]);

const emptyGroup: Item = { group: { params: { list: [] }, options: [] } };

/** Every way in which a constructor refuses its arguments. */
export function failingStart(setting: Setting): fc.Arbitrary<FailingStart> {
  type Make = (draft: Draft) => Argument;
  const weighted: [weight: number, arbitrary: fc.Arbitrary<Make>, possible?: boolean][] = [
    [1, fc.constant<Make>(() => ({ list: [] }))],
    [1, fc.constant<Make>(() => ({ set: [] })), setting.features.setWarning],
    [1, fc.constant<Make>(({ params }) => (params > 0 ? { param: 0 } : { list: [] }))],
    [3, noLists.map((value): Make => () => ({ value }))],
    [4, failingList],
    [
      5,
      failingGroup(setting).map((make): Make => (draft) => ({ list: [emptyGroup, { group: make(draft) }] })),
    ],
    [1, fc.constant(twiceOwned)],
    [3, partlyNamedGroups, setting.features.named],
  ];
  const possible = weighted.filter(([, , possible = true]) => possible);
  const refusedArgument = fc.oneof(...possible.map(([weight, arbitrary]) => ({ weight, arbitrary })));
  const refused = refusedArgument.map((make): FailingStart => (draft) => ({
    argument: make(draft),
    options: draft.options,
  }));
  if (setting.optimizer.refused.length === 0) return refused;
  const refusedOptions = fc
    .constantFrom(...setting.optimizer.refused)
    .map((options): FailingStart => (_, argument) => ({ argument, options }));
  return fc.oneof({ weight: 1, arbitrary: refusedOptions }, { weight: 2, arbitrary: refused });
}

/** A group that no optimizer takes, whatever other groups it has. */
export function failingGroup(setting: Setting): fc.Arbitrary<(draft: Draft) => Group> {
  const params = fc.oneof(
    fc.constant(() => undefined),
    fc.constant(({ params }: Draft) => ({ set: params > 0 ? [{ param: 0 }] : [] })),
    strangers.map((value) => () => ({ list: [{ value }] })),
    fc.constantFrom<Value>(5, null, 'weight').map((value) => () => ({ value })),
    ...(setting.features.named ? [fc.constant(partlyNamed)] : []),
  ) as fc.Arbitrary<(draft: Draft) => Argument | undefined>;
  return params.map((make) => (draft) => {
    const params = make(draft);
    return { ...(params && { params }), options: [] };
  });
}

function partlyNamed({ params }: Draft): Argument {
  return { list: params > 0 ? [{ named: ['weight', 0] }, { param: 0 }] : [{ value: 3 }] };
}

/** Lists of parameters and groups mixed, or with something that is neither. */
const failingList = fc
  .tuple(strangers, fc.constantFrom('stranger', 'group last', 'group first'))
  .map(([value, kind]) => ({ params }: Draft): Argument => {
    const all: Item[] = Array.from({ length: params }, (_, param) => ({ param }));
    // Without a parameter, the mixed lists would be legal.
    if (kind === 'stranger' || params === 0) return { list: [...all, { value }] };
    return { list: kind === 'group last' ? [...all, emptyGroup] : [emptyGroup, ...all] };
  });

function twiceOwned({ params }: Draft): Argument {
  const group: Item = { group: { params: { list: [{ param: 0 }] }, options: [] } };
  return { list: params > 0 ? [group, group] : [] };
}

const partlyNamedGroups = fc.boolean().map((namedFirst) => ({ params }: Draft): Argument => {
  if (params < 2) return { list: [] };
  const group = (item: Item): Item => ({ group: { params: { list: [item] }, options: [] } });
  const groups = [group({ named: ['weight', 0] }), group({ param: 1 })];
  return { list: namedFirst ? groups : groups.toReversed() };
});
