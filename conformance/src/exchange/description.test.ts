import test from 'ava';
import fc from 'fast-check';
import { firstDifference } from './compare_descriptions.ts';
import { build, describe, inOldTorch, type Description } from './description.ts';
import { keys, ptFeatures, trees } from './trees.ts';

const told = trees(ptFeatures['2.15']);

test('a value that is built of a description is described by it', async (t) => {
  await fc.assert(
    fc.asyncProperty(told, async (description) => {
      t.is(firstDifference(await describe(build(description)), description), undefined);
    }),
    { numRuns: 200 },
  );
});

test('any bit of a storage that is used counts', (t) => {
  let tried = 0;
  fc.assert(
    fc.property(told, fc.nat(), (description, number) => {
      const used = JSON.stringify(description.value).match(/"(?:tensor|requiringGrad)":(\d+)/);
      const storage = used ? description.tensors[Number(used[1])]!.storage : 0;
      const bytes = description.storages[storage]!;
      if (!used || bytes.length === 0) return;
      const flipped = bytes.with(number % bytes.length, bytes[number % bytes.length]! ^ 1);
      const other: Description = { ...description, storages: description.storages.with(storage, flipped) };
      t.truthy(firstDifference(other, description));
      tried += 1;
    }),
    { numRuns: 200 },
  );
  t.true(tried > 20);
});

test('a difference says where it is, in decimal and in hexadecimal', (t) => {
  const of = (hex: string): Description => ({
    value: { dict: [['weight', [{ tensor: 0 }]]] },
    tensors: [{ dtype: 'float32', shape: [2], stride: [1], offset: 0, storage: 0 }],
    storages: [new Uint8Array(Buffer.from(hex, 'hex'))],
  });
  t.deepEqual(firstDifference(of('0000803f00000080'), of('0000803f00000000')), {
    path: 'value["weight"][0], element 1 of its storage',
    ours: '-0  0x80000000',
    theirs: '0  0x00000000',
  });
});

test('no key is -0.0, which no Map holds, but in a tuple', (t) => {
  const drawn = fc.sample(keys, { seed: 1, numRuns: 20_000 }).map((key) => JSON.stringify(key));
  t.false(drawn.includes('{"float":"-0"}'));
  t.true(drawn.some((key) => key.includes('{"float":"-0"}')));
});

test('for torch 2.1 it is the same whether storages without bytes are shared, and for that alone', (t) => {
  const of = (storage: number, bytes: number): Description => ({
    value: [{ tensor: 0 }, { tensor: 1 }],
    tensors: [0, storage].map((storage) => ({
      ...{ dtype: 'uint8', shape: [0], stride: [1], offset: 0, storage },
    })),
    storages: [new Uint8Array(bytes), new Uint8Array(bytes)],
  });
  t.truthy(firstDifference(of(0, 0), of(1, 0)));
  t.is(firstDifference(inOldTorch(of(0, 0)), inOldTorch(of(1, 0))), undefined);
  t.truthy(firstDifference(inOldTorch(of(0, 1)), inOldTorch(of(1, 1))));
});
