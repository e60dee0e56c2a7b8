import {
  pyFloat,
  pyInt,
  pythonTypeOf,
  TensorData,
  type Closure,
  type SavedGroup,
  type StateDict,
  type StateEntry,
} from 'torch-parity';
import { mixed, saves, type Fault } from './fault.ts';
import { isDeviceTensor, readTensor } from './host.ts';

/** Faults of state dicts that are saved. */
export const savingFaults: readonly Fault[] = [
  saves('ids-as-strings', 'ids were strings (as the keys of an object are)', (dict) => {
    for (const group of dict.param_groups) group.params = group.params.map(String);
    dict.state = new Map(Array.from(dict.state, ([id, entry]) => [String(id), entry]));
  }),
  saves('state-ids-as-strings', 'ids were strings in the state alone', (dict) => {
    dict.state = new Map(Array.from(dict.state, ([id, entry]) => [String(id), entry]));
  }),
  saves('ids-restart-in-groups', 'ids began from 0 in each group', (dict) => {
    const restarted = new Map(
      dict.param_groups.flatMap(({ params }) => params.map((id) => [id, params.indexOf(id)] as const)),
    );
    for (const group of dict.param_groups) group.params = group.params.map((id) => restarted.get(id)!);
    dict.state = new Map(Array.from(dict.state, ([id, entry]) => [restarted.get(id) ?? id, entry]));
  }),
  saves('state-sorted-by-id', 'state were in the order of ids (as the keys of an object are)', (dict) => {
    const rank = (id: unknown): number => (typeof id === 'number' ? id : Infinity);
    dict.state = new Map(
      [...dict.state].toSorted(([a], [b]) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b))),
    );
  }),
  saves('params-first', 'a group began with its params', (dict) => {
    for (const group of dict.param_groups)
      reorder(group, (keys) => ['params', ...keys.filter((key) => key !== 'params')]);
  }),
  saves('keys-sorted', 'the keys of a group were sorted', (dict) => {
    for (const group of dict.param_groups) reorder(group, (keys) => keys.toSorted());
  }),
  saves('names-dropped', 'param_names were not saved', (dict) => {
    for (const group of dict.param_groups) delete group.param_names;
  }),
  saves(
    'foreign-keys-not-saved',
    'keys of a group that are no options were not saved',
    (dict, { defaults }) => {
      const known = new Set([...Object.keys(defaults), 'weight_decay', 'params', 'param_names']);
      for (const group of dict.param_groups) {
        for (const key of Object.keys(group)) if (!known.has(key)) delete group[key];
      }
    },
  ),
  saves('whole-floats-as-ints', 'floats that are whole were ints (as JSON makes them)', (dict) =>
    retype(dict, 'float', (value) => (Number.isInteger(value) ? pyInt(value) : value)),
  ),
  saves('ints-as-floats', 'ints were floats', (dict) => retype(dict, 'int', pyFloat)),
  saves('step-as-int', 'step were saved as an int', (dict) => {
    for (const entry of dict.state.values()) {
      if (entry.step instanceof TensorData) entry.step = pyInt(Number(entry.step.toTypedArray()[0]));
    }
  }),
  saves('state-as-float64', 'state were saved in float64', (dict) => {
    for (const entry of dict.state.values()) {
      for (const [key, value] of Object.entries(entry)) {
        if (key === 'step' || !(value instanceof TensorData) || value.dtype !== 'float32') continue;
        entry[key] = TensorData.from('float64', value.toFloat32Array(), value.shape);
      }
    }
  }),
  saves('entries-for-all', 'a parameter that was never stepped had an empty entry in the state', (dict) => {
    for (const id of dict.param_groups.flatMap(({ params }) => params)) {
      if (!dict.state.has(id)) dict.state.set(id, {});
    }
  }),
  aliased(),
];

function reorder(group: SavedGroup, order: (keys: string[]) => string[]): void {
  const entries = order(Object.keys(group)).map((key) => [key, group[key]] as const);
  // Taken out and put back, so that the numbers keep their Python types, which are remembered beside the object.
  for (const [key] of entries) delete group[key];
  for (const [key, value] of entries) group[key] = value;
}

function retype(dict: StateDict, type: 'int' | 'float', change: (value: number) => unknown): void {
  for (const group of dict.param_groups) {
    for (const [key, value] of Object.entries(group)) {
      if (typeof value === 'number' && pythonTypeOf(group, key) === type) group[key] = change(value);
    }
  }
}

/** Tensors of a state dict that was saved change with every step, as torch's own do until they are copied. */
function aliased(): Fault {
  return mixed(
    'saved-state-aliased',
    'a saved state dict changed with later steps',
    (base) =>
      class extends base {
        readonly #saved: [live: StateEntry, saved: StateEntry][] = [];

        override stateDict(): StateDict {
          const dict = super.stateDict();
          const saved = [...dict.state.values()];
          if (saved.length === this.state.size) {
            [...this.state.values()].forEach((live, i) => this.#saved.push([live, saved[i]!]));
          }
          return dict;
        }

        override step(closure?: Closure): never {
          const loss = closure === undefined ? super.step() : super.step(closure);
          for (const [live, saved] of this.#saved) {
            for (const [key, tensor] of Object.entries(saved)) {
              const bytes = bytesOf(live[key]);
              if (tensor instanceof TensorData && bytes?.length === tensor.bytes.length)
                tensor.bytes.set(bytes);
            }
          }
          return loss as never;
        }
      },
  );
}

function bytesOf(value: unknown): Uint8Array | undefined {
  if (value instanceof TensorData) return value.bytes;
  return isDeviceTensor(value) && !value.isDisposed ? readTensor(value).bytes : undefined;
}
