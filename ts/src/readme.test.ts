import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import test from 'ava';

const root = new URL('../../', import.meta.url);

test("README's example runs as it stands", async (t) => {
  const readme = await readFile(new URL('README.md', root), 'utf8');
  const [, example = ''] = /```js\n(.*?)```/s.exec(readme) ?? [];
  const folder = new URL('build/readme/', root);
  await mkdir(folder, { recursive: true });
  await writeFile(new URL('line.mjs', folder), example);
  const { stdout } = await promisify(execFile)(process.execPath, ['line.mjs'], { cwd: folder });
  const losses = Array.from(stdout.matchAll(/^\d+ ([\d.e-]+)$/gm), ([, loss]) => Number(loss));
  t.true(losses.length >= 2 && losses.at(-1)! < losses[0]! / 100, stdout);
  t.regex(stdout, /^Adadelta \(\nParameter Group 0\n {4}capturable: False\n/m);
  t.regex(stdout, /square_avg: TensorData/);
});
