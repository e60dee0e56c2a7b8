import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FindingKind } from './check.ts';

/** What a worker is to read: every `step`-th input from `first` up to `end`. */
export interface Task {
  /** Real files to start from. */
  folder: string;
  seed: number;
  first: number;
  step: number;
  end: number;
}

/** What was found, with the smallest file that shows it, where there is one. */
export interface Found {
  kind: FindingKind;
  message: string;
  index?: number | undefined;
  /** The name of the file that was mutated. */
  base?: string;
  /** How; bytes in hex. */
  edits?: { at: number; remove: number; insert: string }[];
  /** In base64. */
  file?: string;
}

/** A worker tells the input that it is at, and what came of it. */
export type FromWorker = { at: number } | { outcome: string } | { finding: Found };

export interface FuzzOptions {
  folder: string;
  seed: number;
  runs: number;
  workers: number;
  onProgress?: (done: number) => void;
  /** The module that a worker runs. */
  worker?: string;
  /** Without a word for so long, a worker hangs; what takes a second of processor time, it finds itself. */
  silenceMs?: number;
}

export interface FuzzReport {
  done: number;
  /** How often each outcome came: a code, or 'loads'. */
  outcomes: Map<string, number>;
  found: Found[];
}

const workerFile = fileURLToPath(new URL('worker.js', import.meta.url));

/** Reads so many mutated files, in processes of their own. */
export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const { folder, seed, runs: end, workers: step } = options;
  const report: FuzzReport = { done: 0, outcomes: new Map(), found: [] };
  const one = async (worker: number): Promise<void> => {
    // After a process that hung or died, another one goes on behind the input that did it.
    for (let first: number | undefined = worker; first !== undefined && first < end;)
      first = await work({ folder, seed, first, step, end }, report, options);
  };
  await Promise.all(Array.from({ length: step }, (_, worker) => one(worker)));
  return report;
}

/** Runs one process; gives the index to go on from, if it did not come to its end. */
function work(
  task: Task,
  report: FuzzReport,
  { onProgress, worker = workerFile, silenceMs = 30_000 }: FuzzOptions,
): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    // A small heap: what a file makes grow is then not mistaken for what was not collected yet.
    const child = fork(worker, {
      execArgv: ['--max-old-space-size=192'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let index: number | undefined;
    let said = '';
    let hung = false;
    const kill = (): void => void child.kill('SIGKILL');
    process.once('exit', kill);
    const watch = setTimeout(() => {
      hung = true;
      kill();
    }, silenceMs);
    const count = (finding?: Found): void => {
      if (finding) report.found.push({ ...finding, index });
      report.done += 1;
      onProgress?.(report.done);
    };
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-2000);
    });
    child.on('message', (message: FromWorker) => {
      watch.refresh();
      if ('at' in message) index = message.at;
      else if ('finding' in message) count(message.finding);
      else {
        report.outcomes.set(message.outcome, (report.outcomes.get(message.outcome) ?? 0) + 1);
        count();
      }
    });
    child.once('disconnect', () => clearTimeout(watch)); // it has come to its end
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(watch);
      process.off('exit', kill);
      if (code === 0) return resolve(undefined);
      if (index === undefined) return reject(new Error(`a worker of the fuzzer could not start:\n${said}`));
      const kind = hung ? 'hang' : 'crash';
      count({
        kind,
        message: `${kind}: the process ended with ${code ?? 'a signal'}; it said last: ${said.trim()}`,
      });
      resolve(index + task.step);
    });
    child.send(task);
  });
}
