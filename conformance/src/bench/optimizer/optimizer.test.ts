import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import type { Result } from './measure.ts';
import type { Goal, Row } from './ratios.ts';

const main = fileURLToPath(new URL('main.js', import.meta.url));
const run = promisify(execFile);

test('the benchmark measures both engines, torch, tfjs and the limit in every kind of case', async (t) => {
  const cwd = mkdtempSync(join(tmpdir(), 'torch-conformance-'));
  t.teardown(() => rmSync(cwd, { recursive: true }));
  const names = ['fused', 'reference', 'torch foreach', 'tf.train', 'limit'];
  const args = ['--small', '--rounds', '1', '--sides', names.join(',')];
  const { stdout } = await run(process.execPath, [main, ...args], { cwd });
  const file = join(cwd, 'build', 'bench', 'optimizer.json');
  const { rows, goals, results } = JSON.parse(readFileSync(file, 'utf8')) as {
    rows: Row[];
    goals: Goal[];
    results: Result[];
  };
  const measured = Object.fromEntries(
    results.map((each) => [
      [each.name, each.optimizer, each.dtype].join(' '),
      each.measured.map(({ side }) => side),
    ]),
  );
  t.is(Object.keys(measured).length, 6);
  t.deepEqual(measured['1 x 10M Adadelta float32'], names);
  t.deepEqual(measured['1 x 10M SGD float32'], names);
  t.deepEqual(measured['1 x 10M Adadelta float64'], ['fused', 'reference', 'torch foreach', 'limit']);
  t.deepEqual(measured['1 x 10M Adadelta bfloat16'], ['fused', 'reference', 'torch foreach']);
  t.deepEqual(measured['training Adadelta float32'], ['fused', 'reference', 'torch foreach', 'tf.train']);
  t.is(rows.length, 12);
  for (const { ms, ratio, ratioCompiled } of rows) {
    t.true(ms > 0 && ratio! > 0);
    t.is(ratioCompiled, null);
  }
  for (const { wholeMs, ms } of results.at(-1)!.measured) t.true(wholeMs! > ms);
  t.deepEqual(goals, [], 'little work is not judged');
  t.is(stdout.split('\n').filter((line) => /^(\d|ResNet|GPT|training).* {2}/.test(line)).length, 6);
  t.deepEqual(readdirSync(join(cwd, 'build', 'bench')).sort(), ['optimizer.json', 'optimizer.svg']);
  const svg = readFileSync(join(cwd, 'build', 'bench', 'optimizer.svg'), 'utf8');
  t.is(svg.match(/ ms<\/text>/g)!.length, 6);
});

test('what cannot be measured is refused before anything starts', async (t) => {
  for (const [args, message] of [
    [['--rows', 'none'], 'no case is named none: 1 x 100M; '],
    [['--sides', 'fused,none'], 'there is no side none: fused, '],
    [['--rounds', '0'], '--rounds must be an integer of at least 1, but got 0'],
    [['--threads', '100000'], '--threads is 100000, but there are '],
  ] as const) {
    const error = await t.throwsAsync<Error & { code: number; stderr: string }>(
      run(process.execPath, [main, ...args]),
    );
    t.is(error.code, 2);
    t.true(error.stderr.startsWith(`bench: ${message}`), error.stderr);
  }
});
