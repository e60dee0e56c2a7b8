import * as fc from 'fast-check';
import type { ParameterDType } from '../program.ts';
import { floatFormats, type FloatFormat } from './float_format.ts';

/** `usual`: what training meets, so that the error bound decides. `wild`: the whole of the format. */
export type Temper = 'usual' | 'wild';

/** How many values a tensor is filled from, in turn. A prime, so that no vector width divides it. */
const poolSize = 17;

/** Exponents of moderate values: five decades around 1, whose squares stay far inside the range of float32. */
const moderateExponents = [-12, 4] as const;

/** The share of zeros in a tensor that has many, like the gradient of an embedding. */
const sparseZeros = 0.7;

type Draw = (random: fc.Random, format: FloatFormat) => number;
type Recipe = (random: fc.Random, format: FloatFormat) => number[];

const uint32 = (random: fc.Random) => random.nextInt(0, 0xffffffff);
const unit = (random: fc.Random) => uint32(random) / 2 ** 32;
const sign = (random: fc.Random) => (random.nextInt(0, 1) === 0 ? 1 : -1);

const moderate: Draw = (random) => {
  const fraction = 1 + unit(random) + unit(random) * 2 ** -32;
  return sign(random) * fraction * 2 ** random.nextInt(...moderateExponents);
};

/** Random bits: uniform over the exponents, which is log-uniform over the values. */
const wide: Draw = (random, format) => format.finite(uint32(random), uint32(random));

const subnormal: Draw = (random, format) => {
  const below = 2 ** (unit(random) * format.fractionBits);
  return sign(random) * Math.floor(below) * format.minSubnormal;
};

const special: Draw = (random, format) => {
  const { max, minNormal, minSubnormal, epsilon } = format;
  const magnitudes = [0, 1, epsilon, minNormal, minSubnormal, max, Infinity, NaN];
  return sign(random) * magnitudes[random.nextInt(0, magnitudes.length - 1)]!;
};

/** Small integers and halves, whose arithmetic is exact: what is wrong then is not rounding. */
const round: Draw = (random) => random.nextInt(-16, 16) / 2;

const anything: Draw = (random, format) => {
  const draws = [moderate, wide, special, subnormal];
  return draws[random.nextInt(0, draws.length - 1)]!(random, format);
};

const each =
  (draw: Draw): Recipe =>
  (random, format) =>
    Array.from({ length: poolSize }, () => draw(random, format));

const all =
  (draw: Draw): Recipe =>
  (random, format) => [draw(random, format)];

const sparse: Recipe = (random, format) =>
  Array.from({ length: poolSize }, () => (unit(random) < sparseZeros ? 0 : moderate(random, format)));

/** Values a few places from one another. */
const neighbours: Recipe = (random, format) => {
  const centre = random.nextInt(0, 1) === 0 ? moderate(random, format) : special(random, format);
  return Array.from({ length: poolSize }, () => format.nudge(centre, random.nextInt(-3, 3)));
};

const recipes: Record<Temper, [weight: number, recipe: Recipe][]> = {
  usual: [
    [80, each(moderate)],
    [8, sparse],
    [5, each(round)],
    [4, all(moderate)],
    [3, all(() => 0)],
  ],
  // Half moderate still: where one operand is extreme and the other is not, more can happen than where both are.
  wild: [
    [30, each(moderate)],
    [20, each(wide)],
    [15, each(anything)],
    [10, each(subnormal)],
    [8, neighbours],
    [5, sparse],
    [4, all(wide)],
    [4, all(special)],
    [2, all(() => 0)],
    [2, all(() => NaN)],
  ],
};

/**
 * The values that a tensor is filled from, in turn: 1 to 17 doubles, which the tensor rounds to its dtype.
 *
 * One arbitrary for the list, instead of one for each element: it is drawn in microseconds, and shrinks as a person
 * would do it, to one value for all, then to 1, 0 and short decimals.
 */
export function elements(dtype: ParameterDType, temper: Temper): fc.Arbitrary<number[]> {
  return new Elements(floatFormats[dtype], recipes[temper]);
}

class Elements extends fc.Arbitrary<number[]> {
  readonly #format: FloatFormat;
  readonly #recipes: [number, Recipe][];

  constructor(format: FloatFormat, weighted: [number, Recipe][]) {
    super();
    this.#format = format;
    this.#recipes = weighted;
  }

  generate(random: fc.Random): fc.Value<number[]> {
    const total = this.#recipes.reduce((sum, [weight]) => sum + weight, 0);
    let ticket = random.nextInt(1, total);
    const [, recipe] = this.#recipes.find(([weight]) => (ticket -= weight) <= 0)!;
    return new fc.Value(recipe(random, this.#format), undefined);
  }

  canShrinkWithoutContext(value: unknown): value is number[] {
    return Array.isArray(value) && value.length > 0 && value.every((element) => typeof element === 'number');
  }

  shrink(value: number[]): fc.Stream<fc.Value<number[]>> {
    return fc.stream(simplerLists(value)).map((list) => new fc.Value(list, undefined));
  }
}

function* simplerLists(list: number[]): Generator<number[]> {
  if (list.length > 1) {
    for (const element of list) yield [element];
    const half = list.length >> 1;
    yield list.slice(0, half);
    yield list.slice(half);
    yield list.slice(0, -1);
  }
  for (const [index, element] of list.entries()) {
    for (const simpler of simplerNumbers(element)) yield list.with(index, simpler);
  }
}

function simplerNumbers(value: number): number[] {
  const candidates = [1, 0, -value, ...[1, 2, 3].map((digits) => Number(value.toPrecision(digits)))];
  return candidates.filter((candidate) => complexity(candidate) < complexity(value));
}

/** The fewer characters the simpler; 1 is simpler than 0, because a zero hides what is multiplied by it. */
function complexity(value: number): number {
  if (value === 1) return 0;
  return Object.is(value, -0) ? 2 : String(value).length;
}
