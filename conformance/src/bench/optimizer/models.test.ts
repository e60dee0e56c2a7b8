import test from 'ava';
import { sizeOf } from './cases.ts';
import { dense, gpt2Small, resnet50 } from './models.ts';

test('the models have as many parameters as their papers and torchvision say', (t) => {
  t.is(resnet50().length, 161);
  t.is(sizeOf(resnet50()), 25_557_032);
  t.is(gpt2Small().length, 148);
  t.is(sizeOf(gpt2Small()), 124_439_808);
  t.deepEqual(dense(3, 2, 1), [[3, 2], [2], [2, 1], [1]]);
});
