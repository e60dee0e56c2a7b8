import * as fc from 'fast-check';
import type { Definition } from 'torch-parity';
import type { Options } from '../program.ts';
import { float, toNumber, type Value } from '../value.ts';
import type { OptimizerSpec } from './optimizers.ts';
import { decimal, either, flag, floats, type OptionTable, type OptionValues } from './options.ts';

interface Option {
  key: string;
  default: unknown;
  type: 'float' | 'floats' | 'bool' | 'bool or None';
}

/**
 * What the generators can know of any optimizer, by its definition alone. Which numbers are legal its `validate` says;
 * the other side has to agree.
 */
export function specOf(definition: Definition<object>): OptimizerSpec {
  const { name, zeros, lazy, countsSteps } = definition;
  const table = Object.entries(definition.options as Record<string, Option>);
  const isLegal = (options: Options): boolean => isAccepted(definition, table, options);
  const valuesOf = (option: Option): OptionValues => {
    const values = anyValues(option);
    const legal = (from: fc.Arbitrary<Value>): fc.Arbitrary<Value> =>
      from.filter((value) => isLegal([[option.key, value]]));
    const [usual, wild] = [legal(values.usual), legal(values.wild)];
    return { usual, wild, unchecked: wild };
  };
  const options: OptionTable = Object.fromEntries(table.map(([, option]) => [option.key, valuesOf(option)]));
  const restored = Object.keys(definition.addedOnLoad).map((key) => keyOf(table, key));
  const defaults = table.map(([, option]): [string, Value] => [option.key, valueOf(option.default)]);
  return {
    ...{ name, options, restored },
    defaults: Object.fromEntries(defaults.filter(([key]) => !restored.includes(key))),
    // Each is kept that goes with those before it.
    legal: (given) =>
      given.reduce<Options>((kept, option) => (isLegal([...kept, option]) ? [...kept, option] : kept), []),
    refused: table.flatMap(([, { key, default: standard, type }]) => {
      if (type !== 'float' && type !== 'floats') return [];
      const illegal = [-1, 2, NaN].map((value) => everywhere(standard, value));
      return illegal.map((value): Options => [[key, value]]).filter((refused) => !isLegal(refused));
    }),
    stateTensors: [...zeros, ...lazy],
    // The other side need not have what torch's own have: a __setstate__ for older files, and refusals of their own.
    refusesPartialState: lazy.length === 0 && (zeros.length > 0 || countsSteps),
    realOnly: !definition.takesComplex,
    refusesSparse: false,
    gradientFor: () => NaN,
  };
}

/** The values of an option, legal or not. */
function anyValues({ key, default: standard, type }: Option): OptionValues {
  if (type === 'float') return numbers(standard as number);
  if (type === 'floats') {
    const each = (standard as readonly number[]).map(numbers);
    const tuple = (temper: keyof OptionValues): fc.Arbitrary<Value> =>
      fc.tuple(...each.map((values) => values[temper])).map((items) => ({ tuple: items }));
    return { usual: tuple('usual'), wild: tuple('wild'), unchecked: tuple('unchecked') };
  }
  // What a step with true refuses here, and what stands for a choice between equal ways.
  if (key === 'differentiable' || key === 'capturable') return flag(false);
  if (key === 'fused') return flag(null);
  return type === 'bool' ? flag(false, true) : flag(null, false, true);
}

/** Numbers around a default, and for the wild ones far from it. A factor between 0 and 1 comes near to 1, too. */
function numbers(standard: number): OptionValues {
  const exponent = standard === 0 ? -2 : Math.floor(Math.log10(Math.abs(standard)));
  const isFactor = standard >= 0.5 && standard < 1;
  const usual = either(
    [1, floats(standard)],
    [2, decimal(exponent - 2, exponent)],
    ...(isFactor ? [[2, floats(0.5, 0.95, 0.99, 0.999)] as [number, fc.Arbitrary<Value>]] : []),
  );
  const extreme = either([2, floats(0, 1, 0.5, 1e-45, 1e-10, 1 - 2 ** -53)], [1, decimal(-12, 6)]);
  const wild = either([1, usual], [1, extreme]);
  return { usual, wild, unchecked: wild };
}

/** Whether the constructor takes these options. */
function isAccepted(
  { validate }: Definition<object>,
  table: readonly [name: string, option: Option][],
  options: Options,
): boolean {
  const given = new Map(options);
  const read = table.map(([name, { key, default: standard }]) => [
    name,
    given.has(key) ? plain(given.get(key)!) : standard,
  ]);
  try {
    validate(Object.fromEntries(read));
    return true;
  } catch {
    return false;
  }
}

function keyOf(table: readonly [name: string, option: Option][], name: string): string {
  return table.find(([other]) => other === name)![1].key;
}

function valueOf(standard: unknown): Value {
  if (typeof standard === 'number') return float(standard);
  return Array.isArray(standard) ? { tuple: standard.map(valueOf) } : (standard as boolean | null);
}

/** A number, or a tuple of as many as the default has. */
function everywhere(standard: unknown, value: number): Value {
  return valueOf(Array.isArray(standard) ? standard.map(() => value) : value);
}

function plain(value: Value): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return 'tuple' in value ? value.tuple.map(plain) : toNumber(value);
}
