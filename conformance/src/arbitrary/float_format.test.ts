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

for (const dtype of ['float16', 'bfloat16'] as const) {
  const { bits, max, minNormal, minSubnormal, epsilon } = halfFormats[dtype];
  const number = numberOf(dtype);

  test(`every ${dtype} number has the bits that the library reads it from`, (t) => {
    for (let pattern = 0; pattern < 1 << 16; pattern += 1) {
      const value = number(pattern);
      if (Number.isNaN(value) ? !Number.isNaN(number(bits(value))) : bits(value) !== pattern)
        t.fail(`${value} is 0x${pattern.toString(16)}`);
    }
    const infinity = bits(Infinity);
    t.deepEqual([number(infinity - 1), number(1)], [max, minSubnormal]);
    t.is(number(bits(1) + 1), 1 + epsilon);
    t.is(bits(minNormal) - bits(minSubnormal), bits(minNormal - minSubnormal));
  });

  test(`a double becomes the nearest ${dtype}, and the even one of two`, (t) => {
    const infinity = bits(Infinity);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: infinity - 2 }), (pattern) => {
        const [low, high] = [number(pattern), number(pattern + 1)];
        const middle = (low + high) / 2;
        const off = (high - low) * 2 ** -30;
        t.is(bits(middle), pattern + (pattern % 2));
        t.is(bits(middle - off), pattern);
        t.is(bits(-middle - off), 0x8000 | (pattern + 1));
      }),
      { seed: 1 },
    );
    const beyond = (3 * max - number(infinity - 2)) / 2; // half of a last place above the largest
    t.is(bits(beyond), infinity);
    t.is(bits(beyond * (1 - 2 ** -40)), infinity - 1);
    t.is(bits(Number.MAX_VALUE), infinity);
    t.is(bits(Number.MIN_VALUE), 0);
  });
}
