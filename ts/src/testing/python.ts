import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The Python that has torch, for tests: `ORACLE_PYTHON`, or the environment that set-up makes. */
export function findPython(): string {
  const python =
    process.env['ORACLE_PYTHON'] ?? fileURLToPath(new URL('../../../.venv/bin/python', import.meta.url));
  if (existsSync(python)) return python;
  throw new Error(
    `there is no Python with torch at ${python}: run \`make setup\`, or name one in ORACLE_PYTHON`,
  );
}

export interface PythonOptions {
  /** Where it runs. */
  cwd?: string | URL;
  /** What it reads from its standard input. */
  input?: Uint8Array;
}

/**
 * Runs Python code in a process of its own.
 *
 * @returns the bytes that it printed
 * @throws Error with what it said, if it failed
 */
export async function runPython(code: string, { cwd, input }: PythonOptions = {}): Promise<Buffer> {
  const child = spawn(findPython(), ['-W', 'ignore', '-c', code], { cwd, stdio: 'pipe' });
  child.stdin.on('error', () => {}); // it may end without having read all
  child.stdin.end(input);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const printed: Buffer[] = [];
  child.stdout.on('data', (bytes: Buffer) => printed.push(bytes));
  const status = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (status !== 0) throw new Error(`Python ended with ${String(status)}: ${said}`);
  return Buffer.concat(printed);
}
