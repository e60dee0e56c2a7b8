import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import 'torch-parity'; // before tfjs, for Node 24
import '@tensorflow/tfjs-node-gpu';
import test, { type ExecutionContext } from 'ava';
import * as fc from 'fast-check';
import { specOf } from './arbitrary/defined.ts';
import { featuresOf, programArbitrary } from './arbitrary/program.ts';
import { startOracle } from './oracle.ts';
import { torchParity } from './subjects/torch_parity.ts';
import { Adam } from './testing/adam.ts';
import { verify } from './verify.ts';

const cli = fileURLToPath(new URL('cli.js', import.meta.url));
const lion = fileURLToPath(new URL('examples/lion.js', import.meta.url));
const lionInTorch = fileURLToPath(new URL('../src/examples/lion.py', import.meta.url));

/** Runs the command in a folder of the test's own; gives its exit code and what it wrote. */
async function run(t: ExecutionContext, ...args: string[]): Promise<{ code: number; text: string }> {
  const cwd = mkdtempSync(join(tmpdir(), 'torch-conformance-'));
  t.teardown(() => rmSync(cwd, { recursive: true }));
  const child = spawn(process.execPath, [cli, ...args, '--workers', '1'], { cwd, stdio: 'pipe' });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += chunk));
  const [code] = (await once(child, 'close')) as [number];
  return { code, text };
}

test.serial('Lion equals its like in PyTorch in every bit, on both engines', async (t) => {
  const options = ['--optimizer', lion, '--torch-optimizer', lionInTorch];
  const { code, text } = await run(t, 'verify', ...options, '--runs', '200', '--seed', '1');
  t.is(code, 0, text);
  t.regex(text, /^subject +Lion, tensorflow \(cpu\) with engines fused and reference, claims to be exact/m);
  t.regex(text, /^programs +200 agree, 0 differ, 0 could not run$/m);
  t.regex(text, /^bits that differ +0$/m);
});

test.serial('a mistake in either of them is found, and shown in terms of its own file', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'torch-conformance-own-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const wrong = join(folder, 'wrong.py');
  const right = readFileSync(lionInTorch, 'utf8');
  writeFileSync(wrong, right.replace('average * beta1', 'average * beta2'));
  const options = ['--optimizer', lion, '--torch-optimizer', wrong];
  const { code, text } = await run(t, 'verify', ...options, '--runs', '500', '--seed', '1');
  t.is(code, 1, text);
  t.regex(text, /^Lion \(fused engine\) differs from torch /m);
  t.true(text.includes(`--optimizer ${lion} --torch-optimizer ${wrong}`), text);
  t.true(text.includes(`run_path("${wrong}")["Lion"](`), text);
});

for (const [name, options, message] of [
  [
    'a module without an optimizer',
    ['--optimizer', cli.replace('cli.js', 'take.js')],
    /exports no optimizer/,
  ],
  ['no Python file', ['--optimizer', lion], /the oracle has no Lion: .* --torch-optimizer FILE/],
  ['a Python file that is not there', ['--torch-optimizer', 'nowhere.py'], /there is no file nowhere\.py/],
  ['another subject', ['--optimizer', lion, '--subject', 'mine.js'], /--subject tensorflow or cpu/],
] as const) {
  test.serial(`exits with 2 and says why: ${name}`, async (t) => {
    const { code, text } = await run(t, 'verify', '--runs', '5', ...options);
    t.is(code, 2, text);
    t.regex(text, message);
  });
}

test.serial('an Adam of one’s own equals torch.optim.Adam in every bit', async (t) => {
  await using oracle = await startOracle({ workers: 1 });
  const spec = specOf(Adam.definition);
  delete spec.options['amsgrad']; // which this Adam does not have
  // Where beta1 is 0, lerp's weight is 1, and torch gives zeros of either sign, by their place in memory.
  const { usual } = spec.options['betas']!;
  spec.options['betas'] = { usual, wild: usual, unchecked: usual };
  const features = { ...featuresOf(oracle.hello.torch), optimizers: ['Adam'] };
  const programs = programArbitrary(features, { failing: false, own: [spec] });
  const subject = torchParity({ Adam }, 'Adam');
  t.deepEqual(subject.engines, ['fused', 'reference']);
  const result = await verify({ subject, oracle, programs, runs: 100, seed: 1 });
  t.deepEqual(result.failure?.smallest, undefined);
  t.is(result.agreed, 100);
});

test('the numbers that are sampled are those that the optimizer takes', (t) => {
  const spec = specOf(Adam.definition);
  t.is(spec.refused.length, 0, 'this Adam validates nothing');
  const values = fc.sample(spec.options['betas']!.usual, { seed: 1, numRuns: 50 });
  t.true(values.every((value) => JSON.stringify(value).startsWith('{"tuple":[{"float":')));
});
