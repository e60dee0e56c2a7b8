import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** importing torch from a cold disk takes its time. */
const startSeconds = 180;

export interface ProcessOptions {
  /** The Python that has torch; see {@link findPython}. */
  python: string;
  workers?: number | undefined;
  /** A Python file with optimizers of the user's own. */
  optimizers?: string | undefined;
}

/** The oracle as a child process, which never outlives this one. */
export interface OracleProcess {
  endpoint: string;
  pid: number;
  /** Resolves when the process has ended, with how it ended and what it said last. */
  ended: Promise<string>;
  /** Ends it, and waits until it and its workers are gone. */
  stop(): Promise<void>;
}

/**
 * The Python to run the oracle with: the one given, `ORACLE_PYTHON`, or the environment that set-up makes.
 *
 * @param torch - a version of torch with an environment of its own
 * @throws Error if there is none
 */
export function findPython(python: string | undefined, torch?: string): string {
  const given = python ?? process.env['ORACLE_PYTHON'];
  if (given) return given;
  const places = [...(torch ? [`.venv-torch-${torch}`] : []), '.venv'].map((name) =>
    join(root, name, 'bin', 'python'),
  );
  const found = places.find((place) => existsSync(place));
  if (found) return found;
  throw new Error(
    `there is no Python environment with torch at ${places.join(' or ')}: run \`make setup\`, or name one in ORACLE_PYTHON`,
  );
}

/** Starts `python -m torch_oracle` on a free loopback port, and waits until it serves. */
export async function startProcess({ python, workers, optimizers }: ProcessOptions): Promise<OracleProcess> {
  const path = [join(root, 'python-oracle'), process.env['PYTHONPATH']].filter(Boolean).join(delimiter);
  const size = workers === undefined ? [] : ['--workers', String(workers)];
  const own = optimizers === undefined ? [] : ['--optimizers', optimizers];
  const child = spawn(
    python,
    ['-m', 'torch_oracle', '--bind', 'tcp://127.0.0.1:0', ...size, ...own, '--stop-on-eof'],
    {
      env: { ...process.env, PYTHONPATH: path, PYTHONUNBUFFERED: '1' },
      stdio: ['pipe', 'pipe', 'pipe'],
      // A process group of its own: an interrupt from the terminal reaches us alone, and we end the whole group.
      detached: true,
    },
  );
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2000);
  });
  child.stdin.on('error', () => {}); // it may be gone before we close it
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('close', (code, signal) => {
      const last = said.trim() === '' ? '' : `; it said last:\n${said.trim()}`;
      resolve(`ended with ${signal ?? `exit code ${code}`}${last}`);
    });
  });
  const kill = (): void => killGroup(child);
  process.once('exit', kill);
  child.once('exit', kill); // workers that outlive their parent would keep its pipes open
  const stop = async (): Promise<void> => {
    child.stdin.end();
    const timer = setTimeout(kill, 5_000);
    await ended;
    clearTimeout(timer);
    process.off('exit', kill);
  };
  try {
    const endpoint = await readEndpoint(child, ended);
    return { endpoint, pid: child.pid!, ended, stop };
  } catch (error) {
    kill();
    await stop();
    throw new Error(`the oracle (${python} -m torch_oracle) ${(error as Error).message}`, { cause: error });
  }
}

async function readEndpoint(child: ChildProcess, ended: Promise<string>): Promise<string> {
  const ready = new Promise<string>((resolve, reject) => {
    const lines = createInterface({ input: child.stdout! });
    lines.once('line', (line) => {
      lines.close();
      child.stdout!.resume(); // nothing else is expected, but a full pipe would stop it
      try {
        resolve((JSON.parse(line) as { endpoint: string }).endpoint);
      } catch (error) {
        reject(new Error(`did not announce its endpoint, but printed: ${line}`, { cause: error }));
      }
    });
  });
  const dead = ended.then((how) => Promise.reject(new Error(how)));
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`was not ready after ${startSeconds} s`)), startSeconds * 1000);
  });
  try {
    return await Promise.race([ready, dead, late]);
  } finally {
    clearTimeout(timer);
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
