import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const script = fileURLToPath(new URL('../../corpus/real_files.py', import.meta.url));

/** A folder of small checkpoints, freshly written by torch and safetensors; gone when it is disposed of. */
export async function realFiles(python: string): Promise<Disposable & { folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'torch-conformance-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove); // also where a signal ends the process
  await promisify(execFile)(python, [script, folder]);
  return {
    folder,
    [Symbol.dispose]() {
      process.off('exit', remove);
      remove();
    },
  };
}
