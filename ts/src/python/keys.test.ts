import test from 'ava';
import { ByteArray, Complex, Tuple } from './collections.ts';
import { PythonKeys } from './keys.ts';
import { Device, TorchDType } from './torch_values.ts';

const tuple = (...items: unknown[]): Tuple => Object.assign(new Tuple(items.length), items);

/** A Map that holds these keys as a dict does. */
function dictOf(...keys: unknown[]): unknown[] {
  const map = new Map<unknown, unknown>();
  const python = new PythonKeys();
  for (const key of keys) map.set(python.find(map, key), null);
  return [...map.keys()];
}

const same: Record<string, unknown[]> = {
  'numbers and booleans': [1, true, 1n, new Complex(1, 0)],
  'booleans first': [false, 0, -0],
  'integers and floats': [2n ** 70n, 2 ** 70],
  'numbers in tuples': [tuple(2n ** 53n), tuple(2 ** 53), tuple(new Complex(2 ** 53, 0))],
  tuples: [tuple(1, 'a', tuple(true)), tuple(true, 'a', tuple(1)), tuple(1n, 'a', tuple(1))],
  bytes: [Uint8Array.of(1, 2), Uint8Array.of(1, 2)],
  'complex numbers': [new Complex(1, -0), new Complex(1, 0), 1],
  devices: [new Device('cuda', 1), new Device('cuda', 1)],
  dtypes: [new TorchDType('float32'), new TorchDType('float32')],
};

for (const [name, keys] of Object.entries(same)) {
  test(`equal keys are one, and the first stays: ${name}`, (t) => {
    const held = dictOf(...keys);
    t.is(held.length, 1);
    t.is(held[0], keys[0]);
  });
}

test('other keys are others', (t) => {
  const object = {};
  Object.setPrototypeOf(object, { own: true });
  const keys = [
    ...['1', 1, 1.5, 2n ** 53n + 1n, 2 ** 53, null, 'null', '', tuple(), tuple(tuple()), tuple('')],
    ...[tuple('a', 'b'), tuple('a b'), tuple('1:a'), tuple(1, 2), tuple(12), tuple('1', 2), tuple(null)],
    ...[Uint8Array.of(1), Uint8Array.of(1, 0), new Complex(0, 1), new Complex(0, -1), object, tuple(object)],
    ...[tuple(123456789012345680000), tuple(123456789012345680000n), tuple(2n ** 53n + 1n), tuple(2 ** 53)],
    ...[new Device('cuda'), new Device('cuda', 0), new TorchDType('int8'), 'tuple', 'device cuda', 'bytes 1'],
  ];
  t.deepEqual(dictOf(...keys), keys);
});

test('what Python cannot hash is no key', (t) => {
  const python = new PythonKeys();
  for (const key of [[], new Map(), new Set(), new ByteArray(), {}, tuple(1, tuple([]))])
    t.is(python.find(new Map(), key), undefined);
});

test('long keys that are met again and again cost no more', (t) => {
  const text = 'x'.repeat(1_000_000);
  const bytes = new Uint8Array(1_000_000);
  const keys = Array.from({ length: 10_000 }, (_, i) => [tuple(text, i % 3), bytes, tuple(bytes)]).flat();
  t.is(dictOf(...keys).length, 5);
});

test('a million tuples inside each other, and as many paths through few, take no time and no stack', (t) => {
  let chain = tuple();
  for (let i = 0; i < 100_000; i++) chain = tuple(chain);
  let tree = tuple();
  for (let i = 0; i < 1_000; i++) tree = tuple(tree, tree);
  t.is(dictOf(chain, tree, tuple(tree), chain).length, 3);
});

test('a tuple that contains itself is no key', (t) => {
  const [one, two] = [tuple(1), tuple(2)];
  one.push(tuple(two, two));
  two.push(one);
  for (const key of [one, two, tuple(tuple(), one)]) t.is(new PythonKeys().find(new Map(), key), undefined);
});

test('NaN is equal to nothing; a Map holds one', (t) => {
  const keys = [NaN, tuple(NaN), tuple(NaN), new Complex(NaN, 0), new Complex(NaN, 0)];
  t.deepEqual(dictOf(...keys), keys);
  t.is(new PythonKeys().find(new Map([[NaN, 1]]), NaN), undefined);
  t.is(new PythonKeys().find(new Map([[NaN, 1]]), new Complex(1, NaN)) instanceof Complex, true);
});
