import test from 'ava';
import fc from 'fast-check';
import { floatFormats } from './float_format.ts';

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
