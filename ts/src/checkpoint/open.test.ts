import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFile, mkdtemp, readdir, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { runPython } from '../testing/python.ts';
import {
  load,
  open,
  saveToBytes,
  type Dict,
  type Input,
  type LazyTensor,
  type LoadedTensor,
  type Source,
} from './index.ts';

const largeBytes = 20_000_000;
/** What torch saved: `large` is a tensor of 20 MB, `view` a transposed view, `repeated` a few bytes as 8 MB, and `many.0` … are small. */
const file = new Uint8Array(
  await runPython(`
import io, sys, torch
file = io.BytesIO()
small = torch.arange(12, dtype=torch.float32).view(3, 4)
torch.save({'small': small, 'view': small.t(), 'large': torch.arange(${largeBytes}, dtype=torch.uint8),
    'repeated': torch.arange(4, dtype=torch.int16).expand(1000000, 4),
    **{f'many.{i}': torch.tensor([i]) for i in range(500)}}, file)
sys.stdout.buffer.write(file.getvalue())`),
);

const folder = await mkdtemp(join(tmpdir(), 'torch-parity-'));
test.after.always(() => rm(folder, { recursive: true }));
let files = 0;
async function write(bytes: Uint8Array | string): Promise<string> {
  const path = join(folder, `${files++}.pt`);
  await writeFile(path, bytes);
  return path;
}

/** What is the same for equal tensors, and quickly compared. */
function digests(value: Dict): unknown[] {
  return Array.from(value as Map<string, LoadedTensor>, ([name, { dtype, shape, stride, bytes }]) => [
    ...[name, dtype, shape, stride],
    createHash('sha1').update(bytes).digest('hex'),
  ]);
}

/** A source that tells what was asked of it. */
class Watched implements Source {
  readonly size = file.byteLength;
  readonly name = 'watched';
  reads: [offset: number, length: number][] = [];
  closed = 0;
  onRead = (): void => {};

  async read(offset: number, length: number): Promise<Uint8Array> {
    this.reads.push([offset, length]);
    this.onRead();
    return file.subarray(offset, offset + length);
  }

  async close(): Promise<void> {
    this.closed++;
  }
}

test('a path, a URL, a Blob, bytes and a source give the same', async (t) => {
  const path = await write(file);
  const copy = new Uint8Array(file.byteLength + 3);
  copy.set(file, 3);
  const url = pathToFileURL(path);
  const inputs: Input[] = [path, url, url.href, new Blob([file]), copy.buffer.slice(3), copy.subarray(3)];
  const expected = digests(await load(file));
  t.is(expected.length, 504);
  for (const input of [...inputs, Buffer.from(file), new Watched()])
    t.deepEqual(digests(await load(input)), expected);
});

test('tensors of one storage share one object, and bytes in memory are not copied', async (t) => {
  const value = await load<Dict>(file);
  t.is(value.get('small').storage, value.get('view').storage);
  t.is(value.get('large').bytes.buffer, file.buffer);
  t.is(value.get('large').storage.bytes.buffer, file.buffer);
});

test('to open a file its index alone is read', async (t) => {
  const source = new Watched();
  const { value } = await open<Dict>(source);
  const opening = source.reads.reduce((sum, [, length]) => sum + length, 0);
  t.true(opening < 500_000, `${opening} bytes were read`);
  source.reads = [];
  await value.get('large').bytes();
  t.deepEqual(
    source.reads.map(([, length]) => length),
    [largeBytes],
  );
  t.is(source.closed, 0);
});

test('small tensors next to each other are read at once', async (t) => {
  const source = new Watched();
  await load(source);
  t.true(source.reads.length < 20, `${source.reads.length} reads`);
});

test('what is closed cannot be read', async (t) => {
  for (const input of [await write(file), new Blob([file]), file]) {
    let tensor: LazyTensor;
    {
      await using checkpoint = await open<Dict>(input);
      tensor = checkpoint.value.get('small');
      await tensor.bytes();
    }
    await t.throwsAsync(tensor.bytes(), { name: 'ClosedError', code: 'CLOSED' });
    await t.throwsAsync(tensor.chunks().next(), { name: 'ClosedError', code: 'CLOSED' });
  }
});

test('closing twice is once, and during a read is an error of the read', async (t) => {
  const checkpoint = await open<Dict>(await write(file));
  const reading = checkpoint.value.get('large').bytes();
  await Promise.all([checkpoint.close(), checkpoint.close()]);
  await t.throwsAsync(reading, { code: 'CLOSED' });
});

test('a file that has changed cannot be read', async (t) => {
  const changes: ((path: string) => Promise<void>)[] = [
    (path) => appendFile(path, 'more'),
    (path) => truncate(path, file.byteLength - 1),
    (path) => truncate(path, 100),
    (path) => utimes(path, 1, 1),
  ];
  for (const change of changes) {
    const path = await write(file);
    await using checkpoint = await open<Dict>(path);
    await change(path);
    const error = await t.throwsAsync(checkpoint.value.get('large').bytes());
    t.like(error, { name: 'ClosedError', code: 'CHANGED', details: { file: path } });
  }
});

test.serial('nothing stays open, whatever happens', async (t) => {
  const handles = async (): Promise<number> => (await readdir('/dev/fd')).length;
  const before = await handles();
  const damaged = file.slice();
  damaged[damaged.indexOf(7, 5_000_000)]! ^= 1;
  await t.throwsAsync(load(await write(damaged)), { code: 'ZIP_CRC' });
  await t.throwsAsync(open(await write('nothing')), { code: 'NOT_A_CHECKPOINT' });
  await t.throwsAsync(open(folder), { code: 'NOT_A_CHECKPOINT', message: /not a regular file/ });
  await t.throwsAsync(load(await write(file), { signal: AbortSignal.abort(new Error('enough')) }), {
    message: 'enough',
  });
  await t.throwsAsync(load(await write(await repeated()), { limits: { expandedBytes: 0 } }), {
    code: 'LIMIT',
  });
  await load(await write(file));
  t.is(await handles(), before);

  const source = new Watched();
  await t.throwsAsync(open(source, { limits: { entries: 3 } }), { code: 'LIMIT' });
  t.is(source.closed, 1);
  await load(source);
  t.is(source.closed, 2);
});

test('a damaged storage is found when all of it is read', async (t) => {
  const damaged = file.slice();
  damaged[damaged.indexOf(7, 5_000_000)]! ^= 1;
  await using checkpoint = await open<Dict>(damaged);
  const large: LazyTensor = checkpoint.value.get('large');
  await t.throwsAsync(large.bytes(), { name: 'FormatError', code: 'ZIP_CRC', message: /data\/1/ });
  await t.throwsAsync(
    async () => {
      for await (const chunk of large.chunks()) t.true(chunk.byteLength > 0);
    },
    { code: 'ZIP_CRC' },
  );
  await t.notThrowsAsync(checkpoint.value.get('small').bytes());
});

test('a signal ends open, load and reading with its reason', async (t) => {
  const reason = new Error('enough');
  const signal = AbortSignal.abort(reason);
  await t.throwsAsync(open(file, { signal }), { is: reason });
  await t.throwsAsync(load(file, { signal }), { is: reason });
  const path = await write(file);
  await using checkpoint = await open<Dict>(path);
  for (const name of ['small', 'view', 'large'])
    await t.throwsAsync(checkpoint.value.get(name).bytes({ signal }), { is: reason });

  const controller = new AbortController();
  const onProgress = (): void => controller.abort(reason);
  await t.throwsAsync(load(path, { signal: controller.signal, onProgress }), { is: reason });
});

test('progress goes up to the bytes of the storages', async (t) => {
  const told: [number, number][] = [];
  await load(new Blob([file]), { onProgress: (done, total) => told.push([done, total]) });
  const total = largeBytes + 48 + 8 + 500 * 8;
  t.deepEqual(told.at(-1), [total, total]);
  t.deepEqual(
    told.map(([done]) => done),
    told.map(([done]) => done).sort((a, b) => a - b),
  );
});

/** A file of a few bytes, which are a tensor of 8 MB. */
async function repeated(): Promise<Uint8Array> {
  return saveToBytes({ repeated: (await load<Dict>(file)).get('repeated') });
}

test('repeated elements count against the limit, in one tensor and in all', async (t) => {
  const small = await repeated();
  const limits = { expandedBytes: 8_000_000 - small.byteLength };
  await using checkpoint = await open<Dict>(small, { limits });
  t.is((await checkpoint.value.get('repeated').bytes()).byteLength, 8_000_000);
  t.is((await load<Dict>(small, { limits })).get('repeated').bytes.byteLength, 8_000_000);
  const stricter = { expandedBytes: limits.expandedBytes - 1 };
  await t.throwsAsync(load(small, { limits: stricter }), { name: 'LimitError', code: 'LIMIT' });
  await using strict = await open<Dict>(small, { limits: stricter });
  const lazy: LazyTensor = strict.value.get('repeated');
  t.like(await t.throwsAsync(lazy.bytes()), { code: 'LIMIT', details: { key: 'expandedBytes' } });
  await t.throwsAsync(lazy.chunks().next(), { code: 'LIMIT' });
});

test('a limit that is undefined is the default, and one that is no number from 0 on is refused', async (t) => {
  let deep: unknown[] = [];
  for (let i = 0; i < 1_200; i++) deep = [deep];
  const bytes = await saveToBytes(deep);
  await t.throwsAsync(load(bytes, { limits: { depth: undefined as never } }), { code: 'LIMIT' });
  await t.notThrowsAsync(load(bytes, { limits: { depth: Infinity } }));
  for (const depth of [NaN, -1, '5', null, 5n])
    await t.throwsAsync(load(bytes, { limits: { depth: depth as never } }), {
      name: 'ValueError',
      code: 'BAD_LIMIT',
      message: /limits\.depth/,
    });
});

test('a source that gives other than was asked for is told so', async (t) => {
  for (const more of [-1, 1, -400]) {
    const source = new Watched();
    source.read = async (offset, length) => file.slice(offset, offset + length + more);
    await t.throwsAsync(open(source), { name: 'FormatError', code: 'TRUNCATED', message: /asked for/ });
    t.is(source.closed, 1);
  }
});

test('bytes of another realm are bytes', async (t) => {
  const foreign = runInNewContext(
    '(bytes) => { const copy = new Uint8Array(bytes.length); copy.set(bytes); return copy; }',
  )(await saveToBytes([1])) as Uint8Array;
  t.false(foreign instanceof Uint8Array);
  t.deepEqual(await load(foreign), [1]);
  t.deepEqual(await load(foreign.buffer as ArrayBuffer), [1]);
  await t.throwsAsync(load(new Float32Array(3) as never), { name: 'TypeError' });
});

test('what is no checkpoint says what it is, or what to do', async (t) => {
  const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
  const tar = new Uint8Array(1024);
  tar.set(ascii('ustar'), 257);
  await t.throwsAsync(load(tar), { code: 'UNSUPPORTED_FORMAT', message: /0\.1\.10/ });
  await t.throwsAsync(load(new Uint8Array()), { code: 'NOT_A_CHECKPOINT', message: /is empty/ });
  await t.throwsAsync(load(Uint8Array.of(0x80, 2, 0x4e, 0x2e)), { message: /a pickle: in Python/ });
  await t.throwsAsync(load(ascii('PK\x03\x04 and no more')), { code: 'ZIP_DIRECTORY' });
  await t.throwsAsync(load(join(folder, 'missing.pt')), { code: 'ENOENT' });
  await t.throwsAsync(load({} as Source), { name: 'TypeError' });
});

test('what a caller says about the type is believed', async (t) => {
  const value = await load<Map<string, LoadedTensor<'float32'>>>(file);
  t.is(value.get('view')?.toTypedArray()[1], 4);
});

test('a named pipe is refused, and not waited for', async (t) => {
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  await t.throwsAsync(load(path), { code: 'NOT_A_CHECKPOINT', message: /not a regular file/ });
});
