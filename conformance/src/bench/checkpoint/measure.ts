import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { median } from '../median.ts';
import type { Worker } from '../worker.ts';
import { startNode, startPython, type Measurement } from './worker.ts';

export type CaseName = 'large' | 'many' | 'adam';
export type Format = 'pt' | 'safetensors';
export type Operation = 'read' | 'open' | 'write';

export const caseTexts: Readonly<Record<CaseName, string>> = {
  large: '1 GB in 4 tensors',
  many: '100 MB in 20,000 tensors',
  adam: 'Adam, 97M parameters',
};

/** A call of torch or safetensors beside the one here. */
export interface Other extends Measurement {
  by: string;
  /** How many times as long it takes; above 1, it is faster here. */
  ratio: number;
}

/** A row of the report. Times are medians of all rounds, in milliseconds. */
export interface Row {
  case: CaseName;
  format: Format;
  operation: Operation;
  ours: Measurement;
  others: Other[];
}

/** Who does what: ours first, then what it is compared with. */
const contenders: readonly [Format, Operation, ours: string, ...others: string[]][] = [
  ['pt', 'read', 'load', 'torch.load'],
  ['pt', 'open', 'open', 'torch.load', 'torch.load, mmap'],
  ['pt', 'write', 'save', 'torch.save', 'torch.save, fsync'],
  ['safetensors', 'read', 'load', 'load_file, clone'],
  ['safetensors', 'open', 'open', 'safe_open'],
  ['safetensors', 'write', 'save', 'save_file'],
];

export interface BenchOptions {
  python: string;
  /** The processes in which times are measured: ours, and the others'. */
  workers: Workers;
  folder: string;
  small: boolean;
  rounds: number;
  onProgress(text: string): void;
}

interface Workers {
  node: Worker;
  python: Worker;
}

/**
 * Measures one case: what is compared takes turns, with the files in the page cache. The peak of memory is that of a
 * fresh process, except where the files are small.
 *
 * @throws Error if two of them do not read the same elements
 */
export async function measureCase(name: CaseName, options: BenchOptions): Promise<Row[]> {
  const { folder, small, workers, onProgress } = options;
  const files = { pt: join(folder, `${name}.pt`), safetensors: join(folder, `${name}.safetensors`) };
  onProgress(`${caseTexts[name]}: writing`);
  try {
    await workers.python.ask({ do: 'make', case: name, small, ...files });
    const rows: Row[] = [];
    for (const [format, operation, ...calls] of contenders) {
      onProgress(`${caseTexts[name]}: ${operation} ${format}`);
      rows.push({
        case: name,
        format,
        operation,
        ...(await measureRow(operation, files[format], calls, options)),
      });
    }
    return rows;
  } finally {
    await Promise.all(Object.values(files).map((file) => rm(file, { force: true })));
  }
}

/** Measures calls, the first of which is ours. */
async function measureRow(
  operation: Operation,
  file: string,
  calls: readonly string[],
  options: BenchOptions,
): Promise<Pick<Row, 'ours' | 'others'>> {
  const { workers, rounds, small, python } = options;
  const written = join(options.folder, `written-${basename(file)}`);
  const requests = calls.map((by) =>
    operation === 'write' ? { do: 'write', by, file: written } : { do: 'read', by, file },
  );
  const prepare = async (worker: Worker): Promise<void> => {
    if (operation === 'write') await worker.ask({ do: 'hold', file });
  };
  const worker = (call: number): Worker => (call === 0 ? workers.node : workers.python);
  try {
    const digests = [await digest(workers.node, file), await digest(workers.python, file)];
    await Promise.all([prepare(workers.node), prepare(workers.python)]);
    const taken = requests.map((): Measurement[] => []);
    for (let round = 0; round < rounds; round += 1) {
      for (const [call, request] of requests.entries()) {
        taken[call]!.push(await worker(call).ask<Measurement>(request));
        if (operation === 'write' && round === 0) {
          // What one of them wrote, the other one reads.
          digests.push(await digest(call === 0 ? workers.python : workers.node, written));
        }
      }
    }
    if (new Set(digests).size > 1)
      throw new Error(`${file}: not all read the same elements: ${digests.join(', ')}`);
    await Promise.all([workers.node, workers.python].map((each) => each.ask({ do: 'drop' })));
    const measured: (Measurement & { by: string })[] = [];
    for (const [call, request] of requests.entries()) {
      const ms = median(taken[call]!.map((each) => each.ms));
      if (small) measured.push({ by: request.by, ms, peakMB: taken[call]![0]!.peakMB });
      else {
        await using fresh = call === 0 ? startNode() : startPython(python);
        await prepare(fresh);
        measured.push({ by: request.by, ms, peakMB: (await fresh.ask<Measurement>(request)).peakMB });
      }
    }
    const [{ ms, peakMB }, ...others] = measured as [Measurement, ...typeof measured];
    return { ours: { ms, peakMB }, others: others.map((other) => ({ ...other, ratio: other.ms / ms })) };
  } finally {
    await rm(written, { force: true });
  }
}

async function digest(worker: Worker, file: string): Promise<number> {
  return (await worker.ask<{ digest: number }>({ do: 'digest', file })).digest;
}
