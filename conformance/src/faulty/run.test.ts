import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import test from 'ava';
import { optimizers } from 'torch-parity';
import { featuresOf, programArbitrary } from '../arbitrary/program.ts';
import { startOracle } from '../oracle.ts';
import { sample } from '../sample.ts';
import { dtypeFaults } from './dtypes.ts';
import { examples } from './examples.ts';
import { faults } from './faults.ts';
import { Candidate, Suspect } from './judged.ts';
import { isCaught, reportOf } from './report.ts';
import { runFaults } from './run.ts';
import { ieee, variants } from './variants.ts';

test.serial('most faults are caught within a few programs, and no correct variant is flagged', async (t) => {
  await using oracle = await startOracle({ workers: 2 });
  const told: string[] = [];
  const report = await runFaults({ oracle, seed: 11, runs: 250, onProgress: (text) => told.push(text) });
  const [single = 0, others = 0] = report.programs;
  t.is(single, 250);
  t.true(others > 0);
  t.is(report.notRun + report.disagreeing, 0);
  t.is(told.length, single + others);
  t.regex(told[249]!, /^250\/250 programs of float32, \d+\/\d+ faults caught, \d+ s$/);

  const numeric = report.rows.filter(({ family }) => family === 'numeric');
  t.deepEqual(
    numeric.filter(({ exact }) => exact === undefined),
    [],
  );
  const missed = report.rows.filter((row) => !isCaught(row));
  t.true(missed.length < 0.2 * faults.length, missed.map(({ name }) => name).join(', '));
  t.is(report.ok, missed.length === 0);
  for (const { name, exact, bounded, bitsAlone } of report.rows) {
    if (bitsAlone !== undefined) t.is(bounded, undefined, `${name} shows as bounded, and should not`);
    else if (bounded !== undefined) t.true(exact! <= bounded, name);
  }

  t.true(report.variants.length >= 5);
  for (const row of report.variants) {
    t.like(row, { programs: 250, flagged: 0 });
    t.true(row.differing > 0, `${row.name} differs in no bit, so it proves nothing`);
    t.true(
      row.undecided < 0.3 * row.elements,
      `${row.name}: ${row.undecided} of ${row.elements} are undecided`,
    );
  }
  for (const { name } of [...faults, ...dtypeFaults, ...variants]) t.true(report.text.includes(`| ${name} `));
});

test.serial('what has no fault is never caught, and what has one is no correct variant', async (t) => {
  await using oracle = await startOracle({ workers: 2 });
  await tf.setBackend('cpu');
  const features = { ...featuresOf(oracle.hello.torch), dtypes: ['float32'] as const };
  const suspect = new Suspect({ name: 'none', claim: 'all were well', family: 'numeric', table: optimizers });
  const lrOff = faults.find(({ name }) => name === 'lr-off')!;
  const candidate = new Candidate({ name: 'wrong', claim: '', profile: ieee, table: lrOff.table });
  let count = 0;
  for await (const example of examples(oracle, sample(programArbitrary(features), 11, 60), [ieee])) {
    await suspect.run(example!, (count += 1));
    await candidate.run(example!);
  }
  t.is(count, 60);
  const { exact, bounded, field } = suspect.row;
  t.deepEqual([exact, bounded, field], [undefined, undefined, undefined]);
  t.true(candidate.row.flagged > 10 && candidate.row.worst > 2);

  const totals = { seed: 1, torch: '2.15.0', programs: [60, 60], notRun: 0, disagreeing: 0, seconds: 1 };
  const caught = { ...suspect.row, name: 'caught', exact: 3, bounded: 4 };
  const within = { ...suspect.row, name: 'within', exact: 3, bitsAlone: 'rounding hides it' };
  const passed = { ...candidate.row, name: 'passed', flagged: 0 };
  const good = { ...totals, rows: [caught, within], variants: [passed] };
  t.true(reportOf(good).ok);
  t.regex(reportOf(good).text, /\| never +\|[^]*"never": rounding hides it\.\n/);
  for (const bad of [
    { rows: [caught, suspect.row] },
    { rows: [{ ...caught, bounded: undefined }] },
    { variants: [passed, candidate.row] },
    { notRun: 1 },
    { disagreeing: 1 },
    { programs: [60, 0] },
  ]) {
    t.false(reportOf({ ...good, ...bad } as typeof good).ok, JSON.stringify(bad));
  }
  t.regex(
    reportOf({ ...good, rows: [suspect.row] }).text,
    /\| NOT CAUGHT \| NOT CAUGHT \|[^]*Not caught: none\./,
  );
});
