import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { fromJSON } from '../case.ts';
import { loadSubject } from '../commands/load_subject.ts';
import { startOracle, type Oracle } from '../oracle.ts';
import { torchParity } from '../subjects/torch_parity.ts';
import { faults, misreading, miswriting, optimizerFaults } from '../testing/faulty_files.ts';
import type { Parties } from './case.ts';
import type { Files } from './files.ts';
import { addExchange, exchangeCode, exchangeFailureText, exchangeRows, noExchange } from './report.ts';
import { readPlace, storeDifference } from './stored.ts';
import { exchange, smallest, Suite, type Amount } from './suite.ts';

let torch: Oracle;
let parties: Parties;

test.before(async () => {
  const { subject, files } = await loadSubject('tensorflow');
  torch = await startOracle({ workers: 2 });
  parties = { subject, files: files!, torch };
});
test.after.always(() => torch.close());

/** The first case that differs, or undefined. */
async function caught(files: Files, amount: Amount): ReturnType<typeof first> {
  return first({ ...parties, files, subject: torchParity(undefined, 'faulty', files) }, amount);
}

async function first(own: Parties, amount: Amount) {
  for await (const outcome of exchange(own, new Suite(own, 1).cases(amount))) {
    if (outcome.verdict === 'differs') return outcome;
  }
  return undefined;
}

test('checkpoints of all kinds come through in both directions', async (t) => {
  const totals = noExchange();
  const cases = new Suite(parties, 5).cases({ trainings: 30, trees: 60, stride: 12 });
  for await (const outcome of exchange(parties, cases)) {
    addExchange(totals, outcome);
    if (outcome.verdict === 'differs') t.fail(`${outcome.name}: ${outcome.difference.path}`);
    if (outcome.verdict === 'could not run') t.fail(`${outcome.name}: ${outcome.message}`);
  }
  t.is(totals.trees, 60);
  t.true(totals.trainings >= 27);
  t.true(totals.catalogue >= 15);
  t.true(totals.refused.length >= 1);
  t.is(exchangeCode(totals), 0);
});

for (const [name, fault] of Object.entries(faults)) {
  test(`a reader is caught where ${name}`, async (t) => {
    const amount = { trainings: 0, trees: 300, stride: 1e9 };
    t.is((await caught(misreading(fault), amount))?.difference.consumer, 'torch-parity');
    t.regex((await caught(miswriting(fault), amount))?.difference.consumer ?? 'none', /^torch 2/);
  });
}

for (const [name, fault] of Object.entries(optimizerFaults)) {
  test(`a training is caught where ${name}`, async (t) => {
    const found = await caught(misreading(fault), { trainings: 150, trees: 0, stride: 1e9 });
    t.is(found?.difference.consumer, 'torch-parity');
    t.truthy(found?.difference.program);
  });
}

test('a difference is made smaller, stored, and printed with what replays it', async (t) => {
  const files = misreading(faults['tuples become lists']!);
  const own = { ...parties, files };
  const found = (await first(own, { trainings: 0, trees: 300, stride: 1e9 }))!;
  const small = await smallest(own, found.case, found.difference, 10);
  t.true(small.name.startsWith(`${found.name}:`));
  t.regex(small.difference.ours, /^a list of/);
  t.regex(small.difference.theirs, /^a tuple of/);

  const folder = mkdtempSync(join(tmpdir(), 'exchange-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const place = { case: small.name, seed: 1, old: false };
  const stored = storeDifference(folder, place, small.difference);
  t.is(stored.length, 2);
  t.deepEqual(new Uint8Array(readFileSync(stored[1]!)), small.difference.file);
  t.deepEqual(readPlace(stored[0]!), place);
  const text = exchangeFailureText(place, small.difference, { stored });
  t.true(text.includes(`--seed=1 --case='${small.name}'`) && text.split('\n').length < 25);

  const again = await new Suite(own, 1).named(small.name).run(own);
  t.deepEqual(again, { verdict: 'differs', difference: small.difference });
});

test('a training that differs is stored with its program, under the name that runs it again', async (t) => {
  const found = await caught(misreading(optimizerFaults['the state is lost']!), {
    trainings: 150,
    trees: 0,
    stride: 1e9,
  });
  const folder = mkdtempSync(join(tmpdir(), 'exchange-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const place = { case: found!.name, seed: 1, old: false };
  const [file] = storeDifference(folder, place, found!.difference);
  const stored = JSON.parse(readFileSync(file!, 'utf8')) as { program: object };
  const program = fromJSON(JSON.stringify(stored.program));
  t.true(program.commands.some(({ op }) => op === 'resume'));
  t.deepEqual(program, found!.difference.program);
  t.deepEqual(readPlace(file!), place);
});

test('where torch refuses to write a checkpoint, the case could not run, and says why', async (t) => {
  const refusal = { error: { class: 'RuntimeError', message: 'no room' } };
  const run: Oracle['run'] = async (programs, want) => {
    const results = await torch.run(programs, want);
    return results.map((result, index) => {
      const saves = programs[index]!.commands.at(-1)?.op === 'save';
      if (!saves || 'failed' in result) return result;
      const { tensors, records } = result.exact!;
      return { ...result, exact: { tensors, records: [...records.slice(0, -1), refusal] } };
    });
  };
  const own = { ...parties, torch: { hello: torch.hello, run } as Oracle };
  const messages: string[] = [];
  for await (const outcome of exchange(
    own,
    new Suite(own, 1).cases({ trainings: 8, trees: 0, stride: 1e9 }),
  )) {
    t.not(outcome.verdict, 'differs');
    if (outcome.verdict === 'could not run') messages.push(outcome.message);
  }
  t.regex(messages[0] ?? 'none', /torch 2[.\d]+ does not write the file: RuntimeError: no room/);
});

test('the rows of a summary separate thousands, and say what both sides refuse', (t) => {
  const refused = { name: 'catalogue:a function', reason: 'GLOBAL' };
  const totals = { ...noExchange(), trainings: 1234, files: 56_789, refused: [refused] };
  const [[, first], [, second]] = exchangeRows(totals, parties) as [[string, string], [string, string]];
  t.regex(first, /^1,234 trainings, 0 values/);
  t.regex(
    second,
    /^56,789 files written .*, 1 refused by both sides, as torch's weights_only reader forbids them$/,
  );
});

test('a case that nobody has is refused by name', (t) => {
  t.throws(() => new Suite(parties, 1).named('catalogue:nothing'), {
    message: /there is no case catalogue:nothing/,
  });
});
