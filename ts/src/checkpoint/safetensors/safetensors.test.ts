import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { itemSizes, type DType } from '../../dtype.ts';
import { OrderedDict, Tuple } from '../../python/collections.ts';
import { pyFloat } from '../../python/number.ts';
import { toTagged, type Tagged } from '../../python/tagged.ts';
import { TensorData } from '../../tensor_data.ts';
import { runPython } from '../../testing/python.ts';
import type { LazyTensor } from '../lazy_tensor.ts';
import { load, open, type Dict } from '../index.ts';
import { save, saveToBytes } from '../save.ts';
import { LoadedTensor } from '../tensor.ts';
import { trees } from '../testing/trees.ts';
import { nameOfDType } from './dtypes.ts';

const format = 'safetensors';
const dtypes = Object.keys(nameOfDType) as DType[];

/** A tensor of all kinds of bytes. */
function tensor(dtype: DType, ...shape: number[]): TensorData {
  const length = shape.reduce((product, size) => product * size, itemSizes[dtype]);
  return new TensorData(
    dtype,
    shape,
    Uint8Array.from({ length }, (_, i) => (dtype === 'bool' ? i % 2 : 37 * i)),
  );
}

/** Dicts of tensors, which are ordinary files. */
const ordinary: Record<string, Record<string, TensorData>> = {
  dtypes: Object.fromEntries(dtypes.map((dtype) => [dtype, tensor(dtype, 2, 3)])),
  shapes: {
    b: tensor('float32', 0, 3),
    a: tensor('float32'),
    '': tensor('int8', 1),
    c: tensor('float32', 0),
  },
  names: Object.fromEntries(
    ['2', '10', 'é', '😀', '\uffee', 'a"\\\n\x7f', 'x.y'].map((name) => [name, tensor('bool', 5)]),
  ),
  nothing: {},
};

const step = tensor('float32');
/** A tree, and the names that its tensors have. */
const checkpoint = {
  model: new OrderedDict([['layer.weight', tensor('bfloat16', 2, 2)]]),
  optimizer: {
    state: new Map<number, unknown>([
      [0, { step, exp_avg: tensor('float32', 2) }],
      [1, { step }],
    ]),
    param_groups: [{ lr: pyFloat(1), betas: new Tuple(0.9, 0.999), params: [0, 1] }],
  },
  'model.layer': { weight: tensor('int8', 1) },
  __metadata__: tensor('uint8', 3),
};
const names = [
  'optimizer.state.0.exp_avg',
  'optimizer.state.0.step',
  'model.layer.weight',
  '__metadata__~2',
  'model.layer.weight~2',
];

const inPython = `
import json, os
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

os.mkdir('again')
for name in os.listdir('ordinary'):
    tensors = load_file(f'ordinary/{name}')
    save_file(tensors, f'again/{name}', metadata={'format': 'pt'})

with safe_open('checkpoint.safetensors', 'pt') as file:
    raw = lambda tensor: tensor.reshape(-1).view(torch.uint8).numpy().tobytes().hex()
    tensors = {name: [str(file.get_tensor(name).dtype), raw(file.get_tensor(name))] for name in file.keys()}
    print(json.dumps([tensors, file.metadata()]))
`;

let directory = '';
let told: [tensors: Record<string, [dtype: string, bytes: string]>, metadata: Record<string, string>];

test.before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'torch-parity-safetensors-'));
  await mkdir(join(directory, 'ordinary'));
  for (const [name, value] of Object.entries(ordinary)) {
    await save(value, join(directory, 'ordinary', `${name}.safetensors`));
  }
  await save(checkpoint, join(directory, 'checkpoint.safetensors'));
  told = JSON.parse(String(await runPython(inPython, { cwd: directory })));
});
test.after.always(() => rm(directory, { recursive: true, force: true }));

test('the Python library reads a dict of tensors in every dtype, and writes the same file', async (t) => {
  for (const name of await readdir(join(directory, 'ordinary'))) {
    const [ours, theirs] = await Promise.all(
      ['ordinary', 'again'].map((folder) => readFile(join(directory, folder, name))),
    );
    t.true(ours!.equals(theirs!), name);
  }
});

test('what the Python library wrote is read, lazily too, and written as the same file', async (t) => {
  for (const [name, tensors] of Object.entries(ordinary)) {
    const path = join(directory, 'again', `${name}.safetensors`);
    await using file = await open<Map<string, LazyTensor>>(path);
    t.deepEqual(file.metadata, new Map([['format', 'pt']]));
    t.is(file.value.size, Object.keys(tensors).length);
    for (const [key, { dtype, shape, bytes }] of Object.entries(tensors)) {
      const read = file.value.get(key)!;
      t.deepEqual([read.dtype, read.shape, [...(await read.bytes())]], [dtype, shape, [...bytes]]);
    }
    t.true((await readFile(path)).equals(await saveToBytes(file.value, { format })), name);
    t.true((await readFile(path)).equals(await saveToBytes(await load(path), { format })), name);
  }
});

test('the Python library finds the tensors of a tree under their paths', (t) => {
  const [tensors, metadata] = told;
  t.deepEqual(Object.keys(tensors).toSorted(), names.toSorted());
  const { model, optimizer } = checkpoint;
  const hex = (data: TensorData): string => Buffer.from(data.bytes).toString('hex');
  t.deepEqual(tensors['model.layer.weight'], ['torch.bfloat16', hex(model.get('layer.weight')!)]);
  const { exp_avg } = optimizer.state.get(0) as { exp_avg: TensorData };
  t.deepEqual(tensors['optimizer.state.0.exp_avg'], ['torch.float32', hex(exp_avg)]);
  t.deepEqual(Object.keys(metadata).toSorted(), ['format', 'torch_parity.tree']);
});

test('a tensor that occurs twice is one entry, and one object again', async (t) => {
  const loaded = await load<Dict>(join(directory, 'checkpoint.safetensors'));
  const state = loaded.get('optimizer').get('state');
  t.is(state.get(0).get('step'), state.get(1).get('step'));
});

/** A value as JSON, tensors with their bytes. */
function described(value: unknown): Tagged {
  return toTagged(value, (object) => {
    if (!(object instanceof LoadedTensor)) return undefined;
    const { dtype, shape, bytes, parameter, requiresGrad } = object;
    return { tensor: JSON.stringify({ dtype, shape, bytes: [...bytes], parameter, requiresGrad }) };
  });
}

test('any tree comes back, and makes the same file again', async (t) => {
  await fc.assert(
    fc.asyncProperty(trees(dtypes), async (value) => {
      const bytes = await saveToBytes(value, { format });
      const loaded = await load(bytes);
      t.deepEqual(described(loaded), described(value));
      t.true(Buffer.from(await saveToBytes(loaded, { format })).equals(bytes));
    }),
    { numRuns: 200 },
  );
});

test('a value that is one tensor, one number or one string comes back', async (t) => {
  const read = async (value: unknown): Promise<unknown> => load(await saveToBytes(value, { format }));
  t.deepEqual(((await read(step)) as TensorData).bytes, step.bytes);
  t.deepEqual(await Promise.all([3, 0.5, 'text', null, 2n ** 70n].map(read)), [
    3,
    0.5,
    'text',
    null,
    2n ** 70n,
  ]);
});

test('a long tree and a deep one come back', async (t) => {
  const losses = Array.from({ length: 250_000 }, (_, i) => 1 / (i + 3));
  t.deepEqual((await load<Dict>(await saveToBytes({ losses }, { format }))).get('losses'), losses);
  let deep: unknown = 1;
  for (let i = 0; i < 1_000; i++) deep = [deep];
  t.deepEqual(await load(await saveToBytes(deep, { format })), deep);
});

/** A file of one tensor `a` with a tree. */
function withTree(tree: string): Uint8Array {
  const json = JSON.stringify({
    __metadata__: { 'torch_parity.tree': tree },
    a: { dtype: 'U8', shape: [2], data_offsets: [0, 2] },
  });
  const bytes = Buffer.alloc(8 + json.length + 2);
  bytes.writeBigUInt64LE(BigInt(json.length));
  bytes.write(json, 8);
  return bytes;
}

test('a tree that does not fit the file is refused', async (t) => {
  const good = '{"dict":[["x",{"tensor":"a"}]]}';
  t.deepEqual([...(await load<Dict>(withTree(good))).keys()], ['x']);
  const bad = [
    '',
    '[',
    '[]',
    '{"tensor":"b"}',
    '[{"tensor":"a"},{"tensor":"toString"}]',
    '[{"tensor":"a"},{"eval":"1"}]',
    '[{"tensor":"a"},{"int":"0x10"}]',
    `[{"tensor":"a"},{"int":"${'9'.repeat(100_000)}"}]`,
    '[{"tensor":"a"},{"dict":[[[],1]]}]',
    '[{"tensor":"a"},{"orderedDict":null}]',
    '{"parameter":{"tensor":"a","requiresGrad":1}}',
  ];
  for (const tree of bad)
    await t.throwsAsync(load(withTree(tree)), { name: 'FormatError', code: 'TREE' }, tree);
  const deep = `${'['.repeat(5000)}${good}${']'.repeat(5000)}`;
  await t.throwsAsync(load(withTree(deep)), { name: 'LimitError', message: /limits\.depth/ });
});
