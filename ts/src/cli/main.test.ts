import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';

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
  t.regex(stderr, /^Unknown option '--pyhton'/);
  t.regex(stderr, /Usage: torch-parity doctor/);
});
