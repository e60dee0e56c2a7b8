import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load, open, saveToBytes, type SaveOptions } from 'torch-parity/checkpoint';

/** How checkpoints are written and read: what the exchange tests. Planted faults wrap it. */
export interface Files {
  save(value: unknown, options: SaveOptions): Promise<Uint8Array>;
  /** @param from - whether the bytes are read in memory, or from a file */
  load(file: Uint8Array, from: 'memory' | 'disk'): Promise<unknown>;
  /** Opens a file of these bytes, and closes it when `use` has ended. */
  open<R>(file: Uint8Array, use: (value: unknown) => Promise<R>): Promise<R>;
}

/** torch-parity's, through its public interface. */
export const torchParityFiles: Files = {
  save: saveToBytes,
  load: (file, from) => (from === 'memory' ? load(file) : onDisk(file, (path) => load(path))),
  open: (file, use) =>
    onDisk(file, async (path) => {
      await using checkpoint = await open(path);
      return await use(checkpoint.value);
    }),
};

async function onDisk<R>(file: Uint8Array, use: (path: string) => Promise<R>): Promise<R> {
  const folder = mkdtempSync(join(tmpdir(), 'torch-conformance-'));
  try {
    const path = join(folder, 'checkpoint');
    writeFileSync(path, file);
    return await use(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
