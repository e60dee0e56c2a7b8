import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { family, isRunning, until } from './testing/processes.ts';

const cli = fileURLToPath(new URL('cli.js', import.meta.url));
const flipped = fileURLToPath(new URL('testing/flipped_subject.js', import.meta.url));
const broken = fileURLToPath(new URL('testing/broken_subject.js', import.meta.url));

interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A folder of the test's own, where the command writes its reports. */
function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'torch-conformance-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

function start(cwd: string, args: string[], env: Record<string, string> = {}): ChildProcess {
  return spawn(process.execPath, [cli, ...args], { cwd, env: { ...process.env, ...env }, stdio: 'pipe' });
}

async function run(cwd: string, args: string[], env: Record<string, string> = {}): Promise<Run> {
  const child = start(cwd, args, env);
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) child[name]!.on('data', (text) => (said[name] += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...said };
}

function report(cwd: string): Record<string, unknown>[] {
  const lines = readFileSync(join(cwd, 'build/conformance/report.jsonl'), 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test.serial('a run in which all agree exits with 0, and reports every program', async (t) => {
  const cwd = folder(t);
  const { code, stdout, stderr } = await run(cwd, [
    'verify',
    '--runs',
    '60',
    '--seed',
    '5',
    '--workers',
    '1',
  ]);
  t.is(code, 0, stdout + stderr);
  t.regex(stdout, /^seed +5$/m);
  t.regex(stdout, /^bits that differ +0$/m);
  t.regex(stdout, /^All [\d,]+ programs agree\.$/m);
  const lines = report(cwd);
  t.like(lines[0], { line: 'meta', seed: 5, runs: 60, subject: 'torch-parity' });
  const ran = lines.filter(({ line }) => line === 'program' || line === 'checkpoint');
  t.true(ran.every(({ verdict }) => verdict === 'agrees'));
  t.true(
    ran.length >= lines.length - 3,
    'between the first line and the last; a training may come to nothing',
  );
  const checkpoints = ran.filter(({ line }) => line === 'checkpoint').map((line) => String(line['case']));
  for (const kind of ['training:', 'tree:', 'catalogue:'])
    t.true(checkpoints.filter((name) => name.startsWith(kind)).length >= 5, kind);
  t.regex(
    stdout,
    /^exchange +\d+ trainings, 6 values, \d+ of torch's own agree, 0 differ, 0 could not run$/m,
  );
  t.deepEqual(
    lines.filter(({ seed, line }) => line === 'program' && seed === 5).map(({ path }) => path),
    [...Array(60).keys()].map(String),
  );
  t.like(lines.at(-1), { line: 'summary', code: 0, bitsThatDiffer: 0 });
});

test.serial('a difference exits with 1, is stored, and is replayed', async (t) => {
  const cwd = folder(t);
  const { code, stdout } = await run(cwd, ['verify', '--runs', '500', '--subject', flipped], { SEED: '5' });
  t.is(code, 1, stdout);
  t.regex(stdout, /^flipped \(fused engine\) differs from torch .*, and claims to be exact$/m);
  t.regex(stdout, /1 ulp apart, 0 are allowed/);
  t.regex(stdout, /A program differs/);
  const found = readdirSync(join(cwd, 'build/conformance/found'), { recursive: true, encoding: 'utf8' });
  const file = join(
    'build/conformance/found',
    found.find((name) => name.endsWith('.json'))!,
  );
  t.true(stdout.includes(`torch-conformance replay ${file}`));
  t.like(report(cwd).at(-1), { line: 'summary', code: 1 });

  const again = await run(cwd, ['replay', file, '--subject', flipped]);
  t.is(again.code, 1);
  t.regex(again.stdout, /1 ulp apart/);
  const right = await run(cwd, ['replay', file]);
  t.is(right.code, 0);
  t.regex(right.stdout, /torch-parity agrees with torch/);

  const next = await run(cwd, ['verify', '--runs', '5', '--seed', '5', '--subject', flipped]);
  t.is(next.code, 1);
  t.is(report(cwd)[1]!['file'], file); // it runs first
});

test.serial(
  'a stored difference of a checkpoint is replayed as the exchange that it came from',
  async (t) => {
    const cwd = folder(t);
    const stored = { exchange: { case: 'tree:7', seed: 5, old: false } };
    writeFileSync(join(cwd, 'tree.json'), JSON.stringify(stored));
    const { code, stdout, stderr } = await run(cwd, ['replay', 'tree.json']);
    t.is(code, 0, stdout + stderr);
    t.regex(stdout, /^exchange +0 trainings, 1 values, 0 of torch's own agree/m);
    t.regex(stdout, /^seed +5$/m);
  },
);

test.serial('a subject that breaks exits with 2', async (t) => {
  const { code, stdout } = await run(folder(t), [
    'verify',
    '--runs',
    '20',
    '--seed',
    '5',
    '--subject',
    broken,
  ]);
  t.is(code, 2);
  t.regex(stdout, /because of the subject: Error: the device is gone/);
  t.regex(stdout, /20 of \d+ programs could not run, so nothing is proven/);
});

const refused: [string, string[], RegExp, Record<string, string>?][] = [
  ['no command', [], /not a command/],
  ['an option that is not there', ['verify', '--rnus', '5'], /--rnus/],
  ['a number that is none', ['verify', '--runs', 'many'], /--runs must be an integer/],
  ['no runs', ['verify', '--runs', '0'], /--runs must be at least 1/],
  ['a subject that is not there', ['verify', '--subject', 'jax'], /no subject jax/],
  [
    'a Python that is not there',
    ['verify', '--subject', broken],
    /could not be started.*ENOENT/s,
    { ORACLE_PYTHON: '/nowhere/python' },
  ],
  ['another torch', ['verify', '--subject', broken, '--torch', '1.0.0'], /1\.0\.0 is wanted/],
  ['a case that is not there', ['replay', 'nowhere.json'], /nowhere\.json is no stored case/],
];

for (const [name, args, message, env] of refused) {
  test.serial(`exits with 2 and says why: ${name}`, async (t) => {
    const { code, stderr } = await run(folder(t), args, env);
    t.is(code, 2);
    t.regex(stderr, message);
  });
}

for (const [signal, expected] of [
  ['SIGINT', 130],
  ['SIGKILL', null],
] as const) {
  test.serial(`${signal} ends the oracle too`, async (t) => {
    const child = start(folder(t), ['verify', '--runs', '1000000', '--subject', broken]);
    child.stdout!.resume();
    child.stderr!.resume();
    const closed = once(child, 'close') as Promise<[number | null]>;
    t.true(await until(() => family(child.pid!).length >= 3), 'the oracle is there');
    const members = family(child.pid!);
    child.kill(signal);
    const [code] = await closed;
    t.is(code, expected);
    t.true(await until(() => !members.some(isRunning)));
  });
}
