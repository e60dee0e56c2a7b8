import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A script of this package, as it was built. */
export function script(name: string): string {
  return fileURLToPath(new URL(`../${name}`, import.meta.url));
}

/** Node runs unless another program is named. */
export interface Call {
  program?: string;
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
}

const environment = {
  TF_CPP_MIN_LOG_LEVEL: '2',
  // Else TensorFlow takes all of the GPU's memory for itself, and torch gets none.
  TF_FORCE_GPU_ALLOW_GROWTH: 'true',
};

/** What a program prints last, as JSON. @throws Error if it fails */
export async function ask<T>({ program = process.execPath, args, env = {} }: Call): Promise<T> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...environment, ...env },
  });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (code !== 0) throw new Error(`${args[0]} ended with ${code ?? signal}`);
  return JSON.parse(printed.trim().split('\n').at(-1) ?? '') as T;
}

/** Runs a program that prints for people. @returns its exit code */
export async function show({ program = process.execPath, args, env = {} }: Call): Promise<number> {
  const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, ...environment, ...env } });
  const [code] = (await once(child, 'close')) as [number | null];
  return code ?? 1;
}
