import { KeyError, TorchTypeError, ValueError } from '../errors.ts';
import { copyEntry } from '../python/copy.ts';
import { pyInt, PythonNumber } from '../python/number.ts';
import { typeName } from '../python/repr.ts';
import type { Definition, Option } from './definition.ts';

/** Keys of a group that are not options of any one optimizer. */
const groupKeys: ReadonlyMap<string, string> = new Map([
  ['params', 'params'],
  ['paramNames', 'param_names'],
]);

/** torch's name for a key of a group; a key that is not ours stays as it is. */
export function torchKey(definition: Definition<object>, name: string): string {
  return optionOf(definition, name)?.key ?? groupKeys.get(name) ?? name;
}

/**
 * Our name for a key of a saved group.
 *
 * @throws TypeError for a foreign key that is our name of another: it could not be kept beside that
 */
export function ourKey(definition: Definition<object>, key: string): string {
  const names = [...Object.keys(definition.options), ...groupKeys.keys()];
  const name = names.find((other) => torchKey(definition, other) === key);
  if (name === undefined && names.includes(key)) {
    const meant = torchKey(definition, key);
    throw new TorchTypeError(
      'SPELLING',
      `a saved group has the key ${key}: rename it, to ${meant} if that is meant`,
    );
  }
  return name ?? key;
}

/** The entry of an option in the optimizer's table. */
export function optionOf(definition: Definition<object>, name: string): Option<unknown> | undefined {
  return Object.hasOwn(definition.options, name)
    ? (definition.options as Record<string, Option<unknown>>)[name]
    : undefined;
}

function entriesOf(definition: Definition<object>): [name: string, option: Option<unknown>][] {
  return Object.entries(definition.options as Record<string, Option<unknown>>);
}

/** @throws TypeError for another spelling of a known option: `weight_decay`, `weightdecay` */
export function checkSpelling(definition: Definition<object>, ...names: string[]): void {
  const unknown = names.filter((name) => !groupKeys.has(name) && optionOf(definition, name) === undefined);
  if (unknown.length === 0) return;
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[_-]/g, '');
  const known = new Map(
    [...Object.keys(definition.options), ...groupKeys.keys()].map((name) => [plain(name), name]),
  );
  for (const name of unknown) {
    const meant = known.get(plain(name));
    if (meant !== undefined) throw new TorchTypeError('SPELLING', `unknown option ${name}: use ${meant}`);
  }
}

/**
 * The defaults of an optimizer: what the constructor was given, and torch's for the rest.
 *
 * @throws TypeError for an unknown option or a value of the wrong type; ValueError for an illegal value
 */
export function makeDefaults(
  definition: Definition<object>,
  given: Readonly<Record<string, unknown>>,
): object {
  for (const name of Object.keys(given)) {
    if (optionOf(definition, name) !== undefined) continue;
    checkSpelling(definition, name);
    throw new TorchTypeError(
      'UNKNOWN_OPTION',
      `${definition.name}.__init__() got an unexpected keyword argument '${name}'; its options are: ` +
        Object.keys(definition.options).join(', '),
    );
  }
  const defaults: Record<string, unknown> = {};
  for (const [name, option] of entriesOf(definition)) {
    const standard = option.intDefault ? pyInt(option.default as number) : option.default;
    copyEntry(given[name] === undefined ? { [name]: standard } : given, name, defaults, {
      otherwise: 'float',
    });
    checkType(name, option, defaults[name]);
  }
  definition.validate(defaults);
  for (const name of Object.keys(defaults)) {
    if (Number.isNaN(defaults[name])) {
      throw new ValueError('INVALID_OPTION', `${name} is NaN: it must be a number`);
    }
  }
  return defaults;
}

/**
 * The options of a group for a step.
 *
 * @throws KeyError for one that is missing, TypeError for a value of the wrong type
 */
export function readOptions(
  definition: Definition<object>,
  group: Readonly<Record<string, unknown>>,
): object {
  checkSpelling(definition, ...Object.keys(group));
  const options: Record<string, unknown> = {};
  for (const [name, option] of entriesOf(definition)) {
    const held = group[name];
    const value = held instanceof PythonNumber ? held.value : held;
    if (value === undefined) throw new KeyError('MISSING_OPTION', `'${option.key}'`);
    checkType(name, option, value);
    options[name] = value;
  }
  return options;
}

function checkType(name: string, { type }: Option<unknown>, value: unknown): void {
  if (type === 'float') {
    if (typeof value !== 'number') {
      throw new TorchTypeError('OPTION_TYPE', `${name} must be a number, but got ${typeName(value)}`);
    }
  } else if (typeof value !== 'boolean' && !(type === 'bool or None' && value === null)) {
    const allowed = type === 'bool' ? 'true or false' : 'true, false or null';
    throw new TorchTypeError('OPTION_TYPE', `${name} must be ${allowed}, but got ${typeName(value)}`);
  }
}
