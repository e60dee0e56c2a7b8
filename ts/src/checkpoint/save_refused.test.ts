import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { ByteArray, Complex, OrderedDict, Size, Tuple } from '../python/collections.ts';
import { pyInt } from '../python/number.ts';
import { Device, TorchDType } from '../python/torch_values.ts';
import { TensorData } from '../tensor_data.ts';
import { save, saveToBytes } from './save.ts';
import { MemoryStorage } from './storage.ts';
import { LoadedTensor } from './tensor.ts';

const tensor = TensorData.from('float32', [1, 2, 3]);
let directory = '';

test.before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'torch-parity-refused-'));
});
test.after.always(() => rm(directory, { recursive: true, force: true }));

const cyclicTuple = new Tuple();
cyclicTuple.push([cyclicTuple]);
const view = (dtype: 'float32' | 'int32', storage: MemoryStorage, offset = 0): LoadedTensor =>
  new LoadedTensor(dtype, [1], new Uint8Array(4), {
    storage,
    offset,
    stride: [1],
    requiresGrad: false,
    parameter: false,
  });
const storage = new MemoryStorage(new Uint8Array(8));
const layout = (other: object, dtype: 'float32' | 'int32' = 'float32'): LoadedTensor =>
  Object.assign(view(dtype, storage), other);

const cyclicKey = new Tuple();
cyclicKey.push(cyclicKey);
/** So many tuples that share all that is in them that none could go through all paths. */
const sharedKey = Array.from({ length: 60 }).reduce<Tuple>((inner) => Tuple.of(inner, inner), Tuple.of(1));
const selfTensor = new (class {
  toTensorData(): unknown {
    return this;
  }
})();
const transferred = TensorData.from('float32', [1]);
structuredClone(transferred.bytes, { transfer: [transferred.bytes.buffer as ArrayBuffer] });

function withAttributes(attributes: unknown): OrderedDict {
  return Object.assign(new OrderedDict(), { attributes });
}

/** What cannot be saved, in either format, with where it is and what the error says. */
const refused: [value: unknown, path: string, message: RegExp, code?: string][] = [
  [{ a: [undefined] }, 'a[0]', /null/],
  [new Array(2), '[0]', /undefined/],
  [{ 'a b': () => 1 }, '["a b"]', /function/],
  [new Map([[0, { x: Symbol() }]]), '[0].x', /symbol/],
  [{ a: 1, [Symbol('hidden')]: 2 }, 'value', /symbol/],
  [[new Date()], '[0]', /Date/],
  [{ later: Promise.resolve() }, 'later', /await/],
  [{ w: new Float32Array(2) }, 'w', /TensorData/],
  [{ w: { dataId: {}, rankType: '1', __proto__: class {}.prototype } }, 'w', /fromTensor/],
  [['\ud800'], '[0]', /surrogate/],
  [{ '\udc00': 1 }, '["\\udc00"]', /surrogate/],
  [
    new Map<unknown, number>([
      [1, 1],
      [true, 2],
    ]),
    '[True]',
    /equal/,
  ],
  [
    new Map([
      [Tuple.of(1), 1],
      [Tuple.of(1), 2],
    ]),
    '[(1,)]',
    /equal/,
  ],
  [new Set([[1]]), '[[1]]', /hash/],
  [new Map([[{}, 1]]), '[{…}]', /hash/],
  [[pyInt(1.5)], '[0]', /pyFloat/],
  [[2n ** 20000n], '[0]', /string/],
  [[view('float32', storage, 2)], '[0]', /12 bytes.*has 8/],
  [[cyclicTuple], '[0][0][0]', /itself/, 'CYCLE'],
  // Keys and members of sets
  [new Map([[tensor, 1]]), '[<TensorData>]', /tensor.*name/],
  [new Set([Tuple.of(tensor)]), '[(<TensorData>,)]', /tensor.*name/],
  [new Map([[pyInt(1.5), 1]]), '[1.5]', /pyFloat/],
  [new Map([[new Date(0), 1]]), '[<Date>]', /Date/],
  [new Set([Symbol('s')]), '[Symbol(s)]', /symbol/],
  [new Map([[Tuple.of('\ud800'), 1]]), '[("\\ud800",)]', /surrogate/],
  [new Set([Tuple.of(2n ** 5000n)]), `[(${String(2n ** 5000n).slice(0, 60)}…,)]`, /string/],
  [new Map([[cyclicKey, 1]]), '[(((…,),),)]', /itself/, 'CYCLE'],
  // Values that only look right
  [[new TorchDType('torch.float32' as never)], '[0]', /no dtype/],
  [[new Device('Nonsense dev', 0)], '[0]', /no device/],
  [[new Device('cuda', 1.5)], '[0]', /1\.5.*no device/],
  [[Size.of(1.5)], '[0]', /Size/],
  [[withAttributes(new Map([[1, 2]]))], '[0]', /attributes/],
  [[withAttributes({ _metadata: 1 })], '[0]', /a Map of their names/],
  [{ w: structuredClone(tensor) }, 'w', /structuredClone.*new TensorData/],
  [runInNewContext('[new Map()]'), '[0]', /Map is of another realm/],
  [[runInNewContext('new Uint8Array(1)')], '[0]', /Uint8Array is of another realm/],
  [[{ __proto__: { toTensorData: () => null } }], '[0]', /no TensorData/],
  [[selfTensor], '[0]', /gives no TensorData/],
  [[transferred], '[0]', /transferred/],
  [[layout({ offset: -1 })], '[0]', /not negative/],
  [[layout({ stride: [-1] })], '[0]', /\[-1\].*not negative/],
  [[layout({ stride: [0.5] })], '[0]', /whole/],
  [[layout({ stride: [] })], '[0]', /no tensor of/],
  [[layout({ requiresGrad: true }, 'int32')], '[0]', /requiresGrad false/],
];

for (const format of ['pt', 'safetensors'] as const) {
  for (const [value, path, message, code = 'UNSUPPORTED_VALUE'] of refused) {
    test(`${format}: at ${path}: ${message.source}`, async (t) => {
      const file = join(directory, 'refused');
      const error = await t.throwsAsync(save(value, file, { format }), {
        name: 'UnsupportedError',
        code,
        message,
      });
      t.is((error as { details?: { path: string } }).details?.path, path);
      t.true(error?.message.startsWith(`${path}: `));
      t.false((await readdir(directory)).includes('refused'));
    });
  }
}

test('what one format alone refuses', async (t) => {
  const list: unknown[] = [];
  list.push({ list });
  await t.throwsAsync(saveToBytes(list, { format: 'safetensors' }), {
    code: 'CYCLE',
    message: /list: .*\.pt/,
  });
  const complex = new TensorData('complex128', [1], new Uint8Array(16));
  await t.throwsAsync(saveToBytes({ complex }, { format: 'safetensors' }), { code: 'UNSUPPORTED_DTYPE' });
  const deep = Array.from({ length: 2000 }).reduce<unknown>((inner) => [inner], 1);
  await t.throwsAsync(saveToBytes(deep, { format: 'safetensors' }), { message: /deep/ });
  await t.throwsAsync(saveToBytes([new Uint8Array()]), { code: 'UNSUPPORTED_VALUE', message: /empty bytes/ });
  const mixed = [view('float32', storage), view('int32', storage)];
  await t.throwsAsync(saveToBytes(mixed), { code: 'UNSUPPORTED_VALUE', message: /different dtypes/ });
  const halfComplex = new LoadedTensor('complex32', [], new Uint8Array(4), {
    ...{ storage: new MemoryStorage(new Uint8Array(4)), offset: 0, stride: [] },
    ...{ requiresGrad: true, parameter: false },
  });
  await t.throwsAsync(saveToBytes(halfComplex), { code: 'UNSUPPORTED_VALUE', message: /as a parameter/ });
  await t.throwsAsync(saveToBytes(new Map([[sharedKey, undefined]])), {
    code: 'UNSUPPORTED_VALUE',
    message: /^\[\(\(\(…, …\), .{20,40}: undefined/,
  });
  const deepKey = Array.from({ length: 20_000 }).reduce<Tuple>((inner) => Tuple.of(inner), Tuple.of(1));
  await t.notThrowsAsync(saveToBytes(new Map([[deepKey, 1]])));
  await t.throwsAsync(saveToBytes(new Map([[deepKey, 1]]), { format: 'safetensors' }), { message: /deep/ });
});

test("torch 2.1's reader has no bytes, sets, complex numbers, and not every dtype", async (t) => {
  const refusedBy21 = [
    Uint8Array.of(1),
    new ByteArray(2),
    new Set([1]),
    new Complex(1, 2),
    new TorchDType('bfloat16'),
    new TensorData('uint16', [1], new Uint8Array(2)),
    new TensorData('float8_e5m2', [1], new Uint8Array(1)),
  ];
  for (const value of refusedBy21) {
    await t.throwsAsync(saveToBytes({ value }, { target: '2.1' }), {
      code: 'TARGET',
      message: /^value: .*2\.1/,
    });
    await t.notThrowsAsync(saveToBytes({ value }));
  }
});
