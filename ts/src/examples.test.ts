import { readFile } from 'node:fs/promises';
import test from 'ava';
import { ProgramFolder } from './testing/programs.ts';

const folder = new ProgramFolder('examples');

async function runExample(name: string): Promise<string> {
  const code = await readFile(new URL(`../examples/${name}`, import.meta.url), 'utf8');
  return folder.run(name.replace(/\.ts$/, '.mts'), code);
}

test.serial('TypeScript starts, PyTorch finishes', async (t) => {
  const ours = await runExample('start_in_typescript.ts');
  const theirs = await runExample('finish_in_torch.py');
  const losses = Array.from((ours + theirs).matchAll(/loss (\S+)/g), ([, loss]) => Number(loss));
  t.is(losses.length, 5, ours + theirs);
  const [, last, next, , final] = losses as [number, number, number, number, number];
  t.true(next < last && next > 0.9 * last, `PyTorch begins where TypeScript ended: ${losses}`);
  t.true(final < 0.9 * next, `and goes on: ${losses}`);
});

test.serial('a model in another order is loaded by name', async (t) => {
  const printed = await runExample('another_order.ts');
  t.regex(printed, /^2\.weight: momentum \[1,8\] for \[1,8\], weight decay 0\.0001$/m);
  t.regex(printed, /^0\.bias: momentum \[8\] for \[8\], weight decay 0$/m);
  t.regex(printed, /^- group 0 of the optimizer would be made of .*: weight_decay is 0 and 0\.0001$/m);
});
