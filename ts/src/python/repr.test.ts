import test from 'ava';
import fc from 'fast-check';
import { pyFloat, pyInt } from './number.ts';
import { comparePython, repr, reprFloat } from './repr.ts';

// That the texts are Python's is what the `repr` commands of the conformance programs check; these are its corners.
test('floats as Python writes them', (t) => {
  const texts: [number, string][] = [
    [1, '1.0'],
    [-0, '-0.0'],
    [1e-6, '1e-06'],
    [0.0001, '0.0001'],
    [0.00001234, '1.234e-05'],
    [123456789, '123456789.0'],
    [1e15, '1000000000000000.0'],
    [1e16, '1e+16'],
    [1.5e300, '1.5e+300'],
    [5e-324, '5e-324'],
    [NaN, 'nan'],
    [-Infinity, '-inf'],
  ];
  for (const [value, text] of texts) t.is(reprFloat(value), text);
});

test('a float reads back as itself', (t) => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      t.is(Number(reprFloat(value)), value);
      t.regex(reprFloat(value), /^-?\d+(\.\d+)?(e[+-]\d{2,3})?$/);
    }),
  );
});

test('strings, lists and dicts', (t) => {
  t.is(repr("it's"), '"it\'s"');
  t.is(repr(`"it's"`), `'"it\\'s"'`);
  t.is(repr('a\n\\\x07 \u200b\u{e0001}é'), "'a\\n\\\\\\x07 \\u200b\\U000e0001é'");
  t.is(repr([pyInt(1), pyFloat(1), null, true, ['x']]), "[1, 1.0, None, True, ['x']]");
  t.is(repr({ a: pyFloat(2) }), "{'a': 2.0}");
});

test('integers beyond 2^53 keep their digits', (t) => {
  t.is(repr(pyInt(2 ** 60)), '1152921504606846976');
});

test("strings in Python's order, by code points", (t) => {
  t.deepEqual(['lr2', '😀', 'lr', '\uffee', ''].toSorted(comparePython), ['', 'lr', 'lr2', '\uffee', '😀']);
});
