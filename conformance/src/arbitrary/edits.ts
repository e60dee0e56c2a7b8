import * as fc from 'fast-check';
import { hasTruth } from '../judge.ts';
import { parameterDTypes, type Edit, type Options, type ParameterDType } from '../program.ts';
import { float, type Value } from '../value.ts';
import { chance } from './chance.ts';
import { pick, type Draft, type SavedDict, type Setting } from './draft.ts';
import { foreign, groupOption } from './options.ts';
import type { FilledDType } from './tensors.ts';
import { elements } from './values.ts';

/** Edits of a state dict with one purpose, made for the dict as it stands, which they change with it. */
export type Revision = (dict: SavedDict, draft: Draft) => Edit[];

/** A revision that the dict can be loaded after: torch checks counts alone, so that is nearly any. */
export function revision(setting: Setting): fc.Arbitrary<Revision> {
  return fc.oneof(
    { weight: 8, arbitrary: harmless(setting) },
    { weight: 3, arbitrary: permutedIds },
    { weight: 2, arbitrary: stringIds },
    { weight: 1, arbitrary: sharedIds },
    ...(setting.optimizer.older ? [{ weight: 3, arbitrary: olderForm(setting.optimizer.older) }] : []),
    { weight: 2, arbitrary: extraState },
    { weight: 1, arbitrary: replacedGroup },
  );
}

/** A revision that fits any dict of the optimizer, also a later one: hooks make it. */
export function harmless(setting: Setting): fc.Arbitrary<Revision> {
  return fc.oneof(
    fc
      .tuple(fc.nat(), groupOption(setting.optimizer.options, setting.temper))
      .map(([index, option]): Revision => ({ groups }, draft) => {
        const [key, value] = draft.option(option);
        return [{ edit: 'setOption', group: index % groups.length, key, value }];
      }),
    // What loading puts back, whoever removed it.
    fc.tuple(fc.nat(), fc.constantFrom(...setting.optimizer.restored, 'param_names', 'note')).map(
      ([index, key]): Revision =>
        ({ groups }, draft) =>
          key === 'foreach' && draft.loop
            ? []
            : [{ edit: 'removeOption', group: index % groups.length, key }],
    ),
    fc
      .tuple(fc.constantFrom('epoch', 'model'), foreign)
      .map(([key, value]): Revision => () => [{ edit: 'setKey', key, value }]),
    fc
      .tuple(fc.constantFrom<Value>('extra', 101), foreign)
      .map(([id, value]): Revision => () => [{ edit: 'setState', id, key: 'note', value }]),
    fc.nat().map((index): Revision => ({ state }) => {
      const id = pick(state, index);
      if (id === undefined) return [];
      state.splice(state.indexOf(id), 1);
      return [{ edit: 'removeState', id }];
    }),
    fc.nat().map((turn): Revision => ({ state }) => [{ edit: 'reorderState', ids: turned(state, turn) }]),
  );
}

/** Ids in another order, so that parameters of one shape change their state: torch goes by the order alone. */
const permutedIds: fc.Arbitrary<Revision> = fc.nat().map(
  (turn): Revision =>
    (dict, draft) =>
      reassign(dict, draft, (ids) => turned(ids, turn + 1)),
);

/** One id for all parameters of a shape: the last of them gets the state. */
const sharedIds: fc.Arbitrary<Revision> = fc.constant((dict, draft) =>
  reassign(dict, draft, (ids) => ids.map(() => ids[0]!)),
);

/** Ids that became strings, as JSON would make them: in the groups, in the state, or (then nothing is lost) in both. */
const stringIds: fc.Arbitrary<Revision> = fc
  .constantFrom('groups', 'state', 'both')
  .map((where): Revision => ({ groups, state }) => {
    const edits: Edit[] = [];
    if (where !== 'state') {
      for (const [group, entry] of groups.entries()) {
        entry.ids = entry.ids.map(String);
        edits.push({ edit: 'setIds', group, ids: entry.ids });
      }
    }
    if (where !== 'groups') {
      for (const [index, from] of state.entries()) {
        state[index] = String(from);
        edits.push({ edit: 'renameState', from, to: String(from) });
      }
    }
    return edits;
  });

/** What torch 2.1 would have written: another form of state, and no `capturable`. */
function olderForm([key, values]: [key: string, values: fc.Arbitrary<Value>]): fc.Arbitrary<Revision> {
  return values.map((value): Revision => ({ groups, state }) => [
    ...state.map((id): Edit => ({ edit: 'setState', id, key, value })),
    ...groups.map((_, group): Edit => ({ edit: 'removeOption', group, key: 'capturable' })),
  ]);
}

/**
 * State in another dtype: it is cast to the parameter's, except `step`, which stays what it is.
 *
 * The last revision of a dict: where no parameter takes an entry, nothing is cast, and the truth of a float64 tensor
 * in a program of float32 would be another one.
 */
export function otherDtype({ features, optimizer, dtype, temper }: Setting): fc.Arbitrary<Revision> {
  const castable = stateDTypes(dtype);
  if (castable.length === 0 || optimizer.stateTensors.length === 0) return fc.constant(() => []);
  return fc
    .record({
      entry: fc.nat(),
      key: fc.constantFrom(...optimizer.stateTensors),
      dtype: fc.constantFrom(...castable),
      values: elements(dtype === 'float32' ? 'float64' : 'float32', temper),
      step: chance(25),
    })
    .map(({ entry, key, dtype, values, step }): Revision => (dict, draft) => {
      const id = pick(dict.state, entry);
      const param = id === undefined ? undefined : paramOf(dict, id);
      if (id === undefined || param === undefined) return [];
      if (step && optimizer.older?.[0] === 'step' && features.capturable) {
        return [{ edit: 'setState', id, key: 'step', value: { tensor: draft.tensor([], [3], 'float64') } }];
      }
      // Averages of squares are not negative.
      const tensor = draft.like(param, values.map(Math.abs), dtype);
      return [{ edit: 'setState', id, key, value: { tensor } }];
    });
}

/**
 * What state may come in besides the parameter's dtype. In complex64 it would keep its dtype, and torch's step fail; a
 * complex tensor has no error bound, and halves need none.
 */
function stateDTypes(dtype: ParameterDType): FilledDType[] {
  if (dtype === 'complex64') return [];
  const others = parameterDTypes.filter((other) => other !== dtype);
  const bounded = hasTruth({ dtype }) ? others.filter((other) => other !== 'complex64') : others;
  return [...bounded, 'int64'];
}

/** A key of a parameter's state that the optimizer does not know. No texts: torch mangles them when it loads. */
const extraState: fc.Arbitrary<Revision> = fc
  .tuple(
    fc.nat(),
    fc.constantFrom<Value>(null, true, 5, float(0.5), [1, float(0.5), [null]], { tuple: [1, []] }, []),
  )
  .map(([entry, value]): Revision => ({ state }) => {
    const id = pick(state, entry);
    return id === undefined ? [] : [{ edit: 'setState', id, key: 'extra', value }];
  });

/** The last group written anew, with fewer options: loading puts back the rest of them. */
const replacedGroup: fc.Arbitrary<Revision> = foreign.map((note): Revision => ({ groups }, draft) => {
  const last = groups.length - 1;
  const defaults = Object.entries(draft.setting.optimizer.defaults);
  const options = [['note', note], ...defaults, ...(draft.loop ? [['foreach', false]] : [])] as Options;
  return [
    { edit: 'addGroup', options, ids: groups[last]!.ids },
    { edit: 'removeGroup', group: last },
  ];
});

/** Rearranges the ids among the parameters of each shape. */
function reassign({ groups }: SavedDict, draft: Draft, arrange: (ids: Value[]) => Value[]): Edit[] {
  const places = groups.flatMap(({ ids, params }, group) =>
    ids.map((id, index) => ({ id, group, index, shape: String(draft.tensors[params[index]!]!.shape) })),
  );
  for (const shape of new Set(places.map((place) => place.shape))) {
    const same = places.filter((place) => place.shape === shape);
    const ids = arrange(same.map(({ id }) => id));
    for (const [index, place] of same.entries()) groups[place.group]!.ids[place.index] = ids[index]!;
  }
  return groups.map(({ ids }, group) => ({ edit: 'setIds', group, ids: [...ids] }));
}

/** The parameter that an id stands for: the last one, as in a Python dict. */
export function paramOf({ groups }: SavedDict, id: Value): number | undefined {
  const ids = groups.flatMap((group) => group.ids);
  return groups.flatMap(({ params }) => params)[ids.lastIndexOf(id)];
}

function turned<T>(list: readonly T[], by: number): T[] {
  const turn = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(turn), ...list.slice(0, turn)];
}
