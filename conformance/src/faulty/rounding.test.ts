import test from 'ava';
import fc from 'fast-check';
import { flushing, fma, to12Bits, toBfloat16, toFloat16 } from './rounding.ts';

const floats = fc.oneof(
  fc.float({ noNaN: true }),
  fc
    .record({ m: fc.integer({ min: 2 ** 23, max: 2 ** 24 - 1 }), e: fc.integer({ min: -60, max: 60 }) })
    .map(({ m, e }) => m * 2 ** e),
);

/** Any two numbers, and a third that all but cancels their product, or any other. */
const triples = fc
  .record({ a: floats, b: floats, c: floats, cancels: fc.boolean(), ulps: fc.integer({ min: -3, max: 3 }) })
  .map(({ a, b, c, cancels, ulps }) => ({
    a,
    b,
    c: cancels ? Math.fround(-a * b * (1 + ulps * 2 ** -23)) : c,
  }));

const places = 1100;

/** A finite number as an integer times 2^-1100. */
function integerOf(x: number): bigint {
  let [integer, shift] = [x, places];
  for (; !Number.isInteger(integer); shift -= 1) integer *= 2;
  return BigInt(integer) << BigInt(shift);
}

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/** The next float32 towards or away from zero. */
function neighbour(x: number, step: 1 | -1): number {
  float[0] = x;
  bits[0]! += step;
  return float[0];
}

test('fma gives the float32 that is nearest to the exact result', (t) => {
  fc.assert(
    fc.property(triples, ({ a, b, c }) => {
      const result = fma(a, b, c);
      if (!Number.isFinite(result)) return Object.is(result, Math.fround(a * b + c));
      const exact = integerOf(a) * integerOf(b) + (integerOf(c) << BigInt(places));
      const error = (x: number): bigint => {
        const difference = exact - (integerOf(x) << BigInt(places));
        return difference < 0n ? -difference : difference;
      };
      const others = result === 0 ? [2 ** -149, -(2 ** -149)] : [neighbour(result, 1), neighbour(result, -1)];
      return others.filter(Number.isFinite).every((other) => error(result) <= error(other));
    }),
    { numRuns: 5000, seed: 1 },
  );
  // Just above a tie and just below one, where rounding to a double first goes astray.
  const above = [1 + 2 ** -12, 1 + 2 ** -12, 2 ** -60, 1 + 2 ** -11 + 2 ** -23] as const;
  const below = [2 ** -24 - 2 ** -42, 1 + 2 ** -18, 1 + 2 ** -23, 1 + 2 ** -23] as const;
  for (const [x, y, z, nearest] of [above, below]) {
    t.is(fma(x, y, z), nearest);
    t.is(fma(-x, y, -z), -nearest);
    t.not(Math.fround(x * y + z), nearest);
  }
});

test('float16 keeps its own numbers, and rounds what lies between to nearest even', (t) => {
  const decode = (half: number): number => {
    const [exponent, mantissa] = [half >> 10, half & 1023];
    return exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15);
  };
  for (let half = 0; half < 0x7bff; half += 1) {
    const [a, b] = [decode(half), decode(half + 1)];
    const rounded = [a, a + (b - a) / 4, (a + b) / 2, b - (b - a) / 4, -b].map(toFloat16);
    t.deepEqual(rounded, [a, a, half % 2 === 0 ? a : b, b, -b]);
  }
  t.deepEqual([65519.99, 65520, -1e38, Infinity, NaN].map(toFloat16), [
    65504,
    Infinity,
    -Infinity,
    Infinity,
    NaN,
  ]);
});

test('bfloat16 is cut off, an estimate has 12 bits, and subnormals are flushed with their sign', (t) => {
  t.deepEqual([1 + 2 ** -7, 1 + 2 ** -7 - 2 ** -23, -3.999].map(toBfloat16), [1 + 2 ** -7, 1, -3.984375]);
  t.deepEqual([1 + 2 ** -11, 1 + 2 ** -12, 1 + 3 * 2 ** -12].map(to12Bits), [1 + 2 ** -11, 1, 1 + 2 ** -10]);
  t.deepEqual([2 ** -126, 2 ** -127, -(2 ** -149), 0.1].map(flushing(Math.fround)), [
    2 ** -126,
    0,
    -0,
    Math.fround(0.1),
  ]);
});
