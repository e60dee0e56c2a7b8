import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { pyFloat } from '../python/number.ts';
import { TensorData } from '../tensor_data.ts';
import { load, open } from './open.ts';
import { save, saveToBytes } from './save.ts';
import { MemorySink } from './sink.ts';
import type { FileStorage } from './storage.ts';
import type { LoadedTensor } from './tensor.ts';

const tensor = TensorData.from('float32', [1, 2, 3]);
const large = new TensorData('uint8', [40 << 20], new Uint8Array(40 << 20).fill(7));
let directory = '';

test.before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'torch-parity-save-'));
});
test.after.always(() => rm(directory, { recursive: true, force: true }));

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
  for (const path of ['.pt', '..pt', '...pt']) t.is(await nameOf(path), 'archive');
  t.is(await nameOf('modèle.pt'), 'archive');
  t.is(await nameOf('model.pt', 'other'), 'other');
  for (const name of ['', '.', '..', 'a/b', 'a\\b', 'a\0', 'x'.repeat(256), 'é'.repeat(128)]) {
    await t.throwsAsync(saveToBytes(1, { name }), { code: 'BAD_OPTION', message: /folder/ });
  }
});

test('an option that does not exist is an error, which names those that do', async (t) => {
  const misspelled = { tartget: '2.1' } as object;
  const expected = { code: 'UNKNOWN_OPTION', message: /"tartget".*target/ };
  await t.throwsAsync(saveToBytes(1, misspelled), expected);
  const bytes = await saveToBytes(1);
  await t.throwsAsync(load(bytes, misspelled), { code: 'UNKNOWN_OPTION', message: /"tartget".*limits/ });
  await t.throwsAsync(load(bytes, { limits: { item: 2 } as object }), {
    code: 'UNKNOWN_OPTION',
    message: /"item".*items/,
  });
  await t.throwsAsync(saveToBytes(1, { target: '1.0' as never }), { code: 'BAD_OPTION', message: /2\.15/ });
});

test('the format goes by the extension, unless it is told', async (t) => {
  const formatOf = async (path: string | URL, format?: 'pt' | 'safetensors'): Promise<string> => {
    await save({ tensor }, path, format === undefined ? {} : { format });
    await using checkpoint = await open(path);
    return checkpoint.format;
  };
  t.is(await formatOf(join(directory, 'f.safetensors')), 'safetensors');
  t.is(await formatOf(pathToFileURL(join(directory, 'ü b.safetensors'))), 'safetensors');
  t.is(await formatOf(join(directory, 'g.SafeTensors')), 'safetensors');
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

test('an abort ends a save to a stream that takes nothing more', async (t) => {
  const controller = new AbortController();
  const reason = new Error('enough');
  const stream = new WritableStream<Uint8Array>({
    write: () => {
      setTimeout(() => controller.abort(reason), 1);
      return new Promise(() => {});
    },
  });
  t.is(await t.throwsAsync(save({ large }, stream, { signal: controller.signal })), reason);
});

test('a file that no array can hold is refused', (t) => {
  const error = t.throws(() => new MemorySink(2 ** 53), { message: /a path or a WritableStream/ });
  t.is((error as { code?: string }).code, 'UNSUPPORTED_VALUE');
});

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
