import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { LoadedTensor, MemoryStorage, open, save, TensorData, Tuple } from '../checkpoint/index.ts';
import { finish, main, torchParity } from '../testing/command.ts';

/** A folder of the test's own. */
function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'torch-parity-convert-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

const storage = new MemoryStorage(new Uint8Array(new Float32Array([1, 2, 3]).buffer));
const view = (offset: number, size: number): LoadedTensor => {
  const bytes = storage.bytes.subarray(4 * offset, 4 * (offset + size));
  const layout = { storage, offset, stride: [1], requiresGrad: false, parameter: false };
  return new LoadedTensor('float32', [size], bytes, layout);
};
const tree = new Map<unknown, unknown>([
  ['weight', TensorData.from('float32', [1, 2, 3, 4], [2, 2])],
  ['betas', Tuple.of(0.9, 0.999)],
  [7, null],
]);

test('writes pt and safetensors from each other, with nothing changed', async (t) => {
  const path = folder(t);
  const [first, middle, last] = ['a.pt', 'b.safetensors', 'c.pt'].map((name) => join(path, name)) as [
    string,
    string,
    string,
  ];
  await save(tree, first);
  t.deepEqual(await torchParity('convert', first, middle), { status: 0, stdout: '', stderr: '' });
  t.deepEqual(await torchParity('convert', middle, last), { status: 0, stdout: '', stderr: '' });
  await using checkpoint = await open(middle);
  t.is(checkpoint.format, 'safetensors');
  t.like(await torchParity('inspect', first, '--diff', last), { status: 0, stdout: '' });
});

test('--format goes before the extension, and OUT may be IN', async (t) => {
  const file = join(folder(t), 'a.pt');
  await save(tree, file);
  t.is((await torchParity('convert', '--format', 'safetensors', file, file)).status, 0);
  await using checkpoint = await open(file);
  t.is(checkpoint.format, 'safetensors');
});

test('--target 2.1 writes what that version has, and refuses what it has not', async (t) => {
  const path = folder(t);
  const [from, to] = [join(path, 'a.pt'), join(path, 'b.pt')];
  await save(tree, from);
  t.is((await torchParity('convert', '--target', '2.1', from, to)).status, 0);
  t.true(readFileSync(from).includes('.format_version'));
  t.false(readFileSync(to).includes('.format_version'));

  const before = readFileSync(to);
  await save({ eight: new TensorData('float8_e5m2', [1], new Uint8Array(1)) }, from);
  const { status, stderr } = await torchParity('convert', '--target', '2.1', from, to);
  t.is(status, 2);
  t.regex(stderr, /^torch-parity: .*b\.pt: eight: .*2\.1.*\n$/);
  t.deepEqual(readFileSync(to), before);
  t.deepEqual(readdirSync(path), ['a.pt', 'b.pt']);
});

test('tells what safetensors cannot keep', async (t) => {
  const path = folder(t);
  const [from, to] = [join(path, 'a.pt'), join(path, 'b.safetensors')];
  await save({ one: view(0, 2), two: view(1, 2), three: TensorData.from('float32', [1]) }, from);
  const { status, stderr } = await torchParity('convert', from, to);
  t.is(status, 0);
  t.is(
    stderr,
    `torch-parity: ${to}: safetensors has no shared storages: the 2 tensors of 1 shared storage were written one by one\n`,
  );
});

/** A safetensors file of zeros that take no room on the disk. */
function sparse(path: string, size: number, metadata: Record<string, string> = {}): void {
  const entry = { dtype: 'U8', shape: [size], data_offsets: [0, size] };
  const json = JSON.stringify({ __metadata__: metadata, zeros: entry });
  const header = json.padEnd(Math.ceil(json.length / 8) * 8);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  writeFileSync(path, Buffer.concat([length, Buffer.from(header)]));
  truncateSync(path, 8 + header.length + size);
}

test('tells of lists that stood in several places, but not of tuples', async (t) => {
  const path = folder(t);
  const [from, to] = [join(path, 'a.pt'), join(path, 'b.safetensors')];
  const [list, tuple] = [[1], Tuple.of(1)];
  await save({ one: list, two: list, three: tuple, four: tuple }, from);
  const { status, stderr } = await torchParity('convert', from, to);
  t.is(status, 0);
  t.is(
    stderr,
    `torch-parity: ${to}: safetensors has no shared lists and dicts: each place has a copy of its own now (shared before: 1)\n`,
  );
});

test('tells of notes in a safetensors file, which are not kept', async (t) => {
  const path = folder(t);
  const [from, to] = [join(path, 'a.safetensors'), join(path, 'b.pt')];
  sparse(from, 16, { format: 'pt', author: 'me' });
  const { status, stderr } = await torchParity('convert', from, to);
  t.is(status, 0);
  t.is(stderr, `torch-parity: ${to}: metadata of safetensors is not kept: author\n`);
});

for (const [signal, expected] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test(`${signal} leaves OUT as it was, and nothing beside it`, async (t) => {
    const path = folder(t);
    const [from, to] = [join(path, 'a.safetensors'), join(path, 'b.pt')];
    sparse(from, 2 ** 31);
    writeFileSync(to, 'as it was');
    const child = spawn(process.execPath, [main, 'convert', from, to]);
    const ended = finish(child);
    // Until it has begun to write beside.
    while (readdirSync(path).length < 3 && child.exitCode === null) await setTimeout(2);
    child.kill(signal);
    t.like(await ended, { status: expected, stdout: '', stderr: '' });
    t.is(readFileSync(to, 'utf8'), 'as it was');
    t.deepEqual(readdirSync(path), ['a.safetensors', 'b.pt']);
  });
}

for (const [what, args, message] of [
  ['one file', ['a.pt'], 'convert needs two files, IN and OUT'],
  ['three files', ['a.pt', 'b.pt', 'c.pt'], 'convert needs two files, IN and OUT'],
  ['an unknown format', ['--format', 'npz', 'a.pt', 'b.npz'], '--format is pt or safetensors, but got npz'],
  ['an unknown target', ['--target', '1.0', 'a.pt', 'b.pt'], '--target is 2.1 or 2.15, but got 1.0'],
  ['a target of safetensors', ['--target', '2.1', 'a', 'b.safetensors'], '--target is about pt files alone'],
] as const) {
  test(`${what} is a mistake in the call: usage, and exit status 2`, async (t) => {
    const { status, stderr } = await torchParity('convert', ...args);
    t.is(status, 2);
    t.true(stderr.startsWith(`torch-parity: ${message}\n\nUsage: torch-parity convert`), stderr);
  });
}

test('an OUT that cannot be written is told on one line', async (t) => {
  const path = folder(t);
  const from = join(path, 'a.pt');
  await save(tree, from);
  const { status, stderr } = await torchParity('convert', from, join(path, 'nowhere', 'b.pt'));
  t.is(status, 2);
  t.is(stderr, `torch-parity: ${join(path, 'nowhere', 'b.pt')}: no such file or directory\n`);
  t.deepEqual(await torchParity('convert', from, path), {
    status: 2,
    stdout: '',
    stderr: `torch-parity: ${path}: it is not a regular file: give the path of one\n`,
  });
});
