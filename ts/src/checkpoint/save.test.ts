import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { ByteArray, Complex, Tuple } from '../python/collections.ts';
import { pyFloat, pyInt } from '../python/number.ts';
import { TorchDType } from '../python/torch_values.ts';
import { TensorData } from '../tensor_data.ts';
import { load, open } from './open.ts';
import { save, saveToBytes } from './save.ts';
import { FileStorage, MemoryStorage } from './storage.ts';
import { LoadedTensor } from './tensor.ts';

const tensor = TensorData.from('float32', [1, 2, 3]);
const large = new TensorData('uint8', [40 << 20], new Uint8Array(40 << 20).fill(7));
let directory = '';

test.before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'torch-parity-save-'));
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
  [new Map([[{}, 1]]), '[{}]', /hash/],
  [[pyInt(1.5)], '[0]', /pyFloat/],
  [[2n ** 20000n], '[0]', /string/],
  [[view('float32', storage, 2)], '[0]', /12 bytes.*has 8/],
  [[cyclicTuple], '[0][0][0]', /itself/, 'CYCLE'],
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

test('an archive for torch 2.1 has the records that torch 2.1 writes', async (t) => {
  const archive = Buffer.from(await saveToBytes([tensor], { target: '2.1', name: 'x' })).toString('latin1');
  const [, ...headers] = archive.split('PK\x01\x02');
  const names = headers.map((header) => header.slice(42, 42 + header.charCodeAt(24)));
  const expected = ['data.pkl', 'byteorder', 'data/0', 'version', '.data/serialization_id'];
  t.deepEqual(
    names,
    expected.map((name) => `x/${name}`),
  );
});

test('the folder in the archive is named as torch names it', async (t) => {
  const nameOf = async (path: string, name?: string): Promise<string> => {
    await save(1, join(directory, path), name === undefined ? {} : { name });
    const bytes = await readFile(join(directory, path));
    return bytes.subarray(30, bytes.indexOf('/data.pkl')).toString();
  };
  t.is(await nameOf('model.pt'), 'model');
  t.is(await nameOf('model.v1.pt'), 'model.v1');
  t.is(await nameOf('model'), 'model');
  t.is(await nameOf('.pt'), 'archive');
  t.is(await nameOf('modèle.pt'), 'archive');
  t.is(await nameOf('model.pt', 'other'), 'other');
  for (const name of ['', '.', '..', 'a/b', 'a\\b']) {
    await t.throwsAsync(saveToBytes(1, { name }), { instanceOf: RangeError, message: /folder/ });
  }
});

test('the format goes by the extension, unless it is told', async (t) => {
  const formatOf = async (path: string | URL, format?: 'pt' | 'safetensors'): Promise<string> => {
    await save({ tensor }, path, format === undefined ? {} : { format });
    await using checkpoint = await open(path);
    return checkpoint.format;
  };
  t.is(await formatOf(join(directory, 'f.safetensors')), 'safetensors');
  t.is(await formatOf(pathToFileURL(join(directory, 'ü b.safetensors'))), 'safetensors');
  t.is(await formatOf(join(directory, 'f.bin')), 'pt');
  t.is(await formatOf(join(directory, 'f.safetensors'), 'pt'), 'pt');
  await t.throwsAsync(saveToBytes(1, { format: 'npz' as never }), { message: /'pt' or 'safetensors'/ });
  await t.throwsAsync(saveToBytes(1, { target: '2.0' as never }), { message: /'2.1' or '2.15'/ });
  await t.throwsAsync(save(1, 3 as never), { message: /a path, a file: URL or a WritableStream/ });
});

test('a file can be saved over itself while it is read', async (t) => {
  const path = join(directory, 'self.pt');
  await save([large, tensor, 1], path);
  await using checkpoint = await open<unknown[]>(path);
  await save([...checkpoint.value, pyFloat(2)], path);
  const [first, second, ...rest] = await load<[TensorData, TensorData, number, number]>(path);
  t.true(Buffer.from(first.bytes).equals(large.bytes));
  t.deepEqual(second.bytes, tensor.bytes);
  t.deepEqual(rest, [1, 2]);
});

for (const format of ['pt', 'safetensors'] as const) {
  test(`${format}: a stream gets the same bytes, and progress is told up to all of them`, async (t) => {
    const value = { large, tensor, step: 1 };
    const expected = await saveToBytes(value, { format });
    const chunks: Uint8Array[] = [];
    let closed = false;
    const stream = new WritableStream<Uint8Array>({
      write: (chunk) => void chunks.push(chunk),
      close: () => void (closed = true),
    });
    const told: number[] = [];
    await save(value, stream, {
      format,
      onProgress: (done, total) => {
        t.is(total, expected.length);
        told.push(done);
      },
    });
    t.true(Buffer.concat(chunks).equals(expected) && closed);
    t.true(told.length > 5 && told.every((done, i) => done > (told[i - 1] ?? 0)));
    t.is(told.at(-1), expected.length);
  });

  test(`${format}: an abort leaves the old file and nothing else`, async (t) => {
    const path = join(await mkdtemp(join(directory, 'abort-')), 'a');
    await writeFile(path, 'old');
    const controller = new AbortController();
    const reason = new Error('enough');
    let told = 0;
    const onProgress = (): void => {
      told++;
      controller.abort(reason);
    };
    const options = { format, signal: controller.signal, onProgress };
    t.is(await t.throwsAsync(save({ large }, path, options)), reason);
    t.is(told, 1, 'it ends at once');
    t.is(String(await readFile(path)), 'old');
    t.deepEqual(await readdir(join(path, '..')), ['a']);
    let aborted: unknown;
    const stream = new WritableStream<Uint8Array>({ abort: (why) => void (aborted = why) });
    t.is(await t.throwsAsync(save({ large }, stream, options)), reason);
    t.is(aborted, undefined, 'a save that was aborted before it began touches no stream');
  });
}

test('a tensor that cannot be read leaves the old file', async (t) => {
  const path = join(await mkdtemp(join(directory, 'closed-')), 'a.pt');
  await save([tensor], path);
  const old = await readFile(path);
  const checkpoint = await open<[{ storage: FileStorage }]>(path);
  await checkpoint.close();
  await t.throwsAsync(save(checkpoint.value, path), { name: 'ClosedError', code: 'CLOSED' });
  t.true((await readFile(path)).equals(old));
  t.deepEqual(await readdir(join(path, '..')), ['a.pt']);
});

test('what has toTensorData is a tensor', async (t) => {
  const parameter = new (class {
    toTensorData(): TensorData {
      return tensor;
    }
  })();
  const [first, second] = await load<LoadedTensor[]>(await saveToBytes([parameter, parameter]));
  t.deepEqual(first?.bytes, tensor.bytes);
  t.is(first, second);
});
