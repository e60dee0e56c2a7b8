import {
  Optimizer,
  PythonNumber,
  type Definition,
  type ParamGroupInit,
  type ParamsArgument,
} from 'torch-parity';
import { adadelta, sgd } from './definitions.ts';
import { mixed, type Fault, type OptimizerClass } from './fault.ts';

/** Faults of groups: what they take over, and whose options a step uses. */
export const groupFaults: readonly Fault[] = [
  adds('group-options-dropped', 'options of a group were dropped', (_, { params }, add) => add({ params })),
  adds(
    'group-keys-dropped',
    'keys of a group that are no options were dropped',
    ({ defaults }, init, add) => {
      const known = Object.entries(init).filter(([key]) => key in defaults || key === 'params');
      add(Object.fromEntries(known) as ParamGroupInit<object>);
    },
  ),
  adds('duplicates-dropped', 'a parameter that is in a group twice were there once', (_, init, add) =>
    add(Array.isArray(init.params) ? { ...init, params: [...new Set(init.params)] } : init),
  ),
  adds('new-group-first', 'a new group came before the others', (optimizer, init, add) => {
    add(init);
    const groups = optimizer.paramGroups;
    optimizer.paramGroups = [...groups.slice(-1), ...groups.slice(0, -1)];
  }),
  adds('new-group-unchecked', 'a new group were not checked against the others', (optimizer, init, add) => {
    const groups = optimizer.paramGroups;
    optimizer.paramGroups = [];
    try {
      add(init);
    } finally {
      optimizer.paramGroups = [...groups, ...optimizer.paramGroups];
    }
  }),
  adds('new-group-resets-state', 'addParamGroup reset the state', (optimizer, init, add) => {
    add(init);
    optimizer.dispose();
  }),
  prepares(
    'defaults-for-all-groups',
    'every group had the options of the constructor',
    ({ defaults }) => defaults,
  ),
  prepares(
    'first-group-for-all',
    'every group had the options of the first one',
    ({ paramGroups }) => paramGroups[0]!,
  ),
];

/** A fault of `addParamGroup`, where the group has the form that it should have. */
function adds(
  name: string,
  claim: string,
  around: (
    optimizer: Optimizer<object>,
    init: ParamGroupInit<object>,
    add: (init: ParamGroupInit<object>) => void,
  ) => void,
): Fault {
  return mixed(
    name,
    claim,
    (base) =>
      class extends base {
        override addParamGroup(init: ParamGroupInit<object>): void {
          const add = (other: ParamGroupInit<object>): void => super.addParamGroup(other);
          if (typeof init === 'object' && init !== null && 'params' in init) around(this, init, add);
          else add(init);
        }
      },
  );
}

/** A fault of where a step takes its options from. */
function prepares(name: string, claim: string, from: (optimizer: Optimizer<object>) => object): Fault {
  const patched = (definition: Definition<object>): OptimizerClass =>
    class extends Optimizer<object> {
      constructor(params: ParamsArgument<object>, given: object = {}) {
        const own = { ...definition };
        super(own, params, given);
        own.prepare = (group) => {
          const others = from(this) as Record<string, unknown>;
          const options = Object.entries(group).map(([key, value]) => [key, plain(others[key]) ?? value]);
          return definition.prepare(Object.fromEntries(options));
        };
      }
    };
  return { name, claim, family: 'structure', table: { Adadelta: patched(adadelta), SGD: patched(sgd) } };
}

function plain(value: unknown): unknown {
  return value instanceof PythonNumber ? value.value : value;
}
