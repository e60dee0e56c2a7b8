import { join } from 'node:path';
import { runFaults, writeFaultReport } from '../faulty/index.ts';
import { startOracle } from '../oracle.ts';
import { Progress } from '../report/progress.ts';
import type { VerifyOptions } from './verify.ts';

/** `torch-conformance verify --faults`; gives the exit code: 1 if a fault was missed or a correct variant flagged. */
export async function faultsCommand({
  runs,
  seed,
  ...options
}: Omit<VerifyOptions, 'subject'>): Promise<number> {
  await using oracle = await startOracle(options);
  const progress = new Progress();
  const report = await runFaults({ oracle, seed, runs, onProgress: (text) => progress.show(text) });
  progress.clear();
  writeFaultReport(report, join('build', 'conformance'));
  console.log(report.text);
  if (report.notRun > 0 || report.disagreeing > 0) return 2;
  return report.ok ? 0 : 1;
}
