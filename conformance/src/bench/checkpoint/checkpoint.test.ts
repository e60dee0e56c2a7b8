import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import type { Row } from './measure.ts';

const main = fileURLToPath(new URL('main.js', import.meta.url));

test('the benchmark measures every operation of every case, and leaves no file behind', async (t) => {
  const cwd = mkdtempSync(join(tmpdir(), 'torch-conformance-'));
  t.teardown(() => rmSync(cwd, { recursive: true }));
  const { stdout } = await promisify(execFile)(process.execPath, [main, '--small', '--rounds', '1'], { cwd });
  const { rows } = JSON.parse(readFileSync(join(cwd, 'build/bench/checkpoint.json'), 'utf8')) as {
    rows: Row[];
  };
  t.deepEqual(
    rows.map((row) => [row.case, row.format, row.operation].join(' ')),
    ['large', 'many', 'adam'].flatMap((name) =>
      ['pt', 'safetensors'].flatMap((format) =>
        ['read', 'open', 'write'].map((operation) => `${name} ${format} ${operation}`),
      ),
    ),
  );
  for (const { ours, others } of rows) {
    t.true(others.length > 0);
    for (const { ms, peakMB } of [ours, ...others]) t.true(ms > 0 && peakMB > 10);
    for (const { ms, ratio } of others) t.is(ratio, ms / ours.ms);
  }
  t.is(stdout.trimEnd().split('\n').length, rows.flatMap(({ others }) => others).length + 2);
  const svg = readFileSync(join(cwd, 'build/bench/checkpoint.svg'), 'utf8');
  t.is(svg.match(/<rect x=/g)!.length, rows.flatMap(({ others }) => others).length);
  t.deepEqual(readdirSync(join(cwd, 'build/bench')).sort(), ['checkpoint.json', 'checkpoint.svg']);
});
