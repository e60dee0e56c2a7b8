import test from 'ava';
import { UnsupportedError } from '../checkpoint/index.ts';
import { jsonText } from './json_output.ts';

/** A value that is written so many times until its text is no longer too long: hundreds of MiB would take seconds. */
function tooLong(times: number): { toJSON(): unknown } {
  return {
    toJSON() {
      if (times-- > 0) throw new RangeError('Invalid string length');
      return [[0]];
    },
  };
}

test('what is longer than a string with its indentation is not indented', (t) => {
  t.is(jsonText(tooLong(0)), '[\n  [\n    0\n  ]\n]');
  t.is(jsonText(tooLong(1)), '[[0]]');
});

test('what is longer than a string is refused, and other mistakes are as they were', (t) => {
  t.throws(() => jsonText(tooLong(2)), { instanceOf: UnsupportedError, code: 'UNSUPPORTED_VALUE' });
  let seen = 0;
  const counting = { toJSON: () => ++seen };
  const long = 'x'.repeat(2 ** 28); // a rope, whose characters nobody reads
  t.throws(() => jsonText([[counting, long, long, counting]]), { instanceOf: UnsupportedError });
  t.is(seen, 2);
  const ring: unknown[] = [];
  ring.push(ring);
  t.throws(() => jsonText(ring), { instanceOf: TypeError });
});
