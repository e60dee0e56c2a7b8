import test from 'ava';
import fc from 'fast-check';
import { TensorData } from 'torch-parity';
import { floatFormats } from './float_format.ts';
import { halfFormats } from './half_format.ts';

/** The number of a pattern, as the library reads it. */
const numberOf =
  (dtype: 'float16' | 'bfloat16') =>
  (bits: number): number =>
    new TensorData(dtype, [], new Uint8Array(new Uint16Array([bits]).buffer)).toFloat32Array()[0]!;

test('nudge goes to the very next number, and back', (t) => {
  const { float32, float64 } = floatFormats;
  t.is(float32.nudge(1, 1), 1 + float32.epsilon);
  t.is(float64.nudge(-1, 1), -1 - float64.epsilon);
  t.is(float32.nudge(0, 1), float32.minSubnormal);
  t.is(float64.nudge(-0, 1), -float64.minSubnormal);
  t.is(float32.nudge(float32.max, 1), Infinity);
  t.is(float64.nudge(Infinity, -1), float64.max);
  t.is(float64.nudge(float64.minSubnormal, -5), 0);
  t.true(Number.isNaN(float32.nudge(NaN, 3)));
  for (const [dtype, value] of [
    ['float32', fc.float({ noNaN: true, min: 2 ** -100, max: 2 ** 100 })],
    ['float64', fc.double({ noNaN: true, min: 2 ** -1000, max: 2 ** 1000 })],
    ['float16', fc.integer({ min: 1 << 10, max: 30 << 10 }).map(numberOf('float16'))],
    ['bfloat16', fc.integer({ min: 1 << 7, max: 254 << 7 }).map(numberOf('bfloat16'))],
  ] as const) {
    const { nudge } = floatFormats[dtype];
    fc.assert(
      fc.property(value, fc.integer({ min: -9, max: 9 }), (start, places) => {
        t.is(nudge(nudge(start, places), -places), start);
        t.true(nudge(start, 1) > start);
        t.is(nudge(-start, 1), -nudge(start, 1));
      }),
      { seed: 1 },
    );
  }
});

test('any bits make a finite number of the format', (t) => {
  const bits = fc.integer({ min: 0, max: 0xffffffff });
  fc.assert(
    fc.property(bits, bits, (high, low) => {
      t.true(Number.isFinite(floatFormats.float64.finite(high, low)));
      const single = floatFormats.float32.finite(high, low);
      t.true(Number.isFinite(single));
      t.is(Math.fround(single), single);
      for (const { finite, nudge } of Object.values(halfFormats)) {
        const half = finite(high, low);
        t.true(Number.isFinite(half));
        t.is(nudge(half, 0), half);
      }
    }),
    {
      seed: 1,
      examples: [
        [0x7f800000, 0],
        [0xffffffff, 0xffffffff],
        [0x7ff00000, 0],
      ],
    },
  );
});

for (const [dtype, infinity] of [
  ['float16', 0x7c00],
  ['bfloat16', 0x7f80],
] as const) {
  const { nudge, max, minNormal, minSubnormal, epsilon } = halfFormats[dtype];
  const number = numberOf(dtype);

  test(`${dtype} is the format that the library reads`, (t) => {
    const every = Array.from({ length: 1 << 16 }, (_, bits) => number(bits));
    t.deepEqual(
      every.map((value) => nudge(value, 0)),
      every,
    );
    t.deepEqual([number(infinity - 1), number(1)], [max, minSubnormal]);
    t.is(nudge(minNormal, -1), minNormal - minSubnormal);
    t.is(nudge(1, 1), 1 + epsilon);
  });

  test(`a double becomes the nearest ${dtype}, and the even one of two`, (t) => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: infinity - 2 }), (bits) => {
        const [low, high] = [number(bits), number(bits + 1)];
        const middle = (low + high) / 2;
        const off = (high - low) * 2 ** -30;
        t.is(nudge(middle, 0), bits % 2 === 0 ? low : high);
        t.is(nudge(middle - off, 0), low);
        t.is(nudge(-middle - off, 0), -high);
      }),
      { seed: 1 },
    );
    const beyond = (3 * max - number(infinity - 2)) / 2; // half of a last place above the largest
    t.is(nudge(beyond, 0), Infinity);
    t.is(nudge(beyond * (1 - 2 ** -40), 0), max);
    t.is(nudge(Number.MAX_VALUE, 0), Infinity);
    t.is(nudge(Number.MIN_VALUE, 0), 0);
  });
}
