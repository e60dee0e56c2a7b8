import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { createFile } from './file_sink.ts';

let directory = '';
let count = 0;

test.before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'torch-parity-sink-'));
});
test.after.always(() => rm(directory, { recursive: true, force: true }));

/** A new directory for a test. */
async function folder(): Promise<string> {
  const path = join(directory, String(count++));
  await mkdir(path);
  return path;
}

const bytes = Uint8Array.of(1, 2, 3);

test('a file is there with its commit, with the mode of every new file', async (t) => {
  const path = join(await folder(), 'a');
  const sink = await createFile(pathToFileURL(path));
  await sink.write(bytes);
  await sink.write(bytes);
  await t.throwsAsync(stat(path), { code: 'ENOENT' });
  await sink.commit();
  t.deepEqual([...(await readFile(path))], [1, 2, 3, 1, 2, 3]);
  await writeFile(`${path}2`, '');
  t.is((await stat(path)).mode, (await stat(`${path}2`)).mode);
  t.deepEqual(await readdir(join(path, '..')), ['a', 'a2']);
});

test('an old file stays until the commit, and leaves its mode to the new one', async (t) => {
  const path = join(await folder(), 'a');
  await writeFile(path, 'old');
  await chmod(path, 0o640);
  const sink = await createFile(path);
  await sink.write(bytes);
  t.is(String(await readFile(path)), 'old');
  await sink.commit();
  t.deepEqual([...(await readFile(path))], [1, 2, 3]);
  t.is((await stat(path)).mode & 0o7777, 0o640);
});

test('after an abort nothing is there but the old file', async (t) => {
  const path = join(await folder(), 'a');
  await writeFile(path, 'old');
  const sink = await createFile(path);
  await sink.write(bytes);
  await sink.abort(undefined);
  t.is(String(await readFile(path)), 'old');
  t.deepEqual(await readdir(join(path, '..')), ['a']);
});

test('what a link points to is written, also if it is not there yet', async (t) => {
  const path = await folder();
  await mkdir(join(path, 'data'));
  await writeFile(join(path, 'data', 'old'), 'old');
  await symlink('data/old', join(path, 'a'));
  await symlink('a', join(path, 'b'));
  await symlink('data/new', join(path, 'c'));
  for (const name of ['b', 'c']) {
    const sink = await createFile(join(path, name));
    await sink.write(bytes);
    await sink.commit();
    t.true((await readFile(join(path, name))).equals(bytes));
  }
  t.deepEqual(await readdir(join(path, 'data')), ['new', 'old']);
  t.deepEqual(await readdir(path), ['a', 'b', 'c', 'data']);
  await symlink('loop', join(path, 'loop'));
  await t.throwsAsync(createFile(join(path, 'loop')), { message: /too many symbolic links/ });
});

test('a link leads from where it really is, and .. from where a link leads', async (t) => {
  const path = await folder();
  await mkdir(join(path, 'a'));
  await mkdir(join(path, 'b', 'c'), { recursive: true });
  await symlink(join('..', 'b', 'c'), join(path, 'a', 'link'));
  await symlink(join('..', 'x'), join(path, 'b', 'c', 'f'));
  for (const name of ['a/link/f', 'a/link/../y']) {
    const sink = await createFile(`${path}/${name}`);
    await sink.write(bytes);
    await sink.commit();
  }
  t.deepEqual(await readdir(join(path, 'b')), ['c', 'x', 'y']);
  t.deepEqual(await readdir(join(path, 'a')), ['link']);
});

test('a path that ends in / is no name of a file', async (t) => {
  const path = await folder();
  await symlink('new/', join(path, 'link'));
  for (const name of ['new/', 'link'])
    await t.throwsAsync(createFile(`${path}/${name}`), { message: /names a folder/ });
  t.deepEqual(await readdir(path), ['link']);
});

test('a file that may not be written to is not replaced', async (t) => {
  const path = join(await folder(), 'a');
  await writeFile(path, 'old', { mode: 0o444 });
  if (process.getuid?.() === 0) {
    t.log('checked as another user than root only: root may write to all files');
    await (await createFile(path)).abort(undefined);
    t.is(await readFile(path, 'utf8'), 'old');
    return;
  }
  await t.throwsAsync(createFile(path), { code: 'EACCES' });
  t.deepEqual(await readdir(join(path, '..')), ['a']);
});

test('what is no file is refused, and so is a directory that is not there', async (t) => {
  const path = await folder();
  await t.throwsAsync(createFile(path), { message: /not a regular file.*WritableStream/ });
  await t.throwsAsync(createFile('/dev/null'), { message: /not a regular file.*WritableStream/ });
  await t.throwsAsync(createFile(join(path, 'no', 'a')), { code: 'ENOENT', message: /no'$/ });
  t.deepEqual(await readdir(path), []);
});

test('a file that was replaced can still be read by who has it open', async (t) => {
  const path = join(await folder(), 'a');
  await writeFile(path, 'old');
  const { open } = await import('node:fs/promises');
  const handle = await open(path);
  const sink = await createFile(path);
  await sink.write(bytes);
  await sink.commit();
  t.is(String(await handle.readFile()), 'old');
  await handle.close();
});
