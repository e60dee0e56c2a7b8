import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import test from 'ava';

const run = promisify(execFile);
const folder = new URL('../../build/readme/', import.meta.url);
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');

/** The code blocks of a language, each as it stands. */
async function blocks(language: string): Promise<string[]> {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  await mkdir(folder, { recursive: true });
  return Array.from(
    readme.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms')),
    ([, code]) => code!,
  );
}

/** Compiles a program as a user would, strictly, and runs it. */
async function compileAndRun(name: string, code: string): Promise<string> {
  await writeFile(new URL(`${name}.mts`, folder), code);
  const flags = [
    '--ignoreConfig',
    '--strict',
    '--skipLibCheck',
    '--module',
    'nodenext',
    '--target',
    'es2022',
    '--types',
    'node',
  ];
  await run(process.execPath, [tsc, ...flags, `${name}.mts`], { cwd: folder });
  const { stdout } = await run(process.execPath, [`${name}.mjs`], { cwd: folder });
  return stdout;
}

test("README's first example runs as it stands, and is TypeScript too", async (t) => {
  const [example = ''] = await blocks('js');
  const stdout = await compileAndRun(
    'line',
    example.replace('.get(0)', '.get(0)!').replaceAll('()[0]', '()[0]!'),
  );
  const losses = Array.from(stdout.matchAll(/^\d+ ([\d.e-]+)$/gm), ([, loss]) => Number(loss));
  t.true(losses.length >= 2 && losses.at(-1)! < losses[0]! / 100, stdout);
  t.regex(stdout, /^Adadelta \(\nParameter Group 0\n {4}capturable: False\n/m);
  t.regex(stdout, /square_avg: TensorData/);
});

test("README's second example runs", async (t) => {
  const [example = ''] = await blocks('ts');
  const stdout = await compileAndRun('groups', example);
  t.regex(stdout, /14/);
  t.regex(stdout, /^stepped 2$/m);
});
