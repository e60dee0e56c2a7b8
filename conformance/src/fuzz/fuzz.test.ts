import { fileURLToPath } from 'node:url';
import test from 'ava';
import { torchLayout } from '../hostile/pt.ts';
import { findPython } from '../oracle_process.ts';
import { basesOf } from './bases.ts';
import { check, Finding } from './check.ts';
import { fileOf, inputOf, type Input } from './input.ts';
import { minimise } from './minimise.ts';
import { realFiles } from './real_files.ts';
import { fuzz } from './run.ts';

test('5,000 mutated files come to a typed error, or to a value that survives saving', async (t) => {
  using real = await realFiles(findPython(undefined));
  const { done, outcomes, found } = await fuzz({ folder: real.folder, seed: 1, runs: 5_000, workers: 2 });
  t.deepEqual(found, []);
  t.is(done, 5_000);
  // The mutations reach far: many load, and nearly every check of the reader refuses some.
  t.true(outcomes.get('loads')! > 250, String(outcomes.get('loads')));
  t.true(outcomes.size > 30, [...outcomes.keys()].join());
});

test('a process that hangs or dies is found, and the others go on', async (t) => {
  const worker = fileURLToPath(new URL('testing/hanging_worker.js', import.meta.url));
  const report = await fuzz({ folder: '', seed: 1, runs: 8, workers: 2, worker, silenceMs: 3_000 });
  t.is(report.done, 8);
  t.is(report.outcomes.get('loads'), 6);
  t.deepEqual(report.found.map(({ kind, index }) => [index, kind]).sort(), [
    [3, 'hang'],
    [5, 'crash'],
  ]);
  t.regex(report.found.find(({ kind }) => kind === 'crash')!.message, /planted/);
});

test('an index gives the same file again, and others give other files', (t) => {
  const bases = basesOf('torch.pt', torchLayout());
  const files = (seed: number): string[] =>
    Array.from({ length: 50 }, (_, index) =>
      Buffer.from(fileOf(inputOf(bases, seed, index))).toString('hex'),
    );
  t.deepEqual(files(7), files(7));
  t.true(new Set([...files(7), ...files(8)]).size > 80);
});

test('the parts of a file, put together again, are the file', async (t) => {
  const [whole, part] = basesOf('torch.pt', torchLayout());
  t.is(whole!.kind, 'zip');
  t.is(part!.kind, 'pickle');
  t.is(await check(fileOf({ base: part!, edits: [] })), 'loads');
});

test('what is stored has only the edits that matter', async (t) => {
  const base = { name: 'zeros', kind: 'bytes', bytes: new Uint8Array(100) } as const;
  const edits = [5, 200, 7, 250, 9].map((value, index) => ({
    at: index,
    remove: 1,
    insert: Uint8Array.of(value),
  }));
  const isBad = async (input: Input): Promise<boolean> =>
    fileOf(input).filter((byte) => byte > 100).length > 1;
  const { edits: left } = await minimise({ base, edits }, isBad);
  t.deepEqual(
    left.map(({ insert }) => insert[0]),
    [200, 250],
  );
});

test('an error of no type of ours is a finding', async (t) => {
  const file = torchLayout();
  const broken = new Proxy(file, {
    get(target, key) {
      if (key === 'subarray' || key === 'buffer') throw new RangeError('planted');
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const finding = await t.throwsAsync(check(broken), { instanceOf: Finding });
  t.is(finding.kind, 'untyped error');
  t.regex(finding.message, /planted/);
});
