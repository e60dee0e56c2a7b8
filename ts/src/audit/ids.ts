import { rememberKey } from '../python/number.ts';
import { idsOf } from '../inspect/optimizers.ts';
import { keyText, typeOf, valueText } from '../inspect/python_value.ts';
import { countText } from '../inspect/quantity.ts';
import { few, type Finding } from './finding.ts';
import { keepsState, slotText, type Subject } from './subject.ts';

/** The keys of `state` against the ids in `params`. */
export function* auditIds(subject: Subject): Generator<Finding> {
  yield* misspeltIds(subject);
  yield* orphans(subject);
  yield* duplicates(subject);
  yield* missing(subject);
  yield* order(subject);
}

function* misspeltIds({ state, statePath, slots, misspelt }: Subject): Generator<Finding> {
  if (misspelt.size === 0) return;
  const [[key, id]] = misspelt as unknown as [[unknown, unknown]];
  const keys = Array.from(misspelt.keys(), (key) => keyText(state, key));
  const withState = slots.filter(({ id }) => state.has(id)).length;
  yield {
    code: 'string-ids',
    severity: 'error',
    path: statePath,
    found: `${countText(misspelt.size, 'key')} of type ${typeOf(key)}, where params has ids of type ${typeOf(id)}: ${few(keys)}`,
    consequence:
      'load_state_dict finds no parameter for them and raises nothing: ' +
      `${withState === 0 ? 'the state is empty' : 'their state is missing'}, and training starts its moments and steps anew`,
    remedy: `they become ids of type ${typeOf(id)}`,
    repair: () => {
      const entries = [...state];
      state.clear();
      for (const [key, entry] of entries) {
        const id = misspelt.has(key) ? misspelt.get(key) : key;
        if (typeof id === 'number' && misspelt.has(key)) rememberKey(state, { type: 'int', value: id });
        state.set(id, entry);
      }
    },
  };
}

function* orphans({ state, statePath, orphans }: Subject): Generator<Finding> {
  if (orphans.length === 0) return;
  yield {
    code: 'orphan-state',
    severity: 'warning',
    path: statePath,
    found: `state for ${few(orphans.map((key) => keyText(state, key)))}, which no group has in its params`,
    consequence: 'load_state_dict raises nothing, and gives it to no parameter',
    cure: 'save state and param_groups of the same optimizer, and give state the ids that params has',
  };
}

function* duplicates({ groups, slots, groupsPath }: Subject): Generator<Finding> {
  const lists = [...repeated(groups.map(idsOf))];
  const twice = new Set([...repeated(slots.map(({ id }) => id)), ...lists.flat()]);
  if (twice.size === 0) return;
  yield {
    code: 'duplicate-ids',
    severity: 'error',
    path: groupsPath,
    found: `${few(Array.from(twice, (id) => valueText(id)))} more than once in params`,
    consequence:
      'load_state_dict raises nothing: the last parameter of an id takes its state, the others have none',
    cure: 'give every parameter an id of its own, counting from 0 through all groups',
  };
}

function repeated<T>(values: T[]): Set<T> {
  const once = new Set<T>();
  const twice = new Set<T>();
  for (const value of values) (once.has(value) ? twice : once).add(value);
  return twice;
}

function* missing({ slots, statePath, state }: Subject): Generator<Finding> {
  const without = slots.filter((slot) => slot.state === undefined && keepsState(slot));
  if (state.size === 0 || without.length === 0) return;
  yield {
    code: 'missing-state',
    severity: 'warning',
    path: statePath,
    found: `no state for ${few(without.map(slotText))}, of ${countText(slots.length, 'parameter')}`,
    consequence:
      'load_state_dict raises nothing, and their moments and steps start anew at the next gradient',
    cure: 'this is right for parameters that never had a gradient; otherwise their state was lost when the file was written',
  };
}

function* order({ slots, groupsPath }: Subject): Generator<Finding> {
  const at = slots.findIndex(({ id }, i) => id !== i);
  // Torch before 1.6 wrote the addresses of parameters.
  if (at === -1 || !slots.every(({ id }) => typeof id === 'number' && id < 2 ** 31)) return;
  if (new Set(slots.map(({ id }) => id)).size !== slots.length) return; // found already
  yield {
    code: 'id-order',
    severity: 'warning',
    path: groupsPath,
    found: `ids that do not count up from 0: ${valueText(slots[at]?.id)} stands where ${at} would, of ${countText(slots.length, 'parameter')}`,
    consequence:
      'torch writes them counting up, and load_state_dict zips them with the actual parameters in order: where equal ' +
      'shapes changed places, each goes on with the moments of another',
    cure: 'see that params lists the ids in the order of the parameters; with --model, shapes are compared',
  };
}
