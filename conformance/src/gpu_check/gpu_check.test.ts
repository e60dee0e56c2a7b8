import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import test from 'ava';
import { withBandwidth } from './benchmark.ts';
import { ask, script } from './children.ts';
import { summaryOf } from './conformance.ts';
import type { EngineState } from './engine_state.ts';
import type { Leaks } from './leaks.ts';

const onCpu = { CUDA_VISIBLE_DEVICES: '-1' };

test('without a GPU it says in one line what is missing', async (t) => {
  const run = promisify(execFile)(process.execPath, [script('gpu_check/main.js')], {
    env: { ...process.env, PATH: '' },
  });
  await t.throwsAsync(run, {
    code: 2,
    message:
      /\ngpu-check: no NVIDIA GPU with a driver is found \(there is no nvidia-smi\), and this check is for one\n$/,
  });
});

test('where TensorFlow runs on the CPU it says what to do', async (t) => {
  const args = [script('gpu_check/engine_state.js')];
  const { tensorflow, problem } = await ask<EngineState>({ args, env: onCpu });
  t.regex(tensorflow, /^2\./);
  t.regex(problem!, /^TensorFlow finds no GPU: run `TF_FLAVOR=gpu npx torch-parity setup-tensorflow`/);
});

test('what is compared between devices is the same on both engines, and differs from case to case', async (t) => {
  const digests = (engine: string): Promise<Record<string, string>> =>
    ask({ args: [script('gpu_check/digests.js'), engine], env: onCpu });
  const [fused, reference] = await Promise.all([digests('fused'), digests('reference')]);
  t.is(Object.keys(fused).length, 15);
  t.is(new Set(Object.values(fused)).size, 15);
  t.deepEqual(fused, reference);
});

test('nothing leaks on the CPU', async (t) => {
  const { steps, before, after } = await ask<Leaks>({
    args: [script('gpu_check/leaks.js'), '2000'],
    env: onCpu,
  });
  t.is(steps, 2000);
  t.true(before.tensors > 0 && before.hostMB > 0);
  t.is(after.tensors, before.tensors);
});

test('the figures of a conformance run come from its report', (t) => {
  const bounds = { elements: 10, worst: 0.5 };
  const lines = [
    { line: 'meta', claim: 'exact', seed: 3 },
    { line: 'program' },
    {
      ...{ line: 'summary', agreed: 5, differed: 1, couldNotRun: 2, elements: 7, bitsThatDiffer: 4 },
      subjectBounds: bounds,
    },
  ];
  const report = lines.map((line) => JSON.stringify(line));
  t.deepEqual(summaryOf(report.join('\n')), {
    ...{ claim: 'exact', seed: 3, programs: 8, elements: 7, bitsThatDiffer: 4, worst: 0.5 },
  });
  t.throws(() => summaryOf(report[0]!), { message: 'the report is not complete' });
});

test('the share of the bandwidth counts what a step must read and write', (t) => {
  const row = {
    ...({ case: '1 x 10M', engine: 'fused', ms: 1 } as const),
    ...{ ratio: null, ratioCompiled: null, ofLimit: null },
  };
  const bandwidth = { torch: '', bytesPerSecond: 560e9 };
  t.is(withBandwidth({ ...row, optimizer: 'Adadelta', dtype: 'float32' }, bandwidth).ofBandwidth, 0.5);
  t.is(
    withBandwidth({ ...row, optimizer: 'SGD', dtype: 'float32', ms: 2 }, bandwidth).ofBandwidth,
    (10e6 * 20) / 2e-3 / 560e9,
  );
  t.throws(() => withBandwidth({ ...row, case: 'none', optimizer: 'SGD', dtype: 'float32' }, bandwidth));
});
