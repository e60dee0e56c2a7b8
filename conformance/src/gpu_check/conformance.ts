import { readFileSync } from 'node:fs';
import { reportFile } from '../commands/verify.ts';
import { script, show } from './children.ts';

/** What a conformance run came to. */
export interface Conformance {
  code: number;
  claim: string;
  seed: number;
  programs: number;
  elements: number;
  bitsThatDiffer: number;
  /** The largest error in units of the bound, for an engine that is no exact one. */
  worst?: number;
}

/** Runs programs on an engine and in torch. */
export async function verifyOnGpu(
  engine: 'fused' | 'reference',
  { runs, seed, python }: { runs: string; seed: string; python: string },
): Promise<Conformance> {
  const subject = engine === 'fused' ? 'tensorflow' : script('gpu_check/reference.js');
  const args = ['verify', '--subject', subject, '--runs', runs, '--seed', seed, '--python', python];
  const code = await show({ args: [script('cli.js'), ...args] });
  return { code, ...summaryOf(readFileSync(reportFile, 'utf8')) };
}

/** The figures of a report (report/jsonl.ts). */
export function summaryOf(report: string): Omit<Conformance, 'code'> {
  const lines = report
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const [meta, summary] = [lines[0], lines.at(-1)];
  if (meta?.line !== 'meta' || summary?.line !== 'summary') throw new Error('the report is not complete');
  const { agreed, differed, couldNotRun, elements, bitsThatDiffer, subjectBounds } = summary;
  return {
    ...{ claim: meta.claim, seed: meta.seed, programs: agreed + differed + couldNotRun },
    ...{ elements, bitsThatDiffer },
    ...(subjectBounds.elements > 0 && { worst: subjectBounds.worst }),
  };
}
