import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A process that answers requests, one at a time; its disposal ends it. */
export interface Worker extends AsyncDisposable {
  /**
   * @param seconds - how long it may take; it is ended if it takes longer
   * @throws Error with what the worker answered under `error`, or if it does not answer
   */
  ask<T>(request: object, seconds?: number): Promise<T>;
}

interface Options {
  /** What it is called in errors. */
  name: string;
  command: string;
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
}

/** Starts a process that reads a request a line from stdin, as JSON, and writes a reply a line to stdout. */
export function startWorker({ name, command, args, env = {} }: Options): Worker {
  const child = spawn(command, args, {
    stdio: 'pipe',
    env: { ...process.env, ...env },
    detached: true, // a process group of its own: what it starts, compilers for instance, ends with it
  });
  const kill = (): void => killGroup(child);
  process.once('exit', kill);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)));
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => {
      const last = said.trim() === '' ? '' : `; it said last:\n${said.trim()}`;
      resolve(`it ended with ${signal ?? code}${last}`);
    });
  });
  child.stdin.on('error', () => {}); // it may be gone; `ended` tells
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const dead = ended.then((how) => Promise.reject(new Error(`the worker ${name} does not answer: ${how}`)));
  dead.catch(() => {}); // told to whoever asks
  return {
    async ask<T>(request: object, seconds?: number): Promise<T> {
      let late = false;
      const expire = (): void => {
        late = true;
        kill();
      };
      const timer = seconds === undefined ? undefined : setTimeout(expire, seconds * 1000);
      try {
        child.stdin.write(`${JSON.stringify(request)}\n`);
        const line = await Promise.race([lines.next(), dead]);
        if (line.done) return await dead;
        const reply = JSON.parse(line.value) as T & { error?: string };
        if (reply.error !== undefined) throw new Error(reply.error);
        return reply;
      } catch (error) {
        throw late ? new TimeLimit(seconds!) : error;
      } finally {
        clearTimeout(timer);
      }
    },
    async [Symbol.asyncDispose]() {
      kill(); // a worker that hangs would not end by itself
      await ended;
      process.off('exit', kill);
    },
  };
}

/** A worker was given so much time, and took more. */
export class TimeLimit extends Error {
  override readonly name = 'TimeLimit';

  constructor(seconds: number) {
    super(`over ${seconds} s`);
  }
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The whole group is gone already.
  }
}
