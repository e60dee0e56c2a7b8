import {
  Parameter,
  TensorData,
  type Optimizer,
  type ParamGroup,
  type State,
  type StateDict,
  type StateEntry,
  type StateId,
} from 'torch-parity';
import { adadelta, sgd } from './definitions.ts';
import { defined, loads, type Fault } from './fault.ts';
import { isDeviceTensor } from './host.ts';

/** Faults of state dicts that are loaded. */
export const loadingFaults: readonly Fault[] = [
  loads('zip-by-id', 'state were matched with parameters by id and not by order', (optimizer, dict, load) => {
    eachGroup(dict, (group, i) => {
      const ours = idsOf(optimizer)[i];
      if (ours?.length === group.params.length) group.params = ours;
    });
    load();
  }),
  loads('string-ids-match', 'the ids "0" and 0 were the same', (_, dict, load) => {
    eachGroup(dict, (group) => (group.params = group.params.map(numeral)));
    if (dict.state instanceof Map) {
      dict.state = new Map(Array.from(dict.state, ([id, entry]) => [numeral(id), entry]));
    }
    load();
  }),
  loads('cast-dropped', 'loaded state kept its dtype', (optimizer, dict, load) => {
    load();
    eachLoaded(optimizer, dict, ({ dtype }, live, saved) => {
      for (const [key, value] of Object.entries(saved)) {
        if (key === 'step' || !(value instanceof TensorData) || value.dtype === dtype) continue;
        replace(live, key, value.clone());
      }
    });
  }),
  loads('step-cast', 'step were cast to float32 like other state', (optimizer, dict, load) => {
    load();
    eachLoaded(optimizer, dict, (_, live) => {
      const { step } = live;
      if (step instanceof TensorData)
        live.step = TensorData.from('float32', step.toFloat32Array(), step.shape);
    });
  }),
  loads('step-not-converted', 'a step that torch 2.1 saved as an int stayed one', (optimizer, dict, load) => {
    load();
    eachLoaded(optimizer, dict, (_, live, saved) => {
      if ('step' in saved && !(saved.step instanceof TensorData)) live.step = saved.step;
    });
  }),
  loads(
    'extra-state-dropped',
    'keys of an entry that the optimizer does not use were dropped',
    (optimizer, dict, load) => {
      load();
      const used: readonly string[] = ['step', ...adadelta.zeros, ...sgd.lazy];
      eachLoaded(optimizer, dict, (_, live) => {
        for (const key of Object.keys(live)) if (!used.includes(key)) delete live[key];
      });
    },
  ),
  loads('unmatched-state-dropped', 'state of ids without a parameter were dropped', (optimizer, _, load) => {
    load();
    for (const key of optimizer.state.keys()) if (!(key instanceof Parameter)) optimizer.state.delete(key);
  }),
  loads('missing-state-kept', 'a parameter without loaded state kept its own', (optimizer, _, load) => {
    const own = keepingState(optimizer, load);
    for (const [key, entry] of own) {
      if (optimizer.state.has(key)) dispose(entry);
      else optimizer.state.set(key, entry);
    }
  }),
  loads('state-not-loaded', 'options alone were loaded', (optimizer, _, load) => {
    const own = keepingState(optimizer, load);
    optimizer.dispose();
    optimizer.state = own;
  }),
  loads('options-not-loaded', 'state alone were loaded, and no options', (optimizer, _, load) => {
    const own = optimizer.paramGroups;
    load();
    optimizer.paramGroups = own;
  }),
  loads(
    'missing-options-from-defaults',
    'options that a loaded group lacks came from the defaults',
    (optimizer, _, load) => {
      load();
      for (const group of optimizer.paramGroups) refill(group, optimizer.defaults);
    },
  ),
  loads(
    'missing-options-kept',
    'options that a loaded group lacks stayed as they were',
    (optimizer, _, load) => {
      const own = optimizer.paramGroups;
      load();
      optimizer.paramGroups.forEach((group, i) => refill(group, own[i]!));
    },
  ),
  loads(
    'foreign-keys-not-loaded',
    'keys of a group that are no options were not loaded',
    (optimizer, _, load) => {
      load();
      const known = new Set([...Object.keys(optimizer.defaults), 'params', 'paramNames']);
      for (const group of optimizer.paramGroups) {
        for (const key of Object.keys(group)) if (!known.has(key)) delete group[key];
      }
    },
  ),
  loads(
    'group-count-unchecked',
    'groups that a state dict has too many were ignored',
    (optimizer, dict, load) => {
      const groups = dict.param_groups;
      if (Array.isArray(groups)) groups.length = Math.min(groups.length, optimizer.paramGroups.length);
      load();
    },
  ),
  defined('later-options-not-added', 'options of later versions were not added to a loaded group', {
    Adadelta: { ...adadelta, addedOnLoad: {} },
    SGD: { ...sgd, addedOnLoad: {} },
  }),
];

/** The groups of a state dict that has the form of one. */
function eachGroup(
  dict: StateDict,
  visit: (group: StateDict['param_groups'][number], index: number) => void,
): void {
  const groups: unknown = dict.param_groups;
  if (!Array.isArray(groups)) return;
  (groups as StateDict['param_groups']).forEach((group, i) => Array.isArray(group.params) && visit(group, i));
}

/** Every parameter that has got state, its entry, and what the entry was made of. */
function eachLoaded(
  optimizer: Optimizer<object>,
  { param_groups, state }: StateDict,
  visit: (parameter: Parameter, live: StateEntry, saved: StateEntry) => void,
): void {
  const ids = param_groups.flatMap(({ params }) => params);
  const parameters = optimizer.paramGroups.flatMap(({ params }) => params);
  const byId = new Map(ids.map((id, i) => [id, parameters[i]]));
  for (const [id, saved] of state) {
    const parameter = byId.get(id);
    const live = parameter && optimizer.state.get(parameter);
    if (live !== undefined) visit(parameter!, live, saved);
  }
}

/** The ids that our parameters have in a state dict of ours, by group. */
function idsOf({ paramGroups }: Optimizer<object>): StateId[][] {
  const all = paramGroups.flatMap(({ params }) => params);
  return paramGroups.map(({ params }) => params.map((parameter) => all.lastIndexOf(parameter)));
}

/** Loads without disposing the state that was there, and gives that. */
function keepingState(optimizer: Optimizer<object>, load: () => void): State {
  const own = optimizer.state;
  optimizer.state = new Map();
  try {
    load();
  } catch (error) {
    optimizer.state = own;
    throw error;
  }
  return own;
}

function dispose(entry: StateEntry): void {
  for (const value of Object.values(entry)) if (isDeviceTensor(value)) value.dispose();
}

function numeral(id: StateId): StateId {
  return typeof id === 'string' && /^\d+$/.test(id) ? Number(id) : id;
}

function replace(entry: StateEntry, key: string, value: unknown): void {
  if (isDeviceTensor(entry[key])) entry[key].dispose();
  entry[key] = value;
}

function refill(group: ParamGroup<object>, from: object): void {
  for (const [key, value] of Object.entries(from)) if (!(key in group)) group[key] = value;
}
