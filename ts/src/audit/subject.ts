import { LazyTensor } from '../checkpoint/index.ts';
import {
  idsOf,
  namesOf,
  type GroupDict,
  type ModuleDict,
  type OptimizerDict,
} from '../inspect/optimizers.ts';
import { childPath, keyText, valueText } from '../inspect/python_value.ts';
import { parametersFor, type ModelParameter } from './model.ts';

type Place = Pick<Slot, 'group' | 'ids' | 'index' | 'id' | 'name'>;

/** A parameter's place in an optimizer: torch zips these with the actual parameters, in order. */
export interface Slot {
  group: GroupDict;
  /** The list of ids that it stands in, and where. */
  ids: unknown[];
  index: number;
  id: unknown;
  name: string | undefined;
  /** The key of its state, which may be the id in another type, and the state. */
  key: unknown;
  state: Map<unknown, unknown> | undefined;
  /** The path of its state. */
  path: string;
  /** The parameter that torch would give it to, where a model tells: by name if there is one, else as a guess, by order. */
  parameter: ModelParameter | undefined;
}

/** An optimizer's state dict with what the rules look at. */
export interface Subject extends OptimizerDict {
  statePath: string;
  groupsPath: string;
  /** Those of a list of ids that several groups share, once. */
  slots: Slot[];
  /** Keys of the state that are no ids, beside the ids, or names, that they mean. */
  misspelt: Map<unknown, unknown>;
  /** Keys of the state that mean no parameter. */
  orphans: unknown[];
}

/** @param model - whose parameters the optimizer has, if one is known */
export function subjectOf(optimizer: OptimizerDict, model: ModuleDict | undefined): Subject {
  const { state, groups, path } = optimizer;
  const statePath = childPath(path, { key: 'state', name: '' });
  // A small file may refer to one list of ids often: it is taken once.
  const lists = new Set<unknown[]>();
  const places: Place[] = groups.flatMap((group) => {
    const ids = idsOf(group);
    if (lists.has(ids)) return [];
    lists.add(ids);
    const names = namesOf(group);
    return ids.map((id, index) => ({ group, ids, index, id, name: names?.[index] }));
  });
  const { misspelt, orphans } = matchKeys(state, places);
  const keys = new Map(Array.from(misspelt, ([key, id]) => [id, key]));
  const slots = places.map((place): Slot => {
    const key = keys.get(place.id) ?? place.id;
    const entry: unknown = state.get(key);
    const path = childPath(statePath, { key, name: keyText(state, key) });
    return { ...place, key, state: entry instanceof Map ? entry : undefined, path, parameter: undefined };
  });
  if (model !== undefined) assignParameters(slots, parametersFor(model, slots), groups.length);
  const groupsPath = childPath(path, { key: 'param_groups', name: '' });
  return { ...optimizer, statePath, groupsPath, slots, misspelt, orphans };
}

/** Which id each key of the state that is none may mean: the same as text or as a number, or by the parameter's name. */
function matchKeys(state: Map<unknown, unknown>, places: Place[]): Pick<Subject, 'misspelt' | 'orphans'> {
  const ids = new Set(places.map(({ id }) => id));
  const meant = new Map<unknown, unknown>();
  for (const { id, name } of places) {
    if (state.has(id)) continue;
    if (typeof id === 'number') meant.set(String(id), id);
    else if (typeof id === 'string' && String(Number(id)) === id) meant.set(Number(id), id);
    if (name !== undefined && !meant.has(name)) meant.set(name, id);
  }
  const strays = [...state.keys()].filter((key) => !ids.has(key));
  const misspelt = new Map(strays.filter((key) => meant.has(key)).map((key) => [key, meant.get(key)]));
  // Two keys for one id: neither is the right one.
  const isClear = new Set(misspelt.values()).size === misspelt.size;
  return {
    misspelt: isClear ? misspelt : new Map(),
    orphans: isClear ? strays.filter((key) => !misspelt.has(key)) : strays,
  };
}

/** Groups may divide a model's parameters in any way: without names, their order is known only where all shapes fit it. */
function assignParameters(slots: Slot[], parameters: ModelParameter[] | undefined, groups: number): void {
  if (parameters === undefined) return;
  const isNamed = slots.every(({ name }) => name !== undefined);
  const fits = slots.every((slot, i) => shapeFits(slot, (parameters[i] as ModelParameter).tensor.shape));
  if (groups === 1 || isNamed || fits)
    for (const [i, slot] of slots.entries()) slot.parameter = parameters[i];
}

/** Whether all of a parameter's state has the shape; no state fits any. */
export function shapeFits(slot: Slot, shape: readonly number[]): boolean {
  return momentsOf(slot).every(([, tensor]) => String(tensor.shape) === String(shape));
}

/** The tensors of a parameter's state that torch makes in the shape of the parameter, with their keys. */
export function momentsOf({ state }: Slot): [string, LazyTensor][] {
  const moments: [string, LazyTensor][] = [];
  for (const [key, value] of state ?? []) {
    if (typeof key === 'string' && momentKeys.has(key) && value instanceof LazyTensor)
      moments.push([key, value]);
  }
  return moments;
}

/** LBFGS keeps all of its state with its first parameter, and SGD has none without momentum. */
export function keepsState({ group }: Slot): boolean {
  const isPlainSgd = group.has('dampening') && group.get('momentum') === 0;
  return !isPlainSgd && !group.has('history_size');
}

/** Whose state is meant, for a sentence. */
export function slotText({ id, name }: Slot): string {
  return name === undefined ? valueText(id) : `${valueText(id)} (${name})`;
}

/** State of torch.optim's optimizers that has the shape of its parameter. */
export const momentKeys: ReadonlySet<string> = new Set([
  'acc_delta',
  'ax',
  'exp_avg',
  'exp_avg_sq',
  'exp_inf',
  'grad_avg',
  'max_exp_avg_sq',
  'momentum_buffer',
  'prev',
  'square_avg',
  'step_size',
  'sum',
  'variance',
]);
