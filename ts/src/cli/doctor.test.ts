import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';

const main = fileURLToPath(new URL('main.js', import.meta.url));

async function doctor(...args: string[]): Promise<{ code: number; stdout: string }> {
  const command = promisify(execFile)(process.execPath, [main, 'doctor', ...args]);
  return command.then(
    ({ stdout }) => ({ code: 0, stdout }),
    ({ code, stdout }: { code: number; stdout: string }) => ({ code, stdout }),
  );
}

test('all is well where set-up is done', async (t) => {
  const { code, stdout } = await doctor();
  t.regex(stdout, /^ok {3}node {8}v\d+\.\d+\.\d+$/m);
  t.regex(stdout, /^ok {3}tfjs {8}4\.22\.0$/m);
  t.regex(stdout, /^ok {3}TensorFlow {2}2\.21\.0$/m);
  t.regex(stdout, /^ok {3}device {6}(CPU|GPU) \(.+\)$/m);
  t.regex(stdout, /^ok {3}engine {6}fused$/m);
  t.regex(
    stdout,
    /^ok {3}compiler {4}(g\+\+|none, so optimizers of your own run on the reference engine) .*/m,
  );
  t.regex(stdout, /^ok {3}subnormals {2}survive( in the fused engine alone)?$/m);
  t.regex(stdout, /^ok {3}torch {7}\d+\.\d+\.\d+\S* \(Python 3\.\d+\.\d+\)$/m);
  t.regex(stdout, /^ok {3}oracle {6}answers \(.+\) and is exact$/m);
  t.is(code, 0);
});

test('an oracle that cannot be started is bad, and the rest is still shown', async (t) => {
  const { code, stdout } = await doctor('--python', '/nowhere/python');
  t.is(code, 1);
  t.regex(stdout, /^ok {3}TensorFlow/m);
  t.regex(stdout, /^bad {2}oracle {6}does not answer: .+/m);
});
