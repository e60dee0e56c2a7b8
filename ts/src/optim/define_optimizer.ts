import type { EngineOption } from '../engine/engine.ts';
import { checkDefinition } from './check_definition.ts';
import { checkDescription } from './check_description.ts';
import type { Definition } from './definition.ts';
import type { Defaults, Description, NamesOf, OptionsOf, StateTable } from './description.ts';
import { Optimizer } from './optimizer.ts';
import { optionFor } from './options.ts';
import type { ParamsArgument } from './param_group.ts';
import { preparation, type AnyDescription } from './preparation.ts';
import type { PythonNumber } from '../python/number.ts';

/** A class of optimizers, as torch.optim has them. */
export interface OptimizerClass<
  Options extends object,
  Scalars extends string = string,
  Flags extends string = string,
  State extends string = string,
  Lazy extends string = string,
> {
  /**
   * @param params - parameters, (name, parameter) pairs, or groups with options of their own
   * @throws ValueError, TypeError with torch's words for what torch refuses; RuntimeError where engine 'fused' cannot be had
   */
  new (params: ParamsArgument<Options>, options?: Partial<Options> & EngineOption): Optimizer<Options>;
  readonly prototype: Optimizer<Options>;
  /** What it is made of. */
  readonly definition: Definition<Options, Scalars, Flags, State, Lazy>;
}

/**
 * Makes a class of optimizers, with all that torch's have: groups, hooks, state dicts, both engines. Adadelta and SGD are
 * made so.
 *
 *     export const SignSGD = defineOptimizer({
 *       name: 'SignSGD',
 *       options: { lr: 1e-3 },
 *       state: {},
 *       prepare: ({ lr }) => ({ scalars: { minusLr: -lr } }),
 *       update: (o, { param, grad }, { minusLr }) => ({ param: o.add(param, o.sign(grad), minusLr) }),
 *     });
 *     const optimizer = new SignSGD(params, { lr: 0.01 });
 *
 * The fused engine compiles it when the first one is made, where there is g++, and keeps that for later processes.
 *
 * @throws TypeError that says what is wrong with the description
 */
export function defineOptimizer<
  const D extends Defaults,
  const Table extends StateTable,
  Scalars extends string = NamesOf<D, number | PythonNumber>,
  Flags extends string = NamesOf<D, boolean>,
>(
  description: Description<D, Table, Scalars, Flags>,
): OptimizerClass<OptionsOf<D>, Scalars, Flags, NamesOf<Table, 'zeros'>, NamesOf<Table, 'lazy'>> {
  checkDescription(description);
  const definition = complete(description as unknown as AnyDescription);
  const kernels = [...checkDefinition(definition).values()];
  const takesComplex = kernels.every(({ dtypes }) => dtypes.includes('complex64'));
  return classOf({ ...definition, takesComplex }) as never;
}

/** A description with everything that it leaves open. */
function complete(description: AnyDescription): Definition<object> {
  const { name, state, validate = () => {}, check, addedOnLoad = {} } = description;
  const options = Object.fromEntries(
    Object.entries(description.options).map(([key, value]) => [key, optionFor(name, key, value)]),
  );
  const named = (kind: string): string[] => Object.keys(state).filter((key) => state[key] === kind);
  return {
    ...{ name, options, addedOnLoad, validate },
    ...{ countsSteps: 'step' in state, zeros: named('zeros'), lazy: named('lazy') },
    ...(check && { check }),
    takesComplex: false, // until its kernels are known
    ...preparation(description, options),
    update: description.update,
  } as Definition<object>;
}

function classOf(definition: Definition<object>): OptimizerClass<object> {
  const named = {
    [definition.name]: class extends Optimizer<object> {
      static readonly definition: Definition<object> = definition;

      constructor(params: ParamsArgument<object>, options: object = {}) {
        super(definition, params, options);
      }
    },
  };
  return named[definition.name]!;
}
