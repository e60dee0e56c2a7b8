import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { save } from '../checkpoint/index.ts';

const commands = ['doctor', 'inspect', 'convert', 'audit', 'setup-tensorflow'];
const main = fileURLToPath(new URL('main.js', import.meta.url));

function torchParity(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
}

test('--help lists every command', (t) => {
  const { status, stdout } = torchParity('--help');
  t.is(status, 0);
  t.regex(stdout, /^Usage: torch-parity <command>/);
  for (const command of commands) t.true(stdout.includes(`\n  ${command} `));
});

test('each command has its own --help', (t) => {
  for (const command of commands) {
    const { status, stdout } = torchParity(command, '--help');
    t.is(status, 0);
    t.true(stdout.startsWith(`Usage: torch-parity ${command}`));
  }
});

test('an unknown command, or none, exits with 2 and the usage', (t) => {
  for (const args of [['docotr'], ['toString'], []]) {
    const { status, stdout, stderr } = torchParity(...args);
    t.is(status, 2);
    t.is(stdout, '');
    t.regex(stderr, args.length ? /^unknown command: / : /^which command\?/);
    t.regex(stderr, /Usage: torch-parity <command>/);
  }
});

test('an unknown option exits with 2 and the usage of the command', (t) => {
  const { status, stderr } = torchParity('doctor', '--pyhton=x');
  t.is(status, 2);
  t.regex(stderr, /^torch-parity: Unknown option '--pyhton'\n/);
  t.regex(stderr, /Usage: torch-parity doctor/);
});

test('output that cannot be written is told on one line, with exit status 2', (t) => {
  const script = `"${process.execPath}" "${main}" --help > /dev/full`;
  const { status, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
  t.is(status, 2);
  t.regex(stderr, /^torch-parity: cannot write the output: ENOSPC.*\n$/);
});

test('a mistake of ours exits with 2, and its trace holds no control characters', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'torch-parity-main-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'a.pt');
  await save([1], file);
  const broken = `data:text/javascript,JSON.stringify=()=>{throw new Error('mis\\u009btake')}`;
  const args = ['--import', broken, main, 'inspect', '--json', file];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  t.is(status, 2, stderr);
  t.true(stderr.includes('Error: mis\\u{9b}take\n'), stderr);
  t.regex(stderr, /\n {4}at /);
});
