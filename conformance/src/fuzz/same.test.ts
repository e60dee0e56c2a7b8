import test from 'ava';
import {
  ByteArray,
  LoadedTensor,
  load,
  MemoryStorage,
  OrderedDict,
  pyFloat,
  pyInt,
  saveToBytes,
  Tuple,
} from 'torch-parity/checkpoint';
import { differenceOf } from './same.ts';

const storage = (...bytes: number[]): MemoryStorage => new MemoryStorage(Uint8Array.from(bytes));

function tensor(of: MemoryStorage, stride = [1], requiresGrad = false): LoadedTensor {
  return new LoadedTensor('uint8', [2], of.bytes.slice(0, 2), {
    storage: of,
    offset: 0,
    stride,
    requiresGrad,
    parameter: false,
  });
}

/** A list that holds itself. */
function cycle(): unknown[] {
  const list: unknown[] = [];
  list.push(list);
  return list;
}

const one = storage(1, 2);
const list = [1];
const different: [name: string, mine: unknown, theirs: unknown][] = [
  ['a number', [1, 2], [1, 3]],
  ['the sign of zero', [0], [-0]],
  ['the length of a list', [1], [1, 2]],
  ['a tuple and a list', Tuple.of(1), [1]],
  ['an ordered dict and a dict', new OrderedDict(), new Map()],
  [
    'the order of keys',
    new Map([
      ['a', 1],
      ['b', 2],
    ]),
    new Map([
      ['b', 2],
      ['a', 1],
    ]),
  ],
  ['the type of a key', new Map<unknown, number>([[1, 1]]), new Map<unknown, number>([['1', 1]])],
  ['bytes', Uint8Array.of(1), Uint8Array.of(2)],
  ['bytes and a bytearray', Uint8Array.of(1), ByteArray.of(1)],
  ['an element', tensor(one), tensor(storage(1, 3))],
  ['a stride', tensor(one), tensor(one, [2])],
  ['requires_grad', tensor(one), tensor(one, [1], true)],
  ['a shared list', [list, list], [[1], [1]]],
  ['a list that is not shared', [[1], [1]], [list, list]],
  ['a shared storage', [tensor(one), tensor(one)], [tensor(one), tensor(storage(1, 2))]],
  ['a cycle', cycle(), [[1]]],
];

for (const [name, mine, theirs] of different) {
  test(`finds ${name}`, (t) => {
    t.not(differenceOf(mine, theirs), undefined);
    t.is(differenceOf(mine, mine), undefined);
  });
}

test('finds an int where a float was', async (t) => {
  const [int, float] = await Promise.all(
    [pyInt(1), pyFloat(1)].map(async (value) => load(await saveToBytes([value]))),
  );
  t.is(differenceOf(int, float), 'value[0] (type)');
});

test('finds an int as a key where a float was', async (t) => {
  const dicts = [pyInt(1), pyFloat(1)].map((key) => new Map([[key, 'x']]));
  const [int, float] = await Promise.all(dicts.map(async (dict) => load(await saveToBytes(dict))));
  t.is(differenceOf(int, float), 'value, key 1 (type)');
});

test('cycles are equal to cycles', (t) => {
  t.is(differenceOf(cycle(), cycle()), undefined);
});
