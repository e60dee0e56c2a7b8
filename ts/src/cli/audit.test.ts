import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { pathToFileURL } from 'node:url';
import { open, OrderedDict, pyFloat, save, TensorData } from '../checkpoint/index.ts';
import { torchParity } from '../testing/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'torch-parity-audit-'));
test.after.always(() => rmSync(folder, { recursive: true }));
const [good, bad, worse, none] = ['good.pt', 'bad.pt', 'worse.pt', 'none.pt'].map((name) =>
  join(folder, name),
) as [string, string, string, string];

function optimizer(key: unknown, value: number): unknown {
  const moment = TensorData.from('float32', [value, 1]);
  const entry = new Map([['momentum_buffer', moment]]);
  const group = { lr: pyFloat(1), momentum: 0.9, dampening: 0, params: [0] };
  return { optimizer: { state: new Map([[key, entry]]), param_groups: [group] } };
}

test.before(async () => {
  await save(optimizer(0, 1), good);
  await save(optimizer('0', 1), bad);
  await save(optimizer('0', NaN), worse);
  await save({ model: {} }, none);
});

test('nothing found: exit status 0', async (t) => {
  t.deepEqual(await torchParity('audit', good), { status: 0, stdout: 'nothing found\n', stderr: '' });
});

test('a finding says what, where, what torch does and what repairs it; exit status 1', async (t) => {
  const { status, stdout } = await torchParity('audit', bad);
  t.regex(stdout, /^error string-ids at optimizer\.state\n {2}found: 1 key of type str/);
  t.regex(stdout, /^ {2}torch: .*the state is empty/m);
  t.regex(stdout, /^ {2}--fix: they become ids of type int$/m);
  t.regex(stdout, /^1 error; --fix OUT repairs 1$/m);
  t.is(status, 1);
});

test('--fix writes a repaired copy: exit status 0, also where nothing was to repair', async (t) => {
  const out = join(folder, 'fixed.pt');
  const before = readFileSync(bad);
  const { status, stdout } = await torchParity('audit', bad, '--fix', out);
  t.regex(stdout, /^ {2}fixed: they become ids of type int$/m);
  t.is(status, 0);
  t.deepEqual(readFileSync(bad), before);
  t.is((await torchParity('audit', out)).status, 0);
  t.like(await torchParity('inspect', good, '--diff', out), { status: 0, stdout: '' });
  const copy = join(folder, 'copy.pt');
  t.is((await torchParity('audit', good, '--fix', copy)).status, 0);
  t.like(await torchParity('inspect', good, '--diff', copy), { status: 0, stdout: '' });
});

test('--fix with something left: exit status 1; --json tells what was repaired', async (t) => {
  const out = join(folder, 'left.pt');
  const { status, stdout } = await torchParity('audit', worse, '--fix', out, '--json');
  t.is(status, 1);
  const { findings, ...document } = JSON.parse(stdout) as { findings: object[] };
  t.deepEqual(document, { file: worse, optimizers: ['optimizer'] } as object);
  t.is(findings.length, 2);
  t.like(findings[0], { code: 'string-ids', severity: 'error', path: 'optimizer.state', fixed: true });
  t.like(findings[1], { code: 'non-finite', severity: 'error', fixed: false });
});

/** An optimizer of two named parameters, of 2 and 3 elements. */
function named(params: number[], shapes: number[], state = stateOf(shapes)): Map<string, unknown> {
  const group = { lr: pyFloat(1), momentum: 0.9, dampening: 0, params, param_names: ['two', 'three'] };
  return new Map<string, unknown>([
    ['state', state],
    ['param_groups', [group]],
  ]);
}

function stateOf(shapes: number[]): Map<number, unknown> {
  return new Map(shapes.map((size, i) => [i, new Map([['momentum_buffer', ones(size)]])]));
}

const ones = (size: number): TensorData =>
  TensorData.from(
    'float32',
    Array.from({ length: size }, () => 1),
  );

const model = new OrderedDict([
  ['two', ones(2)],
  ['three', ones(3)],
]);
model.attributes = new Map([['_metadata', new OrderedDict()]]);

test('--fix repairs once what two dicts share', async (t) => {
  const [file, out] = [join(folder, 'shared.pt'), join(folder, 'shared-fixed.pt')];
  const optimizer = named([0, 1], [3, 2]);
  await save({ model, optimizer, copy: new Map(optimizer) }, file);
  t.is((await torchParity('audit', file, '--fix', out)).status, 0);
  await using fixed = await open<Map<string, Map<string, Map<number, Map<string, TensorData>>>>>(out);
  const state = fixed.value.get('optimizer')?.get('state');
  t.is(fixed.value.get('copy')?.get('state'), state);
  t.deepEqual(
    [0, 1].map((id) => state?.get(id)?.get('momentum_buffer')?.shape),
    [[2], [3]],
  );
});

test('--fix that makes something else wrong says so: exit status 1', async (t) => {
  const [file, out] = [join(folder, 'torn.pt'), join(folder, 'torn-fixed.pt')];
  const state = stateOf([3, 2]);
  await save({ model, wrong: named([0, 1], [], state), right: named([1, 0], [], state) }, file);
  const { status, stdout } = await torchParity('audit', file, '--fix', out);
  t.is(status, 1);
  t.regex(stdout, /^error permuted-state at wrong\.state\[0\](\n {2}.*)*\n {2}fixed:/m);
  t.regex(stdout, /^error permuted-state at right\.state\[1\](\n {2}.*)*\n {2}--fix:/m);
});

test('--fix tells what OUT cannot keep', async (t) => {
  const [file, out] = [join(folder, 'noted.pt'), join(folder, 'noted.safetensors')];
  const shared = new Map([['momentum_buffer', ones(2)]]);
  const group = { lr: pyFloat(1), momentum: 0.9, dampening: 0, params: [0, 1] };
  const state = new Map([
    [0, shared],
    [1, shared],
  ]);
  await save({ state, param_groups: [group] }, file);
  const { status, stderr } = await torchParity('audit', file, '--fix', out);
  t.is(status, 0);
  t.true(stderr.startsWith(`torch-parity: ${out}: safetensors has no shared`), stderr);
});

test('OUT may be the text of a file: URL; one of a folder is told on one line', async (t) => {
  const out = join(folder, 'a b.safetensors');
  t.is((await torchParity('audit', bad, '--fix', pathToFileURL(out).href)).status, 0);
  t.is((await torchParity('audit', out)).status, 0);
  t.like(await torchParity('audit', bad, '--fix', pathToFileURL(folder).href), {
    status: 2,
    stderr: `torch-parity: ${folder}: it is not a regular file: give the path of one\n`,
  });
  const { status, stderr } = await torchParity('audit', bad, '--fix', 'file://elsewhere/out.pt');
  t.is(status, 2);
  t.regex(stderr, /^torch-parity: file:\/\/elsewhere\/out\.pt: it names no file: [^\n]*\n$/);
});

test('a file without an optimizer cannot be audited: exit status 2', async (t) => {
  const { status, stdout, stderr } = await torchParity('audit', none);
  t.is(status, 2);
  t.is(stdout, '');
  t.true(stderr.startsWith(`torch-parity: ${none}: no state dict of an optimizer`), stderr);
});

test('no file is a mistake in the call', async (t) => {
  const { status, stderr } = await torchParity('audit', '--fix', 'x.pt');
  t.is(status, 2);
  t.regex(stderr, /^torch-parity: audit needs one FILE.*\n\nUsage: torch-parity audit/);
});
