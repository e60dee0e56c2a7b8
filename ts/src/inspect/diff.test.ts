import test from 'ava';
import { open, Tuple } from '../checkpoint/index.ts';
import { torchFiles } from '../testing/torch_files.ts';
import { diff, type Difference } from './diff.ts';

/** Values of two files under their names. */
const pairs = `
from collections import OrderedDict, Counter
nan, inf = float("nan"), float("inf")
f = lambda *xs: torch.tensor(xs)
bits = lambda *xs: torch.tensor(xs, dtype=torch.int32).view(torch.float32)
ring = [1]
ring.append(ring)
ring2 = [1]
ring2.append(ring2)
deep = deep2 = 0
for _ in range(40): deep, deep2 = [deep, deep, 0], [deep2, deep2, 0]
base = torch.arange(6.)
pairs = {
    "equal": ({"a": [1, (2.0, None)], 3: {4}, (1, "x"): b"y"}, {"a": [1, (2.0, None)], 3: {4}, (1, "x"): b"y"}),
    "strides": (base.view(2, 3), base.view(3, 2).t().contiguous().t().reshape(2, 3)),
    "ring": (ring, ring2),
    "deep": (deep, deep2),
    "members": ({1, "a"}, {"a", 1}),
    "float": (1, 1.0),
    "zero": (0.0, -0.0),
    "nan": (nan, nan),
    "bool": (True, 1),
    "big": (2**70, 2**70 + 1),
    "long": ("x" * 100, "x" * 99 + "y"),
    "bytes": (b"abc", b"abd"),
    "set": ({1}, {1.0}),
    "member": ({1}, 1),
    "empty": (set(), ""),
    "controls": ({"\\u009b": 0, "\\u202e": 0}, {"\\u202e": 0, "\\u009b": 0}),
    "list": ([1, 2], (1, 2)),
    "length": ([1, 2], [1, 2, 3]),
    "keys": ({"1": 0}, {1: 0}),
    "order": ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    "dict": (OrderedDict(a=1), {"a": 1}),
    "kind": ({"a": 1}, [1]),
    "shape": (f(1, 2), f(1, 2, 3)),
    "dtype": (f(1., 2), f(1, 2)),
    "parameter": (torch.nn.Parameter(f(1., 2)), f(1., 2)),
    "ulp": (f(1., 2.), torch.nextafter(f(1., 2.), f(inf, 0.))),
    "nanelement": (f(1., nan, 0.), f(nan, nan, -0.)),
    "nanbits": (bits(0x7fc00000), bits(0x7fa00001)),
    "int64": (f(2**62, 5), f(2**62 + 3, 5)),
    "uint64": (torch.tensor(2**64 - 1, dtype=torch.uint64), torch.tensor(2**64 - 2, dtype=torch.uint64)),
    "complex": (f(1 + 2j, 3), f(1 + 2.5j, 3)),
    "strided": (torch.arange(12.).view(3, 4).t(), torch.arange(12.).view(3, 4).t().contiguous()),
    "large": (torch.zeros(3, 1_500_000), torch.zeros(4_500_000).index_fill(0, f(4_499_999), 2**-149).view(3, -1)),
}
pairs["attributes"] = tuple(OrderedDict() for _ in range(2))
pairs["attributes"][0]._metadata = 1
pairs["attributes"][1]._metadata = 2
`;

const files = torchFiles(pairs, {
  left: '{name: pair[0] for name, pair in pairs.items()}',
  right: '{name: pair[1] for name, pair in pairs.items()}',
});

async function differences(left: Uint8Array, right: Uint8Array): Promise<Difference[]> {
  await using one = await open(left);
  await using other = await open(right);
  const found: Difference[] = [];
  for await (const difference of diff(one.value, other.value)) found.push(difference);
  return found;
}

const none = { nan: 0, nanBits: 0, zeroSigns: 0, worstUlps: 0, maxAbsolute: 0 };

/** Numbers stand in order of the names above; what is equal is not there. */
const expected: object[] = [
  { path: 'float', kind: 'value', left: '1', right: '1.0' },
  { path: 'zero', kind: 'value', left: '0.0', right: '-0.0' },
  { path: 'bool', kind: 'value', left: 'True', right: '1' },
  { path: 'big', kind: 'value', left: String(2n ** 70n), right: String(2n ** 70n + 1n) },
  { path: 'long', kind: 'value', left: `'${'x'.repeat(60)}'… (100 characters) of other content` },
  { path: 'bytes', kind: 'value', left: 'bytes of 3 of other content', right: 'bytes of 3' },
  { path: 'set', kind: 'value', left: '{1}', right: '{1.0}' },
  { path: 'member', kind: 'value', left: '{1}', right: '1' },
  { path: 'empty', kind: 'value', left: 'set()', right: "''" },
  { path: 'controls', kind: 'order', left: String.raw`'\x9b'`, right: String.raw`'\u202e'` },
  { path: 'list', kind: 'type', left: 'list', right: 'tuple' },
  { path: 'length[2]', kind: 'only-right', right: '3' },
  { path: "keys['1']", kind: 'only-left', left: '0' },
  { path: 'keys[1]', kind: 'only-right', right: '0' },
  { path: 'order', kind: 'order', left: "'a'", right: "'b'" },
  { path: 'dict', kind: 'type', left: 'OrderedDict', right: 'dict' },
  { path: 'kind', kind: 'value', left: 'dict of 1', right: '[1]' },
  { path: 'shape', kind: 'value', left: 'int64 [2]', right: 'int64 [3]' },
  { path: 'dtype', kind: 'value', left: 'float32 [2]', right: 'int64 [2]' },
  { path: 'parameter', kind: 'type', left: 'Parameter that requires grad', right: 'Tensor' },
  elements('ulp', 'float32 [2]', 2, 2, { worstUlps: 1, maxAbsolute: 2 ** -23 }, [0], 1, 1 + 2 ** -23),
  elements('nanelement', 'float32 [3]', 2, 3, { nan: 1, zeroSigns: 1 }, [0], 1, NaN),
  elements('nanbits', 'float32 [1]', 1, 1, { nanBits: 1 }, [0], NaN, NaN),
  elements('int64', 'int64 [2]', 1, 2, { maxAbsolute: 3 }, [0], 2n ** 62n, 2n ** 62n + 3n),
  elements('uint64', 'uint64 []', 1, 1, { maxAbsolute: 1 }, [], 2n ** 64n - 1n, 2n ** 64n - 2n),
  elements('complex', 'complex64 [2]', 1, 2, { worstUlps: 2 ** 21, maxAbsolute: 0.5 }, [0], 2, 2.5),
  elements(
    'large',
    'float32 [3, 1500000]',
    1,
    4.5e6,
    { worstUlps: 1, maxAbsolute: 2 ** -149 },
    [2, 1499999],
    0,
    2 ** -149,
  ),
  { path: 'attributes(attributes)._metadata', kind: 'value', left: '1', right: '2' },
];

function elements(
  path: string,
  tensor: string,
  differing: number,
  size: number,
  counts: Partial<typeof none>,
  index: number[],
  left: number | bigint,
  right: number | bigint,
): object {
  const difference = { differing, elements: size, ...none, ...counts, worst: { index, left, right } };
  return { path, kind: 'elements', tensor, difference };
}

test('tells what differs, by path, and nothing else', async (t) => {
  const { left, right } = await files;
  const found = await differences(left, right);
  for (const [i, difference] of expected.entries()) t.like(found[i], difference);
  t.is(found.length, expected.length, JSON.stringify(found.slice(expected.length)));
});

test('tells nothing of a file and itself', async (t) => {
  for (const file of Object.values(await files)) t.deepEqual(await differences(file, file), []);
});

/** A list that holds a value and the next of n lists, the last of which holds the first. */
function ring(n: number, value: unknown): unknown[] {
  const lists = Array.from({ length: n }, (): unknown[] => [value]);
  for (const [i, list] of lists.entries()) list.push(lists[(i + 1) % n]);
  return lists[0]!;
}

test('keys that are tuples of tuples, each twice, are compared once each', async (t) => {
  const key = (end: unknown): Tuple => {
    let tuple = Tuple.of(end);
    for (let i = 0; i < 60; i++) tuple = Tuple.of(tuple, tuple);
    return tuple;
  };
  t.deepEqual(await pathsOf(new Map([[key(1), 1]]), new Map([[key(1), 1]])), []);
  t.is((await pathsOf(new Map([[key(1), 1]]), new Map([[key('1'), 1]]))).length, 2);
  t.is((await pathsOf(new Set([key(1)]), new Set([key(true)]))).length, 1);
});

async function pathsOf(left: unknown, right: unknown): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of diff(left, right)) paths.push(path);
  return paths;
}

test('rings of different lengths are compared pair by pair, deeper than any stack', async (t) => {
  t.deepEqual(await pathsOf(ring(307, 1), ring(293, 1)), []);
  t.is((await pathsOf(ring(37, 1), ring(23, 2))).length, 37 * 23);
});

test('rings of too many pairs are refused', async (t) => {
  await t.throwsAsync(pathsOf(ring(401, 1), ring(397, 1)), {
    name: 'UnsupportedError',
    message: /cannot be compared/,
  });
});
