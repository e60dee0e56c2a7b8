import test from 'ava';
import { Counter, OrderedDict, Tuple } from '../../python/collections.ts';
import { PythonNumber, pythonTypeOf } from '../../python/number.ts';
import { FormatError } from '../errors.ts';
import { defaultLimits, type Limits } from '../limits.ts';
import { globalsOf } from '../pt/globals.ts';
import { opcodes } from './opcodes.ts';
import { Unpickler } from './unpickler.ts';

/** Opcodes by name, numbers as bytes, and text as text. */
type Part = keyof typeof opcodes | number | { text: string };

const encoder = new TextEncoder();
const text = (value: string): Part[] => ['BINUNICODE', value.length, 0, 0, 0, { text: value }];
const name = (module: string, name: string): Part[] => ['GLOBAL', { text: `${module}\n${name}\n` }];

function pickle(...parts: (Part | Part[])[]): Uint8Array {
  return Uint8Array.from(
    parts
      .flat()
      .flatMap((part) =>
        typeof part === 'string'
          ? [opcodes[part]]
          : typeof part === 'number'
            ? [part]
            : [...encoder.encode(part.text)],
      ),
  );
}

function load(bytes: Uint8Array, limits: Partial<Limits> = {}): unknown {
  const environment = { global: globalsOf(0), persistent: (id: unknown) => id };
  return new Unpickler(bytes, environment, { ...defaultLimits, ...limits }, { record: 'data.pkl' }).load();
}

/** A pickle of protocol 2 of these opcodes. */
const loadOf = (...parts: (Part | Part[])[]): unknown => load(pickle('PROTO', 2, ...parts, 'STOP'));

test('what Python 2 wrote is read: short strings, the items of an OrderedDict, __builtin__', (t) => {
  const pair: Part[] = ['EMPTY_LIST', 'SHORT_BINSTRING', 1, { text: 'a' }, 'APPEND', 'BININT1', 7, 'APPEND'];
  const dict = loadOf(name('collections', 'OrderedDict'), 'EMPTY_LIST', pair, 'APPEND', 'TUPLE1', 'REDUCE');
  t.deepEqual(dict, new OrderedDict([['a', 7]]));
  const set = loadOf(name('__builtin__', 'set'), 'EMPTY_LIST', 'BININT1', 1, 'APPEND', 'TUPLE1', 'REDUCE');
  t.deepEqual(set, new Set([1]));
});

test('an object made without its constructor is empty', (t) => {
  t.deepEqual(loadOf(name('collections', 'Counter'), 'EMPTY_TUPLE', 'NEWOBJ'), new Counter());
  t.throws(() => loadOf(name('collections', 'Counter'), 'NONE', 'TUPLE1', 'NEWOBJ'), {
    code: 'BAD_ARGUMENTS',
  });
});

test('a number remembers its type, in a dict and beyond what the value tells', (t) => {
  const one = [0x3f, 0xf0, 0, 0, 0, 0, 0, 0];
  const list = loadOf('EMPTY_LIST', 'BINFLOAT', one, 'APPEND', 'BININT1', 1, 'APPEND') as number[];
  t.deepEqual([pythonTypeOf(list, 0), pythonTypeOf(list, 1)], ['float', 'int']);
  const dict = loadOf('EMPTY_DICT', text('lr'), 'BININT1', 1, 'SETITEM') as Map<string, number>;
  t.is(pythonTypeOf(dict, 'lr', 'float'), 'int');
  t.deepEqual(loadOf('BINFLOAT', one), new PythonNumber('float', 1));
  t.deepEqual(loadOf('LONG1', 0), 0);
  t.deepEqual(loadOf('LONG1', 2, 0xff, 0xff), -1);
});

test('the memo gives the same object again, after it was changed too', (t) => {
  const [first, second] = loadOf(
    ...(['EMPTY_LIST', 'BINPUT', 0, 'NONE', 'APPEND', 'BINGET', 0, 'TUPLE2'] as const),
  ) as [unknown, unknown];
  t.is(first, second);
  t.deepEqual(first, [null]);
});

test('attributes of an OrderedDict are kept', (t) => {
  const dict = loadOf(
    ...[name('collections', 'OrderedDict'), 'EMPTY_TUPLE' as const, 'REDUCE' as const, 'EMPTY_DICT' as const],
    ...[text('_metadata'), 'NONE' as const, 'SETITEM' as const, 'BUILD' as const],
  ) as OrderedDict;
  t.deepEqual(dict.attributes, new Map([['_metadata', null]]));
});

const refusals: Record<string, [code: string, ...parts: (Part | Part[])[]]> = {
  'a pop below the mark': ['PICKLE_STACK', 'EMPTY_LIST', 'MARK', 'NONE', 'APPEND', 'TUPLE'],
  'a memo below the mark': ['PICKLE_STACK', 'NONE', 'MARK', 'BINPUT', 0],
  'no mark': ['PICKLE_STACK', 'NONE', 'TUPLE'],
  'a value left over': ['PICKLE_STACK', 'NONE', 'NONE'],
  'a mark left over': ['PICKLE_STACK', 'MARK', 'NONE'],
  'a key without a value': ['PICKLE_STACK', 'EMPTY_DICT', 'MARK', 'NONE', 'SETITEMS'],
  'appending to a tuple': ['PICKLE_TYPE', 'EMPTY_TUPLE', 'NONE', 'APPEND'],
  'an item of a list': ['PICKLE_TYPE', 'EMPTY_LIST', 'NONE', 'NONE', 'SETITEM'],
  'attributes of a dict': ['PICKLE_TYPE', 'EMPTY_DICT', 'EMPTY_DICT', 'BUILD'],
  'calling a value': ['PICKLE_TYPE', 'NONE', 'EMPTY_TUPLE', 'REDUCE'],
  'calling a class of storages': ['PICKLE_TYPE', name('torch', 'FloatStorage'), 'EMPTY_TUPLE', 'REDUCE'],
  'a list of arguments': ['PICKLE_TYPE', name('torch', 'Size'), 'EMPTY_LIST', 'REDUCE'],
  'a list as a key': ['PICKLE_KEY', 'EMPTY_DICT', 'EMPTY_LIST', 'NONE', 'SETITEM'],
  'an unwritten memo': ['PICKLE_MEMO', 'BINGET', 3],
  'text that is not UTF-8': ['PICKLE_TEXT', 'BINUNICODE', 1, 0, 0, 0, 0xff],
  'an opcode of protocol 4': ['PICKLE_OPCODE', 0x93],
  'a string longer than the pickle': ['TRUNCATED', 'BINUNICODE', 0xff, 0xff, 0xff, 0xff],
  'a name without an end': ['TRUNCATED', 'GLOBAL', { text: 'torch' }],
  'a function': ['FORBIDDEN_GLOBAL', name('os', 'system')],
  'a name of every object': ['FORBIDDEN_GLOBAL', name('torch', 'constructor')],
  'a sparse tensor': ['UNSUPPORTED_GLOBAL', name('torch._utils', '_rebuild_sparse_tensor')],
  'a quantized dtype': ['UNSUPPORTED_DTYPE', name('torch', 'qint8')],
};

for (const [what, [code, ...parts]] of Object.entries(refusals)) {
  test(`refused: ${what}`, (t) => {
    const error = t.throws(() => loadOf(...parts)) as FormatError;
    t.is(error.code as string, code);
    t.is(error.details.record, 'data.pkl');
    t.is(typeof error.details.offset, 'number');
  });
}

test('protocols 2 and 3 alone are read', (t) => {
  t.is(load(pickle('PROTO', 3, 'NONE', 'STOP')), null);
  for (const protocol of [0, 1, 4, 5])
    t.throws(() => load(pickle('PROTO', protocol, 'NONE', 'STOP')), { code: 'PICKLE_PROTOCOL' });
  t.throws(() => load(pickle('NONE', 'STOP')), { code: 'PICKLE_PROTOCOL' });
  t.throws(() => load(new Uint8Array()), { code: 'TRUNCATED' });
});

test('limits are kept, and say which they are', (t) => {
  const many = pickle('PROTO', 2, Array<Part>(20).fill('NONE'), 'STOP');
  t.like(
    t.throws(() => load(many, { items: 10 })),
    { code: 'LIMIT', details: { key: 'items', expected: 10 } },
  );
  const far = pickle('PROTO', 2, 'NONE', 'LONG_BINPUT', 0xff, 0xff, 0xff, 0xff, 'STOP');
  t.like(
    t.throws(() => load(far)),
    { code: 'LIMIT', details: { key: 'memo' } },
  );
});

test('who makes much of little again and again is stopped', (t) => {
  const list: Part[] = ['EMPTY_LIST', 'MARK', ...Array<Part>(1000).fill('NONE'), 'APPENDS', 'BINPUT', 0];
  const set: Part[] = [...name('__builtin__', 'set'), 'BINGET', 0, 'TUPLE1', 'REDUCE'];
  t.notThrows(() => loadOf(list, set, 'TUPLE2'));
  t.throws(() => loadOf(list, Array(100).fill(set).flat()), { code: 'LIMIT' });

  const state: Part[] = Array.from({ length: 200 }, (_, i) => [...text(`${i}`), 'NONE' as const]).flat();
  const build: Part[] = [
    ...name('collections', 'OrderedDict'),
    'EMPTY_TUPLE',
    'REDUCE',
    'BINGET',
    0,
    'BUILD',
  ];
  const dict: Part[] = ['EMPTY_DICT', 'BINPUT', 0, 'MARK', ...state, 'SETITEMS'];
  t.notThrows(() => loadOf(dict, build, 'TUPLE2'));
  t.throws(() => loadOf(dict, build, Array(100).fill(['BINGET', 0, 'BUILD']).flat()), { code: 'LIMIT' });
});

test('nesting has no limit here: tuples in tuples, and marks in marks', (t) => {
  const depth = 200_000;
  let value = loadOf('EMPTY_TUPLE', Array<Part>(depth).fill('TUPLE1')) as Tuple;
  let height = 0;
  for (; value.length > 0; value = value[0] as Tuple) height++;
  t.is(height, depth);
  t.notThrows(() => loadOf(Array<Part>(depth).fill('MARK'), Array<Part>(depth).fill('TUPLE')));
});
