import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { explain } from './command.ts';
import { SetupError } from './setup_error.ts';

/** Where what was downloaded and compiled is kept: `TORCH_PARITY_HOME`, or `torch-parity` in the user's cache. */
export function cacheHome(env: NodeJS.ProcessEnv = process.env): string {
  if (env['TORCH_PARITY_HOME']) return resolve(env['TORCH_PARITY_HOME']);
  const xdg = env['XDG_CACHE_HOME'];
  // The XDG specification: a relative path is invalid and to be ignored.
  return join(xdg && isAbsolute(xdg) ? xdg : join(homedir(), '.cache'), 'torch-parity');
}

/**
 * The directory of that name in the cache, built if it is not there.
 *
 * It is built beside its place and renamed when it is whole, so that it is whole or absent for every process, whatever
 * is interrupted. Two processes may build it at the same time; the first to finish wins.
 */
export async function buildOnce(
  home: string,
  name: string,
  build: (directory: string, signal: AbortSignal) => Promise<void>,
): Promise<string> {
  const place = join(home, name);
  if (existsSync(place)) return place;
  const mark = `.building-${hostname()}-`;
  const directory = `${place}${mark}${process.pid}`;
  const interrupt = new AbortController();
  const stop = (): void => interrupt.abort(new SetupError('interrupted; run it again to begin anew'));
  const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, stop);
  try {
    await mkdir(home, { recursive: true });
    await removeAbandoned(home, mark);
    await mkdir(directory);
    await build(directory, interrupt.signal);
    interrupt.signal.throwIfAborted();
    await rename(directory, place).catch((error: unknown) => {
      if (!existsSync(place)) throw error;
    });
  } catch (error) {
    throw interrupt.signal.aborted ? interrupt.signal.reason : explain(error, home);
  } finally {
    for (const signal of signals) process.off(signal, stop);
    await rm(directory, { recursive: true, force: true });
  }
  return place;
}

/** Removes what processes of this machine began to build and were killed over. */
async function removeAbandoned(home: string, mark: string): Promise<void> {
  for (const entry of await readdir(home)) {
    const pid = entry.includes(mark) ? Number(entry.slice(entry.indexOf(mark) + mark.length)) : undefined;
    if (pid !== undefined && !isRunning(pid)) await rm(join(home, entry), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
