import * as fc from 'fast-check';
import type { Options } from '../program.ts';
import { float, type Value } from '../value.ts';
import type { Temper } from './values.ts';

/** The values of one option. A constructor takes those of a temper; a group, which nothing validates, `unchecked`. */
export type OptionValues = Record<Temper | 'unchecked', fc.Arbitrary<Value>>;

/** By torch's name of the option. */
export type OptionTable = Record<string, OptionValues>;

/** Some floats, to choose from. */
export function floats(...values: number[]): fc.Arbitrary<Value> {
  return fc.constantFrom(...values.map(float));
}

/** Two digits and an exponent: short to read, long in bits, and log-uniform from 10^min to 10^(max + 1). */
export function decimal(min: number, max: number): fc.Arbitrary<Value> {
  return fc
    .tuple(fc.integer({ min: 10, max: 99 }), fc.integer({ min, max }))
    .map(([digits, exponent]) => float(Number(`${digits}e${exponent - 1}`)));
}

/** One of these; where it shrinks, the first, which is the simplest. */
export function either<T>(...choices: [weight: number, arbitrary: fc.Arbitrary<T>][]): fc.Arbitrary<T> {
  return fc.oneof(
    { withCrossShrink: true },
    ...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })),
  );
}

/**
 * An option that is a float, from its usual and its extreme legal values. Half of the wild ones are usual still, so that
 * extremes also meet ordinary values.
 */
export function number(usual: fc.Arbitrary<Value>, extreme: fc.Arbitrary<Value>): OptionValues {
  const illegal = floats(-5, 1.5, NaN, -0, -Infinity, -1e-30);
  return {
    usual,
    wild: either([1, usual], [1, extreme]),
    unchecked: either([5, usual], [4, extreme], [1, illegal]),
  };
}

/** An option that takes few values, all of them harmless. */
export function flag(...values: Value[]): OptionValues {
  const any = fc.constantFrom(...values);
  return { usual: any, wild: any, unchecked: any };
}

/**
 * A value under a key that the optimizer does not know. torch keeps it and gives it back.
 *
 * No tuples and dicts, which have no plain spelling in JavaScript.
 */
export const foreign: fc.Arbitrary<Value> = fc.letrec<{ value: Value; list: Value[] }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 2 },
    fc.constantFrom<Value>(null, true, false, 0, 3, -7, { int: '9007199254740993' }),
    floats(1, 0.5, 1e-5, 1e16, 0.1, NaN, -Infinity, -0),
    fc.constantFrom('', 'warm-up', "it's", 'a\nb'),
    tie('list'),
    tie('list').map((items): Value => ({ tuple: items })),
  ),
  list: fc.array(tie('value'), { maxLength: 3 }),
})).value;

/** Any subset of a constructor's options, in any order. */
export function constructorOptions(table: OptionTable, temper: Temper): fc.Arbitrary<Options> {
  const entries = Object.entries(table).map(([key, values]) => fc.tuple(fc.constant(key), values[temper]));
  const each = entries.map((entry) => fc.option(entry, { nil: undefined, freq: 2 }));
  return fc.tuple(fc.nat(each.length), ...each).map(([turn, ...list]) => {
    const turned = [...list.slice(turn), ...list.slice(0, turn)];
    return turned.filter((entry) => entry !== undefined);
  });
}

/** One option as a group would have it. */
export function groupOption(table: OptionTable, temper: Temper): fc.Arbitrary<[key: string, value: Value]> {
  const own = Object.entries(table).map(([key, values]) =>
    fc.tuple(fc.constant(key), temper === 'usual' ? values.usual : values.unchecked),
  );
  return fc.oneof(...own, fc.tuple(fc.constantFrom('initial_lr', 'max_lr', 'note'), foreign));
}

/** Options of a group: few of the optimizer's own, and keys that it does not know. */
export function groupOptions(table: OptionTable, temper: Temper): fc.Arbitrary<Options> {
  return fc.uniqueArray(groupOption(table, temper), { maxLength: 3, selector: ([key]) => key });
}
