import { randomBytes } from 'node:crypto';
import {
  access,
  constants,
  open,
  readlink,
  realpath,
  rename,
  stat,
  unlink,
  type FileHandle,
} from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Sink } from '../sink.ts';

/**
 * Creates a file, or the new content of one, under a name of its own beside it. Until it is committed, what the path names is
 * as it was; a link is kept, and what it points to is written.
 */
export async function createFile(path: string | URL): Promise<Sink> {
  const target = await followLinks(
    path instanceof URL || path.startsWith('file:') ? fileURLToPath(path) : path,
  );
  const old = await stat(target).catch(unlessMissing);
  if (old && !old.isFile()) {
    throw new TypeError(`${target} is not a regular file: to write to it, give a WritableStream`);
  }
  if (old) await access(target, constants.W_OK); // who may rename into its folder may still not write to it
  const temporary = join(dirname(target), `.torch-parity-${randomBytes(8).toString('hex')}.tmp`);
  const handle = await open(temporary, 'wx');
  const sink = new FileSink(handle, temporary, target);
  try {
    if (old) {
      await handle.chown(old.uid, old.gid).catch(() => {}); // only root may give files away
      await handle.chmod(old.mode & 0o7777);
    }
  } catch (error) {
    await sink.abort();
    throw error;
  }
  return sink;
}

class FileSink implements Sink {
  readonly #handle: FileHandle;
  readonly #temporary: string;
  readonly #target: string;

  constructor(handle: FileHandle, temporary: string, target: string) {
    this.#handle = handle;
    this.#temporary = temporary;
    this.#target = target;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      done += (await this.#handle.write(bytes, done)).bytesWritten;
    }
  }

  async commit(): Promise<void> {
    await this.#handle.sync();
    await this.#handle.close();
    await rename(this.#temporary, this.#target);
  }

  async abort(): Promise<void> {
    try {
      await this.#handle.close(); // does nothing where it is closed
    } finally {
      await unlink(this.#temporary);
    }
  }
}

/**
 * What a path names in the end, whether or not there is something yet. Nothing is taken out of a path as text: what `..` is after a
 * link, only the file system knows.
 */
async function followLinks(path: string): Promise<string> {
  let target = path;
  for (let links = 0; links < 40; links++) {
    if (target.endsWith('/') || target.endsWith(sep)) {
      throw new TypeError(`${path} names a folder: put the name of a file behind it`);
    }
    target = join(await realpath(dirname(target)), basename(target));
    const link = await readlink(target).catch(() => undefined); // no link
    if (link === undefined) return target;
    target = isAbsolute(link) ? link : dirname(target) + sep + link;
  }
  throw new Error(`${path}: too many symbolic links`);
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
