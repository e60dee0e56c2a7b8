import { tmpdir } from 'node:os';
import test from 'ava';
import type { Case } from './cases.ts';
import { measureCase, Workers, type Plan } from './measure.ts';
import type { Side, SideName } from './sides.ts';

const given: Case = { name: 'test', optimizer: 'Adadelta', dtype: 'float32', shapes: [[4]] };

/** A side that says what it is told: samples, and how long its turns take, one after the other; at `null` it hangs. */
function side(name: SideName, sample: number[], times: (number | null)[], more: Partial<Side> = {}): Side {
  const script = `
    const times = ${JSON.stringify(times)};
    const answers = {
      prepare: () => ({ firstMs: 7, sample: ${JSON.stringify(sample)} }),
      turn: () => {
        if (times.length === 0) return { error: 'no more turns' };
        while (times[0] === null);
        return { ms: times.shift() };
      },
      drop: () => ({}),
    };
    require('node:readline').createInterface({ input: process.stdin })
      .on('line', (line) => console.log(JSON.stringify(answers[JSON.parse(line).do]())));`;
  return { name, text: name, command: () => [process.execPath, '-e', script], serves: () => true, ...more };
}

async function measure(
  sides: Side[],
  shapes = given.shapes,
  compileSeconds = 5,
): Promise<{ result: Awaited<ReturnType<typeof measureCase>>; said: string[] }> {
  const said: string[] = [];
  const plan: Plan = {
    ...{ python: '', optax: undefined, threads: 1, cores: 1, device: 'cpu', scratch: tmpdir() },
    ...{ sides, rounds: 3, turnSeconds: 0.001, compileSeconds },
    onProgress: (text) => said.push(text),
  };
  await using workers = new Workers(plan);
  return { result: await measureCase({ ...given, shapes }, workers, plan), said };
}

test('sides take turns, and a time is the median of them', async (t) => {
  // The first turn finds out how many steps fill one.
  const { result, said } = await measure([
    side('fused', [1, 2], [1, 5, 1, 3]),
    side('torch for-loop', [1, 2], [1, 30, 10, 20]),
  ]);
  t.deepEqual(result.measured, [
    { side: 'fused', ms: 3, firstMs: 7 },
    { side: 'torch for-loop', ms: 20, firstMs: 7 },
  ]);
  t.deepEqual(
    said.filter((text) => text.includes('round')),
    [1, 2, 3].flatMap((round) =>
      ['fused', 'torch for-loop'].map((name) => `test: round ${round} of 3, ${name}`),
    ),
  );
});

test('a side whose results are not those of torch is not measured, unless it is known for that', async (t) => {
  const times = [1, 1, 1, 1];
  const { result } = await measure([
    side('fused', [1, 2.001], times),
    side('torch for-loop', [1, 2], times),
    side('optax', [1, Number.NaN], times),
    side('tf.train', [1, 5], times, { differs: () => true }),
  ]);
  t.deepEqual(
    result.measured.map((each) => each.side),
    ['torch for-loop', 'tf.train'],
  );
  t.deepEqual(
    result.leftOut.map(({ side, failed }) => [side, failed]),
    [
      ['fused', true],
      ['optax', true],
    ],
  );
  t.regex(
    result.leftOut[0]!.why,
    /^after three steps its parameters are 1.0e-3 from those of torch for-loop$/,
  );
});

test('a side that fails leaves the others running', async (t) => {
  const { result } = await measure([
    side('fused', [1], [1, 1, 1, 1]),
    side('optax', [1], []),
    side('limit', [1], [1, 2]),
  ]);
  t.deepEqual(
    result.measured.map((each) => each.side),
    ['fused'],
  );
  t.deepEqual(result.leftOut, [
    { side: 'optax', why: 'no more turns', failed: true },
    { side: 'limit', why: 'no more turns', failed: true },
  ]);
});

test('a side that hangs in a turn has failed, and is ended', async (t) => {
  const hanging = side('optax', [1], [1, 1, null]);
  const { result } = await measure([side('fused', [1], [1, 1, 1, 1]), hanging], given.shapes, 1);
  t.deepEqual(
    result.measured.map((each) => each.side),
    ['fused'],
  );
  t.deepEqual(result.leftOut, [{ side: 'optax', why: 'over 1 s', failed: true }]);
});

test('a case that does not fit into memory is left out', async (t) => {
  const { result } = await measure([side('fused', [1], [1])], [[1e12]]);
  t.deepEqual(result.measured, []);
  t.regex(result.leftOut[0]!.why, /^all sides together need 36000 GB of memory, and \d+ GB are available$/);
});
