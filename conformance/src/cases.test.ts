import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { readCase, readCases, storeCase } from './cases.ts';
import { smallProgram } from './testing/programs.ts';

test('a case that is stored is read again, and is there once', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'torch-conformance-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  const folder = join(root, 'found');
  t.deepEqual(readCases(folder), []);
  const programs = [smallProgram([1, -0, NaN], [2], 0.5), smallProgram([3], [4, 5], 1)];
  const files = programs.map((program) => storeCase(folder, program));
  t.is(storeCase(folder, programs[0]!), files[0]!);
  t.is(readdirSync(folder).length, 2);
  const read = new Map(readCases(folder).map(({ file, program }) => [file, program]));
  t.deepEqual(
    files.map((file) => read.get(file)),
    programs,
  );

  writeFileSync(join(folder, 'zz.json'), '{"version": 1');
  t.throws(() => readCase(join(folder, 'zz.json')), { message: /zz\.json is no stored case: .*JSON/ });
});
