import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { pyFloat, save, TensorData } from '../checkpoint/index.ts';
import { finish, main, torchParity } from '../testing/command.ts';
import { runPython } from '../testing/python.ts';

const folder = mkdtempSync(join(tmpdir(), 'torch-parity-inspect-'));
test.after.always(() => rmSync(folder, { recursive: true }));
const [file, other, ring] = ['file.pt', 'other.pt', 'ring.pt'].map((name) => join(folder, name)) as [
  string,
  string,
  string,
];

test.before(async () => {
  const weight = TensorData.from('float32', [1, 2, 3, 4, 5, 6], [2, 3]);
  await save({ model: { weight }, epoch: 3, lr: pyFloat(1), '\u009b31m': '\u001b[2J' }, file);
  const changed = TensorData.from('float32', [1, 2, 3, 4, 5, 7], [2, 3]);
  await save(
    { model: { weight: changed }, epoch: pyFloat(3), lr: pyFloat(1), '\u009b31m': '\u001b[2J' },
    other,
  );
  const self: unknown[] = [1];
  self.push(self);
  await save(self, ring);
});

test('shows a tree below two lines about the file', async (t) => {
  const { status, stdout, stderr } = await torchParity('inspect', file);
  const [about, totals, empty, ...tree] = stdout.trimEnd().split('\n');
  t.regex(about!, /file\.pt: a zip archive of torch\.save, \d\.\d KiB$/);
  t.is(totals, '1 tensor of 6 elements, 24 B in 1 storage');
  t.is(empty, '');
  t.deepEqual(tree, [
    'dict of 4',
    '  model: dict of 1',
    '    weight: float32 [2, 3], 24 B',
    '  epoch: 3',
    '  lr: 1.0',
    String.raw`  '\x9b31m': '\x1b[2J'`,
  ]);
  t.is(stderr, '');
  t.is(status, 0);
});

test('--json prints a document that holds no control characters', async (t) => {
  const { status, stdout } = await torchParity('inspect', '--json', file);
  t.notRegex(stdout, /(?!\n)\p{Cc}/u);
  const { size, ...document } = JSON.parse(stdout) as Record<string, unknown>;
  t.is(typeof size, 'number');
  t.deepEqual(document, {
    file,
    format: 'pt',
    totals: { tensors: 1, storages: 1, elements: 6, storageBytes: 24 },
    value: {
      dict: [
        ['model', { dict: [['weight', { tensor: 0 }]] }],
        ['epoch', 3],
        ['lr', { float: '1' }],
        ['\u009b31m', '\u001b[2J'],
      ],
    },
    tensors: [
      { path: 'model.weight', dtype: 'float32', shape: [2, 3], stride: [3, 1], offset: 0, storage: 0 },
    ],
    storages: [{ bytes: 24 }],
  });
  t.is(status, 0);
});

test('--diff says nothing of files that are equal, and exits with 0', async (t) => {
  t.deepEqual(await torchParity('inspect', file, '--diff', file), { status: 0, stdout: '', stderr: '' });
});

test('--diff shows both sides of what differs, and exits with 1', async (t) => {
  const { status, stdout } = await torchParity('inspect', file, '--diff', other);
  t.deepEqual(stdout.split('\n'), [
    'model.weight: float32 [2, 3], 1 of 6 elements differ, by up to 2,097,152 ulps, 1; [1, 2] is 6 and 7',
    'epoch',
    '  - 3',
    '  + 3.0',
    '',
  ]);
  t.is(status, 1);
  const json = await torchParity('inspect', '--json', file, '--diff', other);
  t.like(JSON.parse(json.stdout), [
    {
      path: 'model.weight',
      kind: 'elements',
      difference: { differing: 1, worst: { index: [1, 2], left: 6, right: 7 } },
    },
    { path: 'epoch', kind: 'value', left: '3', right: '3.0' },
  ]);
  t.is(json.status, 1);
});

for (const [what, args] of [
  ['no file', ['inspect']],
  ['two files', ['inspect', file, other]],
  ['an unknown option', ['inspect', '--deep', file]],
] as const) {
  test(`${what} is a mistake in the call: usage, and exit status 2`, async (t) => {
    const { status, stdout, stderr } = await torchParity(...args);
    t.is(status, 2);
    t.is(stdout, '');
    t.regex(stderr, /^.+\n\nUsage: torch-parity inspect/);
  });
}

for (const [what, args, line] of [
  ['a file that is not there', ['no\u001b[31m.pt'], String.raw`no\u{1b}[31m.pt: no such file or directory`],
  ['another that is not there', [file, '--diff', 'no.pt'], 'no.pt: no such file or directory'],
  ['a folder', [folder], `${folder}: `],
  ['what is no checkpoint', [main], `${main}: `],
  ['a cycle in JSON', ['--json', ring], `${ring}: JSON cannot show a list or dict that contains itself`],
] as const) {
  test(`${what} is told on one line, with exit status 2`, async (t) => {
    const { status, stdout, stderr } = await torchParity('inspect', ...args);
    t.is(status, 2);
    t.is(stdout, '');
    t.true(stderr.startsWith(`torch-parity: ${line}`), stderr);
    t.is(stderr.indexOf('\n'), stderr.length - 1);
  });
}

test('a reader that has seen enough is told nothing; the status says that output was lost, as for SIGPIPE', async (t) => {
  const long = join(folder, 'long.pt');
  await save(new Map(Array.from({ length: 50_000 }, (_, i) => [i, `text ${i}`])), long);
  const script = `"${process.execPath}" "${main}" inspect --all "${long}" | head -n 1; exit "\${PIPESTATUS[0]}"`;
  const { status, stdout, stderr } = await finish(spawn('bash', ['-c', script]));
  t.regex(stdout, /long\.pt: /);
  t.is(stderr, '');
  t.is(status, 141);
});

test('no TensorFlow is loaded to look at a file', async (t) => {
  const script = `
    import { createRequire } from 'node:module';
    await import(${JSON.stringify(new URL('inspect.js', import.meta.url))});
    console.log(Object.keys(createRequire(import.meta.url).cache));`;
  const { stdout } = await finish(spawn(process.execPath, ['--input-type=module', '-e', script]));
  t.is(stdout, '[]\n');
});

test('colours are for terminals, and not under NO_COLOR', async (t) => {
  const shown = async (...env: string[]): Promise<string> => {
    // Nothing is inherited: CI and FORCE_COLOR would count, too.
    const clean = ['env', '-i', 'TERM=xterm-256color', ...env];
    const command = JSON.stringify([...clean, process.execPath, main, 'inspect', file]);
    return String(await runPython(`import pty; pty.spawn(${command})`));
  };
  t.true((await shown()).includes('\u001b[1m'));
  t.false((await shown('NO_COLOR=1')).includes('\u001b'));
});
