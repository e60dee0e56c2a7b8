import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { buildOnce, cacheHome } from './cache.ts';

async function temporaryHome(t: { teardown(fn: () => Promise<void>): void }): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'torch-parity-cache-'));
  t.teardown(() => rm(home, { recursive: true }));
  return home;
}

test('the cache is where the environment says', (t) => {
  t.is(cacheHome({ TORCH_PARITY_HOME: '/a', XDG_CACHE_HOME: '/b' }), '/a');
  t.is(cacheHome({ XDG_CACHE_HOME: '/b' }), '/b/torch-parity');
  t.is(cacheHome({ XDG_CACHE_HOME: 'relative' }), join(homedir(), '.cache', 'torch-parity'));
  t.is(cacheHome({}), join(homedir(), '.cache', 'torch-parity'));
});

test('what is there is not built again', async (t) => {
  const home = await temporaryHome(t);
  let builds = 0;
  const build = async (directory: string): Promise<void> =>
    writeFile(join(directory, 'made'), String(++builds));
  const first = await buildOnce(join(home, 'new'), 'thing', build);
  const second = await buildOnce(join(home, 'new'), 'thing', build);
  t.is(first, second);
  t.is(builds, 1);
  t.is(await readFile(join(second, 'made'), 'utf8'), '1');
  t.deepEqual(await readdir(join(home, 'new')), ['thing']);
});

test('a build that fails leaves nothing, and the next one works', async (t) => {
  const home = await temporaryHome(t);
  const failing = async (directory: string): Promise<void> => {
    await writeFile(join(directory, 'half'), '');
    throw new Error('broken');
  };
  await t.throwsAsync(buildOnce(home, 'thing', failing), { message: 'broken' });
  t.deepEqual(await readdir(home), []);
  await buildOnce(home, 'thing', async () => {});
  t.deepEqual(await readdir(home), ['thing']);
});

test('a full disk is one line that says what to do', async (t) => {
  const home = await temporaryHome(t);
  const full = async (): Promise<void> => {
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  };
  const error = await t.throwsAsync(buildOnce(home, 'thing', full), { name: 'SetupError' });
  t.regex(error.message, /^the disk is full: free space under .* or set TORCH_PARITY_HOME/);
});

test('of two that build at once both get the first one, whole', async (t) => {
  const home = await temporaryHome(t);
  const other = async (): Promise<void> => {
    // As another process would: it finishes while this one builds.
    await mkdir(join(home, 'thing'));
    await writeFile(join(home, 'thing', 'made'), 'other');
  };
  const place = await buildOnce(home, 'thing', async (directory) => {
    await writeFile(join(directory, 'made'), 'this');
    await other();
  });
  t.is(await readFile(join(place, 'made'), 'utf8'), 'other');
  t.deepEqual(await readdir(home), ['thing']);
});

test('what a killed process left is removed, what a living one builds is not', async (t) => {
  const home = await temporaryHome(t);
  const dead = spawn(process.execPath, ['-e', '']);
  await once(dead, 'close');
  const theirs = `thing.building-${hostname()}-${process.ppid}`;
  await mkdir(join(home, `thing.building-${hostname()}-${dead.pid}`));
  await mkdir(join(home, theirs));
  await mkdir(join(home, 'thing.building-elsewhere-1'));
  await buildOnce(home, 'other', async () => {});
  t.deepEqual((await readdir(home)).toSorted(), ['other', 'thing.building-elsewhere-1', theirs].toSorted());
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal} ends the build and leaves nothing`, async (t) => {
    const home = await temporaryHome(t);
    const script = `
      import { buildOnce } from ${JSON.stringify(new URL('cache.js', import.meta.url))};
      import { run } from ${JSON.stringify(new URL('command.js', import.meta.url))};
      await buildOnce(${JSON.stringify(home)}, 'thing', async (directory, signal) => {
        console.log('building');
        await run('sleep', ['1000'], { signal });
      });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
    await once(child.stdout, 'data');
    child.kill(signal);
    const [code] = (await once(child, 'close')) as [number];
    t.is(code, 1);
    t.deepEqual(await readdir(home), []);
  });
}
