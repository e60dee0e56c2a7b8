import {
  Adadelta,
  Optimizer,
  optimizers,
  SGD,
  type Closure,
  type Definition,
  type ParamsArgument,
  type StateDict,
} from 'torch-parity';
import type { OptimizerTable } from '../subjects/torch_parity.ts';

/** torch-parity with one thing patched, wrong in a way that a port could really be. */
export interface Fault {
  name: string;
  /** How it behaves: the end of "it behaves as if …". */
  claim: string;
  /** `numeric`: other numbers come out of an update. `structure`: anything else. */
  family: 'numeric' | 'structure';
  table: OptimizerTable;
  /** Where no error bound can show the fault, why that is so; it is then caught bit by bit alone. */
  bitsAlone?: string;
}

/** A class like torch-parity's own. TypeScript asks for `any[]` in the constructor of a mixin and of its base. */
export type OptimizerClass = new (...args: any[]) => Optimizer<object>;

/** Definitions that stand in for torch-parity's own. */
export type Definitions = Partial<Record<keyof typeof optimizers, Definition<object>>>;

/** A fault of the update alone. */
export function numeric(name: string, claim: string, definitions: Definitions): Fault {
  return { name, claim, family: 'numeric', table: tableOf(definitions) };
}

/** A fault of what else a definition says: options, defaults, checks. */
export function defined(name: string, claim: string, definitions: Definitions): Fault {
  return { name, claim, family: 'structure', table: tableOf(definitions) };
}

/** A fault of a method, in every optimizer. */
export function mixed(name: string, claim: string, mix: (base: OptimizerClass) => OptimizerClass): Fault {
  return { name, claim, family: 'structure', table: { Adadelta: mix(Adadelta), SGD: mix(SGD) } };
}

/**
 * A fault of `step`.
 *
 * @param around - is given the optimizer, the step as it should be, and the closure that `step` was called with
 */
export function steps(
  name: string,
  claim: string,
  around: (optimizer: Optimizer<object>, step: (closure?: Closure) => unknown, closure?: Closure) => unknown,
): Fault {
  return mixed(
    name,
    claim,
    (base) =>
      class extends base {
        override step(closure?: Closure): never {
          const step = (inner?: Closure): unknown => (inner === undefined ? super.step() : super.step(inner));
          return around(this, step, closure) as never;
        }
      },
  );
}

/** A fault of `stateDict`: a change of what it should give. */
export function saves(
  name: string,
  claim: string,
  change: (stateDict: StateDict, optimizer: Optimizer<object>) => void,
): Fault {
  return mixed(
    name,
    claim,
    (base) =>
      class extends base {
        override stateDict(): StateDict {
          const stateDict = super.stateDict();
          change(stateDict, this);
          return stateDict;
        }
      },
  );
}

/**
 * A fault of `loadStateDict`.
 *
 * @param around - is given the optimizer, the state dict (the fault's own to change), and what loads it as it should be
 */
export function loads(
  name: string,
  claim: string,
  around: (optimizer: Optimizer<object>, stateDict: StateDict, load: () => void) => void,
): Fault {
  return mixed(
    name,
    claim,
    (base) =>
      class extends base {
        override loadStateDict(stateDict: StateDict): void {
          around(this, stateDict, () => super.loadStateDict(stateDict));
        }
      },
  );
}

/** The optimizers of torch-parity with other definitions. */
export function tableOf(definitions: Definitions): OptimizerTable {
  const classes = Object.entries(definitions).map(([name, definition]) => [name, classOf(definition)]);
  return { ...optimizers, ...Object.fromEntries(classes) };
}

function classOf(definition: Definition<object>): OptimizerClass {
  return class extends Optimizer<object> {
    constructor(params: ParamsArgument<object>, options: object = {}) {
      super(definition, params, options);
    }
  };
}
