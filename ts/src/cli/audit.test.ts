import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { pyFloat, save, TensorData } from '../checkpoint/index.ts';
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

test('a file without an optimizer cannot be audited: exit status 2', async (t) => {
  const { status, stdout, stderr } = await torchParity('audit', none);
  t.is(status, 2);
  t.is(stdout, '');
  t.true(stderr.startsWith(`torch-parity: ${none}: no state dict of an optimizer`), stderr);
});

test('no file is a mistake in the call', async (t) => {
  const { status, stderr } = await torchParity('audit', '--fix', 'x.pt');
  t.is(status, 2);
  t.regex(stderr, /^audit needs one FILE\n\nUsage: torch-parity audit/);
});
