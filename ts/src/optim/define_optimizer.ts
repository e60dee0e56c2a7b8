import type { EngineOption } from '../engine/engine.ts';
import { checkDefinition } from './check_definition.ts';
import { checkDescription, describedWrongly } from './check_description.ts';
import type { Definition, Option, Prepared } from './definition.ts';
import type { Defaults, Description, NamesOf, OptionsOf, StateTable } from './description.ts';
import { Optimizer } from './optimizer.ts';
import { optionFor } from './options.ts';
import type { ParamsArgument } from './param_group.ts';
import { TorchTypeError } from '../errors.ts';
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

type AnyDescription = Description<Defaults, StateTable, string, string>;

/** A description with everything that it leaves open. */
function complete(description: AnyDescription): Definition<object> {
  const { name, state, validate = () => {}, check, addedOnLoad = {} } = description;
  const options = Object.fromEntries(
    Object.entries(description.options).map(([key, value]) => [key, optionFor(name, key, value)]),
  );
  const named = (kind: string): string[] => Object.keys(state).filter((key) => state[key] === kind);
  const prepare = preparation(description, options);
  const defaults = Object.entries(options).map(([key, option]) => [key, option.default]);
  const prepared = preparedOnce(name, () => prepare(Object.fromEntries(defaults)));
  const [scalars, flags] = [Object.keys(prepared.scalars), Object.keys(prepared.flags)];
  // In new objects, always alike: what a description gives may be one object for every group.
  const prepareAlike = (given: object, step?: number): Prepared => {
    const prepared = prepare(given, step);
    return {
      scalars: typed<number>(name, 'scalar', 'number', scalars, prepared.scalars),
      flags: typed<boolean>(name, 'flag', 'boolean', flags, prepared.flags),
    };
  };
  prepareAlike(Object.fromEntries(defaults));
  return {
    ...{ name, options, addedOnLoad, validate },
    ...{ countsSteps: 'step' in state, zeros: named('zeros'), lazy: named('lazy') },
    ...(check && { check }),
    ...{ scalars, flags },
    takesComplex: false, // until its kernels are known
    preparesEachStep: (description.prepare?.length ?? 0) > 1,
    ...{ prepare: prepareAlike, update: description.update },
  } as Definition<object>;
}

function preparedOnce(name: string, prepare: () => Prepared): Prepared {
  try {
    return prepare();
  } catch (error) {
    if (error instanceof TorchTypeError) throw error;
    throw describedWrongly(
      name,
      `prepare fails on the defaults (${String(error)}): it must take any legal options`,
    );
  }
}

/** What prepares an update, by options that the description leaves to stand for themselves where it does. */
function preparation(
  { prepare }: AnyDescription,
  options: Readonly<Record<string, Option<unknown>>>,
): (options: object, step?: number) => Prepared {
  const ofType = (type: string): string[] =>
    Object.keys(options).filter((key) => options[key]!.type === type);
  const [floats, bools] = [ofType('float'), ofType('bool')];
  return (given, step = 1) => {
    const prepared: Partial<Prepared> = prepare?.(given as never, step) ?? {};
    const scalars = prepared.scalars ?? (pick(given, floats) as Record<string, number>);
    const flags = prepared.flags ?? (pick(given, bools) as Record<string, boolean>);
    return { scalars, flags };
  };
}

function pick(from: object, names: readonly string[]): object {
  return Object.fromEntries(names.map((name) => [name, (from as Record<string, unknown>)[name]]));
}

/** @throws TypeError where the values are not those that the defaults have, or not of the type */
function typed<V>(
  name: string,
  kind: string,
  type: string,
  keys: readonly string[],
  values: Readonly<Record<string, unknown>>,
): Record<string, V> {
  const wrong = (key: string, expected: string): Error =>
    describedWrongly(name, `prepare gives ${String(values[key])} for the ${kind} ${key}: ${expected}`);
  const result: Record<string, V> = {};
  for (const key of keys) {
    if (typeof values[key] !== type) throw wrong(key, `a ${type}`);
    result[key] = values[key] as V;
  }
  for (const key in values) if (!(key in result)) throw wrong(key, 'none, as for the defaults');
  return result;
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
