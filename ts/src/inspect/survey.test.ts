import test from 'ava';
import { Tuple } from '../checkpoint/index.ts';
import { survey } from './survey.ts';

test('values in keys and sets count as often as they would be written', (t) => {
  let tuple = Tuple.of<unknown>(0);
  for (let i = 0; i < 40; i++) tuple = Tuple.of<unknown>(tuple, tuple);
  for (const value of [new Map([[tuple, 1]]), new Set([tuple]), [tuple]]) {
    t.true(survey(value).expandedSize > 2 ** 40);
  }
  t.is(survey(new Set([1, 'a'])).expandedSize, 1);
  t.is(survey([1, new Map([[2, 3]])]).expandedSize, 4);
});

test('shared lists are those that several places refer to', (t) => {
  const [list, tuple] = [[1], Tuple.of(1)];
  const found = survey([list, [list], tuple, new Map([[tuple, [1]]])]);
  t.deepEqual([...found.sharedContainers], [list]);
  t.is(found.sharedContainers.values().next().value, list);
  t.is(found.containers.get(tuple), '[2]');
});
