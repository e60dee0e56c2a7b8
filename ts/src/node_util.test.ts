import util from 'node:util';
import test from 'ava';

test('importing it restores the two functions that tfjs-node-gpu needs', async (t) => {
  const legacy = util as unknown as Record<string, ((value: unknown) => boolean) | undefined>;
  delete legacy['isNullOrUndefined'];
  delete legacy['isArray'];
  await import('./node_util.ts');
  const { isNullOrUndefined, isArray } = legacy;
  const values = [null, undefined, 0, '', false, {}, []];
  t.deepEqual(values.map((value) => isNullOrUndefined?.(value)), [true, true, false, false, false, false, false]); // prettier-ignore
  t.deepEqual(
    values.map((value) => isArray?.(value)),
    [false, false, false, false, false, false, true],
  );
});
