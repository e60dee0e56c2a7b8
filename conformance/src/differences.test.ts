import test from 'ava';
import { TensorData } from 'torch-parity';
import { loadSubject } from './commands/load_subject.ts';
import { compare } from './compare.ts';
import { comparable, deliberateDifferences } from './differences.ts';
import { startOracle } from './oracle.ts';
import type { Trace } from './trace.ts';
import { float, type Value } from './value.ts';

const tensors = [TensorData.from('float32', [2], []), TensorData.from('float32', [3], [])];

function trace(step: Value, group: [Value, Value][] = [], text = ''): Trace {
  const state: Value = { dict: [['step', step]] };
  return {
    tensors,
    records: [
      { snapshot: { params: [], state: [[0, state]] } },
      {
        result: {
          dict: [
            ['state', { dict: [[0, state]] }],
            ['param_groups', [{ dict: group }]],
          ],
        },
      },
      { result: text },
    ],
  };
}

function agree(torch: string, ours: Trace, theirs: Trace): boolean {
  return compare(comparable(ours, torch), comparable(theirs, torch)) === undefined;
}

test('before 2.4 a step is an int, and must be the same number', (t) => {
  t.true(agree('2.1.2+cpu', trace({ tensor: 0 }), trace(2)));
  t.true(agree('2.3.1', trace({ tensor: 0 }), trace(float(2))));
  t.false(agree('2.1.2', trace({ tensor: 1 }), trace(2)));
  t.false(agree('2.4.0', trace({ tensor: 0 }), trace(2)));
  t.false(agree('2.15.0+cu132', trace({ tensor: 0 }), trace(2)));
});

test('before 2.4 there is no capturable', (t) => {
  const ours = trace(
    2,
    [
      ['maximize', false],
      ['capturable', false],
      ['foreach', null],
    ],
    '    a: 1\n    capturable: False\n)',
  );
  const theirs = trace(
    2,
    [
      ['maximize', false],
      ['foreach', null],
    ],
    '    a: 1\n)',
  );
  t.true(agree('2.1.2', ours, theirs));
  t.false(agree('2.15.0', ours, theirs));
  t.false(agree('2.1.2', trace(2, [['capturable', true]]), trace(2)));
  t.false(agree('2.1.2', trace(2, [['maximize', false]]), trace(2)));
});

test('what is listed as deliberate differs there, and nothing is listed that does not', async (t) => {
  const { subject } = await loadSubject('tensorflow');
  await using oracle = await startOracle({ workers: 1 });
  const { torch } = oracle.hello;
  const differences = deliberateDifferences.filter(({ program, ours }) => {
    const isCompared = program.optimizer === 'Adadelta' || !/^2\.[0-3]\./.test(torch);
    if (!isCompared) t.log(`not compared, since the SGD of torch ${torch} keeps other state: ${ours}`);
    return isCompared;
  });
  const results = await oracle.run(
    differences.map(({ program }) => program),
    ['exact'],
  );
  for (const [index, { program, record, path, ours }] of differences.entries()) {
    const result = results[index]!;
    if ('failed' in result) return t.fail(`${ours}: ${result.failed.message}`);
    const [trace, expected] = [await subject.run(program), result.exact!];
    t.like(compare(comparable(trace, torch), comparable(expected, torch)), { record, path }, ours);
  }
});
