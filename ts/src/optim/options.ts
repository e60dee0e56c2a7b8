import { KeyError, TorchTypeError, ValueError } from '../errors.ts';
import { Tuple } from '../python/collections.ts';
import { copyEntry } from '../python/copy.ts';
import { put, pyInt, PythonNumber } from '../python/number.ts';
import { repr, typeName } from '../python/repr.ts';
import type { Definition, Option } from './definition.ts';

/**
 * The option of this name and default.
 *
 * @throws TypeError for a name or a default that no option can have
 */
export function optionFor(optimizer: string, name: string, value: unknown): Option<unknown> {
  const wrong = (problem: string): Error =>
    new TorchTypeError('DEFINITION', `${optimizer} cannot be defined, since its option ${name} ${problem}`);
  if (!/^[a-z][A-Za-z0-9]*$/.test(name))
    throw wrong('must be named in camelCase; state dicts have it in snake_case');
  if (groupKeys.has(name) || name === 'engine' || name in {})
    throw wrong('has a name that every optimizer uses: give it another');
  const key = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  if (value instanceof PythonNumber) {
    return { key, default: value.value, type: 'float', ...(value.type === 'int' && { intDefault: true }) };
  }
  if (typeof value === 'number') return { key, default: value, type: 'float' };
  if (typeof value === 'boolean') return { key, default: value, type: 'bool' };
  if (value === null) return { key, default: value, type: 'bool or None' };
  if (Array.isArray(value) && value.every((each) => typeof each === 'number')) {
    return { key, default: value, type: 'floats' };
  }
  throw wrong(`has the default ${repr(value)}: a number, an array of numbers, true, false or null`);
}

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
    copyOption(definition, given[name] === undefined ? { [name]: standard } : given, name, defaults);
    checkType(name, option, defaults[name]);
  }
  definition.validate(Object.freeze({ ...defaults }));
  for (const name of Object.keys(defaults)) {
    if ([defaults[name]].flat().some(Number.isNaN)) {
      throw new ValueError('INVALID_OPTION', `${name} is NaN: it must be a number`);
    }
  }
  return defaults;
}

/** Copies an entry of a group as a caller writes it: a number is a float in an option, and an array a tuple of them. */
export function copyOption(definition: Definition<object>, from: object, name: string, to: object): void {
  const value = (from as Record<string, unknown>)[name];
  const option = optionOf(definition, name);
  if (option?.type === 'floats' && Array.isArray(value)) {
    const tuple = new Tuple();
    for (const index of Object.keys(value)) copyEntry(value, index, tuple, { otherwise: 'float' });
    put(to, name, tuple);
  } else copyEntry(from, name, to, { otherwise: option && 'float' });
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
    const value = Array.isArray(held) ? held.map(plain) : plain(held);
    if (value === undefined) throw new KeyError('MISSING_OPTION', `'${option.key}'`);
    checkType(name, option, value);
    options[name] = value;
  }
  return Object.freeze(options);
}

function plain(value: unknown): unknown {
  return value instanceof PythonNumber ? value.value : value;
}

function checkType(name: string, { type, default: standard }: Option<unknown>, value: unknown): void {
  if (type === 'float') {
    if (typeof value !== 'number') {
      throw new TorchTypeError('OPTION_TYPE', `${name} must be a number, but got ${typeName(value)}`);
    }
  } else if (type === 'floats') {
    const { length } = standard as readonly number[];
    if (!Array.isArray(value) || value.length !== length || value.some((each) => typeof each !== 'number')) {
      const got = Array.isArray(value) ? repr(value) : typeName(value);
      throw new TorchTypeError('OPTION_TYPE', `${name} must be ${length} numbers, but got ${got}`);
    }
  } else if (typeof value !== 'boolean' && !(type === 'bool or None' && value === null)) {
    const allowed = type === 'bool' ? 'true or false' : 'true, false or null';
    throw new TorchTypeError('OPTION_TYPE', `${name} must be ${allowed}, but got ${typeName(value)}`);
  }
}
