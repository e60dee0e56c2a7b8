import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { itemSizes, type DType } from '../../dtype.ts';
import { Counter, OrderedDict, Tuple } from '../../python/collections.ts';
import { TensorData } from '../../tensor_data.ts';
import { runPython } from '../../testing/python.ts';
import { load, open } from '../open.ts';
import { saveToBytes } from '../save.ts';
import { trees } from '../testing/trees.ts';

/** Numbers up to `count`. */
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const pairs = (count: number): [number, number][] => range(count).map((i) => [i, i]);

const cyclicList: unknown[] = [1];
cyclicList.push(cyclicList);
const cyclicDict = new Map<string, unknown>();
cyclicDict.set('self', [new Tuple(cyclicDict)]);
const shared = [1];

/** Where Python's pickler has its boundaries, and what random trees seldom have. */
const written: Record<string, unknown> = {
  batches: [999, 1000, 1001, 2000, 2001].flatMap((count) => [
    range(count),
    new Map(pairs(count)),
    new OrderedDict(pairs(count)),
    new Counter(pairs(count)),
  ]),
  cycles: [cyclicList, cyclicDict, shared, shared],
  objects: { state: { 0: { step: 1, lr: 0.5 } }, nothing: Object.create(null) as unknown },
  storages: range(300).map((i) => TensorData.from('int32', [i], [1, 1])),
  long: 'x'.repeat(70_000),
};

/** What torch writes itself, to be read and written again. */
const inPython = `
import os, sys
from collections import Counter, OrderedDict
import torch

base = torch.arange(12.0).view(3, 4)
model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
values = {
    'none': None,
    'number': 3,
    'float': [1.0, -0.0, float('nan'), 2.0**60, 1e300],
    'model': model.state_dict(),
    'views': [base, base[1:], base.t(), base[0, 1], base.expand(2, 3, 4), torch.nn.Parameter(base), base.clone().requires_grad_()],
    'new dtypes': [torch.zeros(3, dtype=dtype) for dtype in (torch.uint16, torch.float8_e4m3fn, torch.uint64, torch.uint16)],
    'empty': [torch.empty(0), torch.empty(2, 0), torch.tensor(1)],
    'collections': [(), (1,), (1, 2, 3, 4), OrderedDict(alpha=1), Counter('beta'), {5}, bytearray(b''), bytearray(b'xy'), b'yz', 1j],
    'sizes': [torch.Size([]), torch.Size([1, 2]), torch.float32, torch.device('cuda:1'), torch.device('cpu')],
    'parameters': OrderedDict((f'layer.{i}', torch.nn.Parameter(torch.rand(i + 1))) for i in range(30)),
    'many': [torch.full((2,), i) for i in range(1200)],
    'v1.2': {'dotted': 'stem'},
}
for name, optimizer in torch.optim.__dict__.items():
    if isinstance(optimizer, type) and issubclass(optimizer, torch.optim.Optimizer) and optimizer is not torch.optim.Optimizer:
        parameters = [torch.nn.Parameter(torch.rand(2, 3)) for _ in range(3)]
        try:
            instance = optimizer(parameters, lr=0.1)
            for parameter in parameters:
                parameter.grad = torch.rand(2, 3)
            instance.step((lambda: torch.tensor(1.0)) if name == 'LBFGS' else None)
        except Exception:
            continue
        values[name] = {'optimizer': instance.state_dict(), 'scheduler': torch.optim.lr_scheduler.StepLR(instance, 3).state_dict()}
os.mkdir('torch')
for name, value in values.items():
    torch.save(value, f'torch/{name}.pt')

# What is ours, read and written again; torch can also calculate where the storages must be.
for mode in ('read', 'mmap', 'calculated'):
    torch.utils.serialization.config.load.calculate_storage_offsets = mode == 'calculated'
    os.mkdir(mode)
    for name in os.listdir('ours'):
        torch.save(torch.load(f'ours/{name}', weights_only=True, mmap=mode != 'read'), f'{mode}/{name}')
`;

const seed = Math.floor(Math.random() * 2 ** 31);
let directory = '';

test.before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'torch-parity-pt-'));
  await mkdir(join(directory, 'ours'));
  const samples = fc.sample(trees(Object.keys(itemSizes) as DType[]), { numRuns: 300, seed });
  const values = [...Object.entries(written), ...samples.map((value, i) => [`tree ${i}`, value] as const)];
  for (const [name, value] of values) {
    await writeFile(join(directory, 'ours', `${name}.pt`), await saveToBytes(value, { name }));
  }
  await runPython(inPython, { cwd: directory });
});

test.after.always(() => rm(directory, { recursive: true, force: true }));

for (const mode of ['read', 'mmap', 'calculated']) {
  test(`torch reads what is written, and writes the same bytes: ${mode}`, async (t) => {
    for (const name of await namesIn(t, 'ours')) {
      await sameBytes(t, await readFile(join(directory, mode, `${name}.pt`)), 'ours', name);
    }
  });
}

test('what is written is read, and makes the same bytes again', async (t) => {
  for (const name of await namesIn(t, 'ours')) {
    const value = await load(join(directory, 'ours', `${name}.pt`));
    await sameBytes(t, await saveToBytes(value, { name }), 'ours', name);
  }
});

test('what torch wrote is read and written byte for byte, from memory and from the open file', async (t) => {
  const names = await namesIn(t, 'torch');
  t.true(names.includes('Adam') && names.includes('LBFGS'));
  for (const name of names) {
    const path = join(directory, 'torch', `${name}.pt`);
    await sameBytes(t, await saveToBytes(await load(path), { name }), 'torch', name);
    await using checkpoint = await open(path);
    await sameBytes(t, await saveToBytes(checkpoint.value, { name }), 'torch', name);
  }
});

test('containers may be as deep as one likes', async (t) => {
  const deep = range(50_000).reduce<unknown>((inner, i) => (i % 2 === 0 ? [inner] : new Tuple(inner)), []);
  const bytes = await saveToBytes(deep);
  const loaded = await load(bytes, { limits: { depth: 60_000 } });
  t.deepEqual(await saveToBytes(loaded), bytes);
});

async function namesIn(t: ExecutionContext, folder: string): Promise<string[]> {
  const files = await readdir(join(directory, folder));
  t.true(files.length > 20);
  return files.map((file) => file.replace(/\.pt$/, ''));
}

async function sameBytes(
  t: ExecutionContext,
  bytes: Uint8Array,
  folder: string,
  name: string,
): Promise<void> {
  const expected = await readFile(join(directory, folder, `${name}.pt`));
  if (!expected.equals(bytes)) t.fail(`${folder}/${name}.pt makes other bytes (seed ${seed})`);
}
