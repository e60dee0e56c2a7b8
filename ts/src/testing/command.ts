import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export const main: string = fileURLToPath(new URL('../cli/main.js', import.meta.url));

export interface Run {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs torch-parity with its output in pipes. */
export async function torchParity(...args: string[]): Promise<Run> {
  return finish(spawn(process.execPath, [main, ...args]));
}

/** What a process says until it ends. */
export async function finish(child: ChildProcess): Promise<Run> {
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => (said[name] += text));
  }
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, ...said };
}
