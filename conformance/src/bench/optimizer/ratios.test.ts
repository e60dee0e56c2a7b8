import test from 'ava';
import type { Result } from './measure.ts';
import { goalsOf, rowsOf } from './ratios.ts';
import type { SideName } from './sides.ts';
import { remarks, table } from './table.ts';

function result(times: Partial<Record<SideName, number>>, name = '1 x 10M'): Result {
  const measured = Object.entries(times).map(([side, ms]) => ({ side: side as SideName, ms, firstMs: 1 }));
  return { name, optimizer: 'Adadelta', dtype: 'float32', measured, leftOut: [] };
}

test("a ratio is of torch's best eager mode, and null where there is nothing to compare with", (t) => {
  const times = { fused: 2, reference: 8, 'torch for-loop': 20, 'torch foreach': 12, 'torch.compile': 3 };
  const [fused, reference] = rowsOf(result({ ...times, limit: 1.5 }));
  t.like(fused, { engine: 'fused', ms: 2, ratio: 6, ratioCompiled: 1.5, ofLimit: 0.75 });
  t.like(reference, { engine: 'reference', ms: 8, ratio: 1.5, ratioCompiled: 0.375, ofLimit: 0.1875 });
  t.like(rowsOf(result({ fused: 2, optax: 1 }))[0], { ratio: null, ratioCompiled: null, ofLimit: null });
  t.deepEqual(rowsOf(result({ 'torch foreach': 2 })), []);
});

test('a goal is met from its very value on, and judged where there is something to compare with', (t) => {
  const judge = (times: Partial<Record<SideName, number>>, name?: string): [string, boolean][] =>
    goalsOf(rowsOf(result(times, name))).map(({ of, atLeast, met }) => [`${of} ${atLeast}`, met]);
  t.deepEqual(judge({ fused: 2, 'torch foreach': 12, 'torch.compile': 1.9, limit: 1.69 }), [
    ['ratio 6', true],
    ['ratioCompiled 1', false],
    ['ofLimit 0.85', false],
  ]);
  t.deepEqual(judge({ fused: 2, 'torch foreach': 11.9, limit: 1.7 }), [
    ['ratio 6', false],
    ['ofLimit 0.85', true],
  ]);
  t.deepEqual(judge({ fused: 1, 'torch foreach': 19, limit: 0.1 }, '2,000 x 16'), [['ratio 20', false]]);
  t.deepEqual(judge({ fused: 1, 'torch foreach': 1, limit: 0.1 }, 'training'), [['ratio 1', true]]);
});

test('the table has a line a case, and says who was left out', (t) => {
  const fast = result({ fused: 0.0123456, 'torch foreach': 1.5, limit: 0.01 });
  const slow = result({ fused: 123.4, 'torch foreach': 1234.5 }, 'GPT-2 small');
  slow.leftOut.push(
    { side: 'limit', why: 'over 60 s', failed: false },
    { side: 'optax', why: 'broken', failed: true },
  );
  t.is(
    table([fast, slow], ['fused', 'torch foreach', 'optax', 'limit']),
    [
      'ms a step     fused  torch foreach   optax     limit  x torch  x compiled  of limit',
      '1 x 10M      0.0123           1.50            0.0100    121.5                  0.81',
      'GPT-2 small     123           1235  failed  left out     10.0',
    ].join('\n'),
  );
});

test('what keeps a side out of many cases is said once, and then which goals are missed', (t) => {
  const results = ['1 x 10M', '1 x 1M'].map((name) => result({ fused: 2, 'torch foreach': 3 }, name));
  for (const { leftOut } of results) leftOut.push({ side: 'limit', why: 'broken', failed: true });
  t.deepEqual(remarks(results, goalsOf(results.flatMap(rowsOf))), [
    '1 x 10M; 1 x 1M: limit left out: broken',
    '1 of 2 goals met',
    "not met: 1 x 10M: torch's best eager mode / ours is 1.50, and 6 is the goal",
  ]);
});
