import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cases, sizeOf } from '../bench/optimizer/cases.ts';
import type { Row } from '../bench/optimizer/ratios.ts';
import { ask, script, show } from './children.ts';

/** How fast the GPU copies memory, as torch measured it. */
export interface Bandwidth {
  torch: string;
  /** Read and written together. */
  bytesPerSecond: number;
}

export interface GpuRow extends Row {
  /** How much of the GPU's bandwidth the step uses: 1 is as fast as a copy. */
  ofBandwidth: number;
}

/** Measures the bandwidth, and the cases whose names contain one of these texts. */
export async function benchmark(
  names: readonly string[],
  python: string,
): Promise<{ bandwidth: Bandwidth; rows: GpuRow[] }> {
  const copying = fileURLToPath(new URL('../../bench/gpu_bandwidth.py', import.meta.url));
  const bandwidth = await ask<Bandwidth>({ program: python, args: [copying] });
  const sides = 'fused,reference,torch for-loop,torch foreach,torch fused,torch.compile';
  const rows: GpuRow[] = [];
  for (const name of names) {
    const args = ['--device', 'cuda', '--rows', name, '--sides', sides, '--python', python];
    await show({ args: [script('bench/optimizer/main.js'), ...args] });
    const report = JSON.parse(readFileSync(join('build', 'bench', 'optimizer.json'), 'utf8')) as {
      rows: Row[];
    };
    rows.push(...report.rows.map((row) => withBandwidth(row, bandwidth)));
  }
  return { bandwidth, rows };
}

const itemSizes = { float32: 4, float64: 8, bfloat16: 2 } as const;
/** Tensors that a step must read, and those that it must write. */
const traffic = { Adadelta: 4 + 3, SGD: 3 + 2 } as const;

export function withBandwidth(row: Row, { bytesPerSecond }: Bandwidth): GpuRow {
  const found = cases.find(
    ({ name, optimizer, dtype }) => name === row.case && optimizer === row.optimizer && dtype === row.dtype,
  );
  if (found === undefined) throw new Error(`there is no case ${row.case}`);
  const bytes = sizeOf(found.shapes) * itemSizes[row.dtype] * traffic[row.optimizer];
  return { ...row, ofBandwidth: bytes / (row.ms / 1000) / bytesPerSecond };
}
