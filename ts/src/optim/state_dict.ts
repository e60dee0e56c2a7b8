import { KeyError, ValueError } from '../errors.ts';
import { copyEntry } from '../python/copy.ts';
import type { PythonType } from '../python/number.ts';
import type { Definition } from './definition.ts';
import { loadEntry } from './load_entry.ts';
import { copyOption, checkSpelling, optionOf, ourKey, torchKey } from './options.ts';
import type { ParamGroup } from './param_group.ts';
import { Parameter } from './parameter.ts';
import { savedGroups, savedState } from './saved_form.ts';
import { disposeEntries, entryOnHost, type State, type StateEntry, type StateId } from './state.ts';

/** A group of a state dict, by torch's names: its options, then `params`, the ids of its parameters. */
export interface SavedGroup {
  params: StateId[];
  [key: string]: unknown;
}

/**
 * torch's state dict of an optimizer, on the host and independent of it. `state` has an entry for every parameter that
 * was stepped; tensors are {@link TensorData} (or tf.Tensors, where one writes it by hand).
 */
export interface StateDict {
  state: Map<StateId, Record<string, unknown>>;
  param_groups: SavedGroup[];
  [key: string]: unknown;
}

/** What a loaded state dict makes of an optimizer. */
export interface Loaded {
  paramGroups: ParamGroup<object>[];
  state: State;
}

/**
 * A snapshot in torch's layout. Ids count parameters over all groups; a parameter that stands twice in a group has the
 * last of its ids.
 */
export function packStateDict(
  definition: Definition<object>,
  groups: readonly ParamGroup<object>[],
  state: State,
): StateDict {
  const ids = new Map<Parameter, number>();
  let start = 0;
  const param_groups = groups.map((group) => {
    checkSpelling(definition, ...Object.keys(group));
    const saved: Record<string, unknown> = {};
    for (const name of Object.keys(group)) {
      if (name !== 'params')
        copyEntry(group, name, saved, {
          as: torchKey(definition, name),
          otherwise: defaultType(definition, name),
        });
    }
    const known = new Set(ids.keys());
    group.params.forEach((parameter, i) => known.has(parameter) || ids.set(parameter, start + i));
    start += group.params.length;
    saved.params = group.params.map((parameter) => ids.get(parameter));
    return saved as SavedGroup;
  });
  const entries = Array.from(state, ([key, entry]): [StateId, StateEntry] => [
    key instanceof Parameter ? idOf(ids, key) : key,
    entryOnHost(entry),
  ]);
  return { state: new Map(entries), param_groups };
}

function idOf(ids: ReadonlyMap<Parameter, number>, parameter: Parameter): number {
  const id = ids.get(parameter);
  if (id === undefined)
    throw new KeyError('FOREIGN_PARAMETER', 'the state holds a parameter that is in no group');
  return id;
}

/**
 * Reads a state dict as torch does: the ids of each saved group are zipped with the parameters of ours, in order, and
 * nothing else is verified. Tensors are copied and cast to their parameter's dtype, but for `step`.
 *
 * @throws ValueError, KeyError in torch's words; TypeError for what is no state dict. Nothing has changed then.
 */
export function unpackStateDict(
  definition: Definition<object>,
  groups: readonly ParamGroup<object>[],
  stateDict: StateDict,
): Loaded {
  const saved = savedGroups(stateDict);
  if (groups.length !== saved.length) {
    throw new ValueError('GROUP_COUNT', 'loaded state dict has a different number of parameter groups');
  }
  if (groups.some(({ params }, i) => params.length !== saved[i]?.params.length)) {
    throw new ValueError(
      'GROUP_SIZE',
      "loaded state dict contains a parameter group that doesn't match the size of optimizer's group",
    );
  }
  const paramGroups = groups.map((group, i) => loadGroup(definition, group, saved[i] as SavedGroup));
  const parameters = groups.flatMap(({ params }) => params);
  const byId = new Map(
    saved.flatMap(({ params }) => params).map((id, i) => [id, parameters[i] as Parameter]),
  );
  // Of several groups with one id, torch looks at the first.
  const groupOf = new Map(saved.toReversed().flatMap((group) => group.params.map((id) => [id, group])));
  const state: State = new Map();
  try {
    for (const [id, entry] of savedState(stateDict)) {
      const parameter = byId.get(id);
      if (parameter === undefined) {
        state.set(id, entryOnHost(entry));
      } else {
        // torch looks at the group that the checkpoint has for the id, and not at ours.
        const group = groupOf.get(id);
        const stepAsFloat32 = Boolean(group?.capturable) || Boolean(group?.fused);
        // Two ids may stand for one parameter; the later one counts.
        disposeEntries([state.get(parameter) ?? {}]);
        state.set(parameter, loadEntry(definition, parameter, entry, stepAsFloat32));
      }
    }
  } catch (error) {
    disposeEntries(state.values());
    throw error;
  }
  return { paramGroups, state };
}

function loadGroup(
  definition: Definition<object>,
  group: ParamGroup<object>,
  saved: SavedGroup,
): ParamGroup<object> {
  const loaded: Record<string, unknown> = { params: group.params };
  for (const key of Object.keys(saved)) {
    if (key === 'params') continue;
    const name = ourKey(definition, key);
    copyEntry(saved, key, loaded, { as: name, otherwise: defaultType(definition, name) });
  }
  if ('paramNames' in group && !('paramNames' in loaded))
    loaded.paramNames = [...(group.paramNames as string[])];
  for (const name of Object.keys(definition.addedOnLoad)) {
    if (!(name in loaded)) copyOption(definition, definition.addedOnLoad, name, loaded);
  }
  return loaded as ParamGroup<object>;
}

function defaultType(definition: Definition<object>, name: string): PythonType | undefined {
  return optionOf(definition, name)?.type === 'float' ? 'float' : undefined;
}
