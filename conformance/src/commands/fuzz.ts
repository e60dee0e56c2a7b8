import { createHash, randomInt } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { check } from '../fuzz/check.ts';
import { realFiles } from '../fuzz/real_files.ts';
import { fuzz, type Found } from '../fuzz/run.ts';
import { findPython } from '../oracle_process.ts';
import { Progress } from '../report/progress.ts';
import { count } from '../report/summary.ts';
import { natural } from './integer.ts';

const usage = `usage: torch-conformance fuzz [options]    reads mutated checkpoints, and looks for what must not come of any file
       torch-conformance fuzz FILE...      reads stored files again

Each input is a real checkpoint, or one of the hostile corpus, with bytes or parts of its structure changed. It must be
refused with a typed error, or give a value that is equal after it is saved and loaded again; in less than a second of
processor time, and 256 MB. Anything else is stored in build/fuzz, with as few changes as show it.

  --runs N         inputs (200000)
  --seed N         selects them; default: random, and printed
  --workers N      processes; default: one for each core
  --python PATH    a Python that has torch and safetensors, which write the real files

Exits with 0 if nothing was found, 1 if something was, 2 where it could not run.`;

const options = {
  runs: { type: 'string', default: '200000' },
  seed: { type: 'string' },
  workers: { type: 'string' },
  python: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

const foundFolder = join('build', 'fuzz');

/** `torch-conformance fuzz`; gives the exit code. */
export async function fuzzCommand(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  if (positionals.length > 0) return recheck(positionals);
  const runs = natural('--runs', values.runs);
  const seed = values.seed ? natural('--seed', values.seed) : randomInt(1, 2 ** 31);
  const workers = values.workers ? natural('--workers', values.workers) : availableParallelism();
  const start = Date.now();
  using real = await realFiles(findPython(values.python));
  const progress = new Progress();
  const onProgress = (done: number): void => progress.show(`${count(done)}/${count(runs)} files`);
  const report = await fuzz({ folder: real.folder, seed, runs, workers, onProgress });
  progress.clear();
  for (const found of report.found) console.log(foundText(found, seed));
  const outcomes = [...report.outcomes].sort(([, one], [, other]) => other - one);
  for (const [outcome, times] of outcomes) console.log(`${count(times).padStart(8)} ${outcome}`);
  const seconds = ((Date.now() - start) / 1000).toFixed(0);
  console.log(
    `seed ${seed}: ${count(report.done)} files read in ${seconds} s, ${count(report.found.length)} findings`,
  );
  return report.found.length > 0 ? 1 : 0;
}

/** Stores the file of a finding, and describes it. */
function foundText(found: Found, seed: number): string {
  const lines = [`seed ${seed}, input ${found.index}, ${found.message}`];
  if (found.base !== undefined) lines.push(`  ${found.base}: ${JSON.stringify(found.edits)}`);
  if (found.file !== undefined) {
    const file = Buffer.from(found.file, 'base64');
    mkdirSync(foundFolder, { recursive: true });
    const path = join(foundFolder, createHash('sha256').update(file).digest('hex').slice(0, 10));
    writeFileSync(path, file);
    lines.push(`  again with: torch-conformance fuzz ${path}`);
  }
  return lines.join('\n');
}

async function recheck(files: string[]): Promise<number> {
  let code = 0;
  for (const file of files) {
    const outcome = await check(new Uint8Array(readFileSync(file))).catch((error: Error) => {
      code = 1;
      return error.message;
    });
    console.log(`${file}: ${outcome}`);
  }
  return code;
}
