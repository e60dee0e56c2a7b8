import test from 'ava';
import fc from 'fast-check';
import { sample, shrinkable } from './sample.ts';
import { shrink } from './shrink.ts';

const arbitrary = fc.record({ list: fc.array(fc.integer(), { maxLength: 20 }), flag: fc.boolean() });
type Value = typeof arbitrary extends fc.Arbitrary<infer T> ? T : never;

/** An artificial fault: three elements, one of them above 1000. */
const fails = ({ list }: Value): string | undefined =>
  list.length >= 3 && list.some((x) => x > 1000) ? `${list.length}` : undefined;

function firstFailure(seed: number): { seed: number; path: string; value: Value } {
  for (const run of sample(arbitrary, seed, 1000)) if (fails(run.value)) return run;
  throw new Error('nothing fails');
}

test('runs are those of fast-check, whatever chunk they come from', (t) => {
  const runs = [...sample(arbitrary, 7, 1203)];
  t.deepEqual(
    runs.map(({ value }) => value),
    fc.sample(arbitrary, { seed: 7, numRuns: 1203 }),
  );
  for (const { seed, path, value } of [runs[0]!, runs[1]!, runs[499]!, runs[500]!, runs[1202]!]) {
    t.deepEqual(shrinkable(arbitrary, { seed, path }).value, value);
    t.deepEqual(fc.sample(arbitrary, { seed, path, numRuns: 1 }), [value]);
  }
});

test('shrinking ends at the minimum that fast-check finds, in fewer requests, with a path that fast-check replays', async (t) => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const run = firstFailure(seed);
    const test_ = async (values: Value[]): Promise<(string | undefined)[]> => values.map(fails);
    const shrunk = await shrink(arbitrary, run, 'found', test_, { deadline: Date.now() + 60_000 });
    t.is(shrunk.value.list.length, 3);
    t.is(Math.max(...shrunk.value.list), 1001);
    t.is(shrunk.failure, '3');
    t.true(shrunk.complete);

    let calls = 0;
    const property = fc.property(arbitrary, (value) => ((calls += 1), fails(value) === undefined));
    const details = fc.check(property, { seed, path: run.path });
    t.deepEqual(details.counterexample, [shrunk.value]);
    t.is(details.counterexamplePath, shrunk.path);
    t.true(shrunk.requests * 2 < calls, `${shrunk.requests} requests, ${calls} calls`);
    t.deepEqual(fc.sample(arbitrary, { seed, path: shrunk.path, numRuns: 1 }), [shrunk.value]);
    t.deepEqual(shrinkable(arbitrary, shrunk).value, shrunk.value);

    const narrow = await shrink(arbitrary, run, 'found', test_, { batch: 2, deadline: Date.now() + 60_000 });
    t.is(narrow.path, shrunk.path);
  }
});

test('shrinking stops when time is up, with the smallest so far', async (t) => {
  const run = firstFailure(1);
  const shrunk = await shrink(arbitrary, run, 'found', async (values) => values.map(fails), { deadline: 0 });
  t.like(shrunk, { path: run.path, failure: 'found', complete: false, requests: 0 });
});
