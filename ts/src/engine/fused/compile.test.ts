import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { cacheHome } from '../../native/cache.ts';

const index = new URL('../../index.js', import.meta.url).href;

/** A name that nobody has compiled kernels for. */
const freshName = (): string => `Own${randomUUID().replaceAll('-', '')}`;

/**
 * Makes an optimizer of its own twice in a process, under engine auto and then fused, and steps with the first.
 *
 * @param first - what the process does before
 */
async function make(
  name: string,
  PATH = process.env['PATH'],
  first = '',
): Promise<{ engine: string; fallback?: string; refused?: string; value: number; stderr: string }> {
  const code = `
    import { defineOptimizer, Parameter, TensorData } from ${JSON.stringify(index)};
    import '@tensorflow/tfjs-node-gpu';
    const Own = defineOptimizer({
      name: '${name}', options: { lr: 1 }, state: {},
      update: (o, { param, grad }, { lr }) => ({ param: o.add(param, grad, lr) }),
    });
    const p = new Parameter(TensorData.from('float32', [1]));
    ${first}
    const optimizer = new Own([p]);
    p.grad = TensorData.from('float32', [2]);
    optimizer.step();
    const { engine, fallback } = optimizer;
    let refused;
    try { new Own([p], { engine: 'fused' }); } catch (error) { refused = error.code + ': ' + error.message; }
    console.log(JSON.stringify({ engine, fallback, refused, value: p.toTensorData().toTypedArray()[0] }));`;
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '-e', code],
    { cwd: new URL('.', import.meta.url), env: { ...process.env, PATH, TF_CPP_MIN_LOG_LEVEL: '2' } },
  );
  return { ...JSON.parse(stdout), stderr };
}

/** The directories of the cache that belong to a name. */
function made(name: string): string[] {
  const home = cacheHome();
  const of = (entry: string): boolean => {
    try {
      return readFileSync(join(home, entry, 'kernels.cc'), 'utf8').includes(name);
    } catch {
      return false;
    }
  };
  return readdirSync(home).filter((entry) => entry.startsWith('kernels-') && of(entry));
}

function cleaned(t: ExecutionContext, name: string): string {
  t.teardown(() => made(name).forEach((entry) => rmSync(join(cacheHome(), entry), { recursive: true })));
  return name;
}

/** A folder with a compiler that does this. */
function compilerThat(t: ExecutionContext, script: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'torch-parity-compiler-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'g++'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, 'g++'), 0o755);
  return [folder, process.env['PATH']].join(delimiter);
}

test('the first use compiles, and later ones find it', async (t) => {
  const name = cleaned(t, freshName());
  const first = await make(name);
  t.like(first, { engine: 'fused', value: 3 });
  t.is(first.refused, undefined);
  t.true(first.stderr.includes(`torch-parity: compiling the kernels of ${name} ...`));
  t.is(made(name).length, 1);
  const later = await make(name, '/nowhere');
  t.like(later, { engine: 'fused', value: 3 });
  t.false(later.stderr.includes('compiling'));
});

test('processes that compile at the same time leave one library, and all can use it', async (t) => {
  const name = cleaned(t, freshName());
  const results = await Promise.all([make(name), make(name), make(name)]);
  for (const result of results) t.like(result, { engine: 'fused', value: 3 });
  t.is(made(name).length, 1);
});

test('without a compiler the reference engine runs, and fused says what to install', async (t) => {
  const name = cleaned(t, freshName());
  const result = await make(name, '/nowhere');
  t.like(result, { engine: 'reference', value: 3 });
  t.regex(result.fallback!, /since there is no compiler for its kernels: sudo apt install g\+\+$/);
  t.is(result.refused, `NO_FUSED_ENGINE: ${result.fallback}`);
  t.deepEqual(made(name), []);
});

for (const [what, script, message] of [
  [
    'has no room',
    'echo "kernels.cc:1: fatal error: No space left on device" >&2; exit 1',
    /cannot be written to \S+ \(the disk is full\): make room there, or /,
  ],
  ['is killed', 'kill -9 $$', /does not compile its kernels \(it ended with SIGKILL\): use engine 'ref/],
  [
    'says very much',
    'head -c 3000000 /dev/zero | tr "\\0" "\\n" >&2; echo "error: no" >&2; exit 1',
    /does not compile its kernels \(error: no\)/,
  ],
] as const) {
  test(`says what is wrong where the compiler ${what}`, async (t) => {
    const name = cleaned(t, freshName());
    t.regex((await make(name, compilerThat(t, script))).fallback!, message);
  });
}

test('what killed processes left behind is in nobody’s way', async (t) => {
  const name = cleaned(t, freshName());
  await make(name);
  const [directory] = made(name);
  rmSync(join(cacheHome(), directory!, 'kernels.node'));
  const building = `${join(cacheHome(), directory!)}.0.building-${hostname()}-`;
  const begun = `(await import('node:fs')).mkdirSync('${building}' + process.pid);`;
  t.like(await make(name, undefined, begun), { engine: 'fused', value: 3 });
  t.deepEqual(
    readdirSync(cacheHome()).filter((entry) => entry.startsWith(`${directory}.`)),
    [],
  );
});

test('a compiler that fails is asked once, and leaves nothing', async (t) => {
  const name = cleaned(t, freshName());
  const result = await make(name, compilerThat(t, 'echo "kernels.cc:1: error: no" >&2; exit 1'));
  t.like(result, { engine: 'reference', value: 3 });
  t.regex(
    result.fallback!,
    /g\+\+ does not compile its kernels \(kernels\.cc:1: error: no\): use engine 'ref/,
  );
  t.is(result.refused, `NO_FUSED_ENGINE: ${result.fallback}`);
  t.is(result.stderr.split('compiling the kernels').length, 2);
  t.deepEqual(made(name), []);
});

test('a library that is broken is not used, and compiled anew by the next process', async (t) => {
  const name = cleaned(t, freshName());
  // Its last argument is the file to write.
  const result = await make(name, compilerThat(t, 'for last; do :; done; echo nonsense > "$last"'));
  t.like(result, { engine: 'reference', value: 3 });
  t.regex(result.fallback!, /its libraries do not load \(.*\): start again, which compiles it anew$/s);
  t.like(await make(name), { engine: 'fused', value: 3 });
});
