import test from 'ava';
import fc from 'fast-check';
import { runPython } from '../testing/python.ts';
import { ByteArray, Complex, Counter, OrderedDict, Size, Tuple } from './collections.ts';
import { copyValue } from './copy.ts';
import { equal } from './equal.ts';
import { pyFloat, pyInt, rememberKey, setNumber, type PythonNumber } from './number.ts';
import { comparePython, repr, reprFloat, typeName } from './repr.ts';
import { Device, TorchDType } from './torch_values.ts';

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

/** A container with these numbers. */
function filled<C extends object>(container: C, numbers: [key: unknown, number: PythonNumber][]): C {
  for (const [key, number] of numbers) setNumber(container, key, number);
  return container;
}

/** What a group may hold besides, as Python writes it. */
const collections: [python: string, value: unknown][] = [
  ['(0.9, 0.999)', Tuple.of(0.9, 0.999)],
  ['(1.0,)', filled(new Tuple(), [[0, pyFloat(1)]])],
  ['()', new Tuple()],
  [
    '[(1, 2.0), "a"]',
    [
      filled(new Tuple(), [
        [0, pyInt(1)],
        [1, pyFloat(2)],
      ]),
      'a',
    ],
  ],
  ['torch.Size([2, 3])', Size.of(2, 3)],
  [
    '{"a": 1.0, 2: None}',
    filled(
      new Map<unknown, unknown>([
        ['a', 0],
        [2, null],
      ]),
      [['a', pyFloat(1)]],
    ),
  ],
  ['{1.0: 3}', withFloatKey(new Map([[1, 3]]))],
  ['{1.0, 1.5}', withFloatKey(new Set([1, 1.5]))],
  ['set()', new Set()],
  ['collections.Counter()', new Counter()],
  [
    'collections.Counter("abb")',
    new Counter([
      ['a', 1],
      ['b', 2],
    ]),
  ],
  ['collections.OrderedDict()', new OrderedDict()],
  [`b'a\\x00\\\\\\n"\\xff'`, Uint8Array.of(97, 0, 92, 10, 34, 255)],
  [`b"it's"`, Uint8Array.from(Buffer.from("it's"))],
  [`b''`, new Uint8Array()],
  [`bytearray(b'a\\'"')`, ByteArray.of(97, 39, 34)],
  ['1j', new Complex(0, 1)],
  ['complex(-0.0, 2)', new Complex(-0, 2)],
  ['complex(1, -0.0)', new Complex(1, -0)],
  ['complex(1e16, math.nan)', new Complex(1e16, NaN)],
  ['complex(-math.inf, 0.1)', new Complex(-Infinity, 0.1)],
  ['torch.bfloat16', new TorchDType('bfloat16')],
  ['torch.device("cpu")', new Device('cpu')],
  ['torch.device("cuda", 1)', new Device('cuda', 1)],
];

function withFloatKey<C extends object>(container: C): C {
  rememberKey(container, pyFloat(1));
  return container;
}

test('a number alone is an int where it is whole and exact', (t) => {
  for (const value of [0, -3, 2 ** 53 - 1]) t.deepEqual([repr(value), typeName(value)], [`${value}`, 'int']);
  for (const value of [-0, 2 ** 53, 0.5])
    t.deepEqual([repr(value), typeName(value)], [reprFloat(value), 'float']);
});

test('collections and scalars as Python writes them, copies too', async (t) => {
  const code = `
import collections, json, math, sys, torch
values = [eval(text) for text in json.load(sys.stdin)]
def name(kind):
    return kind.__name__ if kind.__module__ == 'builtins' else f'{kind.__module__}.{kind.__name__}'
print(json.dumps([[repr(value), name(type(value))] for value in values]))`;
  const input = Buffer.from(JSON.stringify(collections.map(([python]) => python)));
  const expected = JSON.parse(String(await runPython(code, { input }))) as [string, string][];
  for (const [i, [python, value]] of collections.entries()) {
    t.deepEqual([repr(value), typeName(value)], expected[i], python);
    const copy = copyValue(value);
    t.is(repr(copy), expected[i]![0], `a copy of ${python}`);
    t.true(equal(copy, value), python);
    t.is((copy as object).constructor, (value as object).constructor);
    for (const [j, [, other]] of collections.entries()) t.is(equal(value, other), i === j, `${i} and ${j}`);
  }
});

test('an OrderedDict as Python writes it up to 3.11, and its attributes are copied', (t) => {
  const dict = new OrderedDict([['a', Tuple.of(1)]]);
  dict.attributes = new Map([['_metadata', new OrderedDict([['version', 1]])]]);
  const copy = copyValue(dict) as OrderedDict;
  t.is(repr(copy), "OrderedDict([('a', (1,))])");
  t.deepEqual(copy, dict);
  t.not(copy.attributes, dict.attributes);
});

/** A list of a list of … of two references each: small, and 2^levels long when it is written out. */
function doubled(levels: number): unknown[] {
  let list: unknown[] = [1];
  for (let i = 0; i < levels; i++) list = [list, list];
  return list;
}

test('what contains itself is marked as in Python, and equal to its like', async (t) => {
  const list: unknown[] = [1];
  const dict = new Map<unknown, unknown>([['list', list]]);
  const ordered = new OrderedDict<unknown, unknown>([['dict', dict]]);
  const tuple = Tuple.of<unknown>(list, list);
  const object = { list };
  list.push(list, dict, ordered, tuple, object);
  dict.set('dict', dict);
  ordered.set('self', ordered);
  const code = `
import collections
list = [1]; dict = {'list': list}; ordered = collections.OrderedDict(dict=dict); t = (list, list); object = {'list': list}
list += [list, dict, ordered, t, object]
dict['dict'] = dict; ordered['self'] = ordered
print([repr(value) for value in (list, dict, t, object)], end='')`;
  t.is(repr([list, dict, tuple, object].map(repr)), String(await runPython(code)));
  t.is(repr(ordered).split('(').length > 1, true);
  for (const value of [list, dict, ordered, tuple, object]) t.true(equal(value, copyValue(value)));
  t.false(equal(list, [1, list, dict, ordered, tuple, { list: 1 }]));
});

test('parts that are shared again and again take no time', (t) => {
  t.true(equal(doubled(60), doubled(60)));
  t.false(equal(doubled(60), doubled(61)));
  t.regex(repr(doubled(60)), /^\[{61}1\].*\[\.\.\.\]\]+$/);
});

test('a Counter whose counts have no order keeps its own', (t) => {
  const list: unknown[] = [];
  list.push(list);
  const counter = new Counter<unknown>([['a', 1]]);
  (counter as Map<unknown, unknown>).set('b', list);
  t.is(repr(counter), "Counter({'a': 1, 'b': [[...]]})");
});
