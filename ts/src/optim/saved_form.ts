import { KeyError, TorchTypeError } from '../errors.ts';
import { isPlainObject } from '../python/copy.ts';
import { put, pythonTypeOf, setNumber } from '../python/number.ts';
import { typeName } from '../python/repr.ts';
import type { StateEntry, StateId } from './state.ts';
import type { SavedGroup, StateDict } from './state_dict.ts';

/** A state dict in which Python's dicts are Maps, as `load` of torch-parity/checkpoint gives it. */
// oxlint-disable-next-line typescript/no-explicit-any -- what a file holds is known to its reader alone
export type LoadedDict = ReadonlyMap<any, any>;

/** A shallow copy in which the dicts that have string keys, the whole, its groups and its entries, are objects. */
export function asStateDict(given: StateDict | LoadedDict): StateDict {
  const stateDict = toObject(given);
  if (!isPlainObject(stateDict)) {
    throw new TorchTypeError('NOT_A_STATE_DICT', `a state dict is an object, but got ${typeName(given)}`);
  }
  const { param_groups: groups, state } = stateDict;
  return {
    ...stateDict,
    ...(hasMap(groups) && { param_groups: groups.map(toObject) }),
    ...(state instanceof Map &&
      hasMap([...state.values()]) && {
        state: new Map(Array.from(state, ([id, entry]) => [id, toObject(entry)])),
      }),
  } as StateDict;
}

function hasMap(list: unknown): list is unknown[] {
  return Array.isArray(list) && list.some((item) => item instanceof Map);
}

function toObject(value: unknown): unknown {
  if (!(value instanceof Map) || ![...value.keys()].every((key) => typeof key === 'string')) return value;
  const object = {};
  for (const [key, item] of value as Map<string, unknown>) {
    if (typeof item === 'number') setNumber(object, key, { value: item, type: pythonTypeOf(value, key) });
    else put(object, key, item);
  }
  return object;
}

/** @throws KeyError, TypeError if a state dict has no groups, or a group no ids */
export function savedGroups({ param_groups: groups }: { param_groups?: unknown }): SavedGroup[] {
  if (groups === undefined) throw new KeyError('NO_PARAM_GROUPS', "'param_groups'");
  if (!Array.isArray(groups) || !groups.every(isPlainObject)) {
    throw new TorchTypeError(
      'NOT_A_STATE_DICT',
      'param_groups of a state dict must be a list of dicts with string keys',
    );
  }
  for (const { params } of groups as Record<string, unknown>[]) {
    if (params === undefined) throw new KeyError('NO_PARAMS', "'params'");
    if (!Array.isArray(params)) {
      throw new TorchTypeError(
        'NOT_A_STATE_DICT',
        `params of a saved group must be a list, but got ${typeName(params)}`,
      );
    }
  }
  return groups as SavedGroup[];
}

/** @throws KeyError, TypeError if a state dict has no state, or other than dicts in it */
export function savedState({ state }: { state?: unknown }): Map<StateId, StateEntry> {
  if (state === undefined) throw new KeyError('NO_STATE', "'state'");
  if (!(state instanceof Map)) {
    throw new TorchTypeError(
      'NOT_A_STATE_DICT',
      'state of a state dict must be a Map from ids to entries: the keys of an object are strings, as JSON has them, and ' +
        'torch finds no parameter by a string',
    );
  }
  for (const [id, entry] of state as Map<unknown, unknown>) {
    if (!isPlainObject(entry)) {
      throw new TorchTypeError(
        'NOT_A_STATE_DICT',
        `state[${String(id)}] must be a dict with string keys, but got ${typeName(entry)}`,
      );
    }
  }
  return state as Map<StateId, StateEntry>;
}
