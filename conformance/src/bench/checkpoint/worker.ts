import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** What a call took, and the peak of its process's memory meanwhile. */
export interface Measurement {
  ms: number;
  peakMB: number;
}

/** A process that answers requests, one at a time. */
export interface Worker extends AsyncDisposable {
  ask<T>(request: object): Promise<T>;
}

const script = fileURLToPath(new URL('../../../bench/checkpoint.py', import.meta.url));
const nodeWorker = fileURLToPath(new URL('node_worker.js', import.meta.url));

export function startPython(python: string): Worker {
  return start('Python', python, [script]);
}

export function startNode(): Worker {
  return start('Node', process.execPath, ['--expose-gc', nodeWorker]);
}

function start(name: string, command: string, args: string[]): Worker {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(`it ended with ${signal ?? code}`));
  });
  child.stdin.on('error', () => {}); // it may be gone; `ended` tells
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const dead = ended.then((how) =>
    Promise.reject(new Error(`the worker in ${name} does not answer: ${how}`)),
  );
  dead.catch(() => {}); // told to whoever asks
  return {
    async ask<T>(request: object): Promise<T> {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      const line = await Promise.race([lines.next(), dead]);
      if (line.done) return dead;
      return JSON.parse(line.value) as T;
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await ended;
      process.off('exit', kill);
    },
  };
}
