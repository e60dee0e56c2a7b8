import * as tf from '@tensorflow/tfjs-core';
import { KeyError, TorchTypeError, ValueError } from '../errors.ts';
import { copyEntry, isPlainObject } from '../python/copy.ts';
import { typeName } from '../python/repr.ts';
import { atenNames } from '../torch_names.ts';
import { warn } from '../warn.ts';
import type { Definition } from './definition.ts';
import { checkSpelling, copyOption } from './options.ts';
import { Parameter, parameterOf } from './parameter.ts';

/** What stands for one parameter: itself, a tf.Variable, or either with a name. */
export type ParameterLike = Parameter | tf.Variable;
export type NamedParameter = readonly [name: string, parameter: ParameterLike];

/** A group as a caller writes it: its parameters, options of its own, and any other keys, which are kept. */
export type ParamGroupInit<Options extends object> = Partial<Options> & {
  params: ParameterLike | Iterable<ParameterLike | NamedParameter>;
  [key: string]: unknown;
};

/** A group of a live optimizer. Changing an option here changes the next step. */
export type ParamGroup<Options extends object> = Options & {
  params: Parameter[];
  paramNames?: string[];
  [key: string]: unknown;
};

/** What an optimizer's constructor takes first. */
export type ParamsArgument<Options extends object> = Iterable<
  ParameterLike | NamedParameter | ParamGroupInit<Options>
>;

/** The groups of a constructor's first argument: as they are, or one around a plain list of parameters. */
export function groupsOf(params: unknown): unknown[] {
  if (params instanceof Parameter || params instanceof tf.Tensor) {
    throw new TorchTypeError(
      'BARE_TENSOR',
      'params argument given to the optimizer should be an iterable of Tensors or dicts, but got ' +
        `torch.${atenNames[params.dtype] ?? 'Float'}Tensor`,
    );
  }
  if (params instanceof Set) warn('FutureWarning', `${unordered} This will be an error in a future release.`);
  const groups = listOf(params);
  if (groups.length === 0) throw new ValueError('EMPTY', 'optimizer got an empty parameter list');
  return isPlainObject(groups[0]) ? groups : [{ params: groups }];
}

/**
 * A new group, checked as torch checks it and filled with defaults. The caller's object is left alone.
 *
 * @param defaults - the optimizer's, by our names
 */
export function makeGroup(
  definition: Definition<object>,
  defaults: object,
  init: unknown,
): ParamGroup<object> {
  if (!isPlainObject(init)) {
    throw new TorchTypeError('NOT_A_GROUP', `param_group must be a dict, but got ${pythonClass(init)}`);
  }
  const group: Record<string, unknown> = { params: [] };
  for (const key of Object.keys(init)) {
    if (key === 'params' || init[key] === undefined) continue;
    checkSpelling(definition, key);
    copyOption(definition, init, key, group);
  }
  const { params, names } = parametersOf(init);
  group.params = params;
  if (names.length > 0) group.paramNames = names;
  for (const name of Object.keys(defaults)) {
    if (!(name in group)) copyEntry(defaults, name, group);
  }
  if (new Set(params).size !== params.length) {
    warn(
      'UserWarning',
      'optimizer contains a parameter group with duplicate parameters; in future, this will cause an error; see ' +
        'github.com/pytorch/pytorch/issues/40967 for more information',
    );
  }
  return group as ParamGroup<object>;
}

/** What torch checks of a new group against those that are there. */
export function checkAgainst(groups: readonly ParamGroup<object>[], group: ParamGroup<object>): void {
  for (const other of groups) {
    if ('paramNames' in group !== 'paramNames' in other) {
      throw new ValueError(
        'NAMES',
        'all optimizer param groups should be with/without names. cannot add param group ' +
          `${'paramNames' in group ? 'with names' : 'without names'} to the optimizer`,
      );
    }
  }
  const taken = new Set(groups.flatMap(({ params }) => params));
  if (group.params.some((parameter) => taken.has(parameter))) {
    throw new ValueError('DUPLICATE_PARAMETER', 'some parameters appear in more than one parameter group');
  }
}

const unordered =
  'optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets will change ' +
  'between runs. Please use a list instead.';

function parametersOf(init: Record<string, unknown>): { params: Parameter[]; names: string[] } {
  if (!('params' in init)) throw new KeyError('NO_PARAMS', "'params'");
  const argument = init.params;
  if (argument instanceof Set) throw new TorchTypeError('UNORDERED', unordered);
  const single = argument instanceof Parameter || argument instanceof tf.Tensor;
  const items = single ? [argument] : listOf(argument);
  const names: string[] = [];
  const values = items.map((item) => {
    if (!isNamed(item)) return item;
    names.push(item[0]);
    return item[1];
  });
  if (names.length > 0 && names.length < values.length) {
    throw new ValueError(
      'NAMES',
      'all optimizer params should be with/without names. Some param names are missing',
    );
  }
  return { params: values.map(parameterFrom), names };
}

function isNamed(item: unknown): item is [string, unknown] {
  return Array.isArray(item) && item.length === 2 && typeof item[0] === 'string';
}

function parameterFrom(value: unknown): Parameter {
  if (value instanceof Parameter) return value;
  if (value instanceof tf.Variable) return parameterOf(value);
  const message = `optimizer can only optimize Tensors, but one of the params is ${typeName(value)}`;
  const cure = value instanceof tf.Tensor ? ': wrap it, new Parameter(tensor)' : '';
  throw new TorchTypeError('NOT_A_PARAMETER', message + cure);
}

function listOf(value: unknown): unknown[] {
  if (
    typeof value === 'string' ||
    (typeof value === 'object' && value !== null && Symbol.iterator in value)
  ) {
    return Array.from(value as Iterable<unknown>);
  }
  throw new TorchTypeError('NOT_ITERABLE', `'${typeName(value)}' object is not iterable`);
}

function pythonClass(value: unknown): string {
  return `<class '${value instanceof Parameter ? 'torch.nn.parameter.Parameter' : typeName(value)}'>`;
}
