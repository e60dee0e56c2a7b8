import * as tf from '@tensorflow/tfjs-core';
import { featuresOf, programArbitrary } from '../arbitrary/program.ts';
import { compare } from '../compare.ts';
import type { Oracle } from '../oracle.ts';
import { count } from '../report/summary.ts';
import { sample } from '../sample.ts';
import { torchParity } from '../subjects/torch_parity.ts';
import { examples } from './examples.ts';
import { faults } from './faults.ts';
import { Candidate, Suspect } from './judged.ts';
import { isCaught, reportOf, type FaultReport } from './report.ts';
import { ieee, variants } from './variants.ts';

export interface FaultOptions {
  oracle: Pick<Oracle, 'hello' | 'run'>;
  seed: number;
  /** How many programs there are to catch a fault in, and how many every correct variant has to pass. */
  runs: number;
  /** Is told how far the run is after every program. */
  onProgress?: (text: string) => void;
}

/**
 * Checks the harness itself: runs torch-parity with planted faults, each until it was caught both bit by bit and as a
 * bounded subject would be, and correct variants of it, which must pass as bounded subjects.
 *
 * Programs are of float32, and everything runs on plain tfjs: on small tensors that is faster than TensorFlow.
 *
 * @throws OracleError if the oracle is lost; Error if its torch is too old to show every fault
 */
export async function runFaults({ oracle, seed, runs, onProgress }: FaultOptions): Promise<FaultReport> {
  const { torch } = oracle.hello;
  const features = featuresOf(torch);
  if (!features.named) throw new Error(`planted faults need an oracle with torch 2.15, but it has ${torch}`);
  await using _ = await plainTfjs();
  const own = torchParity();
  const suspects = faults.map((fault) => new Suspect(fault));
  const candidates = variants.map((variant) => new Candidate(variant));
  const profiles = [
    ieee,
    ...new Set(variants.map(({ profile }) => profile).filter((profile) => profile !== ieee)),
  ];
  const programs = sample(programArbitrary({ ...features, dtypes: ['float32'] }), seed, runs);
  const totals = { seed, torch, programs: 0, notRun: 0, disagreeing: 0 };
  const start = Date.now();
  const seconds = (): number => (Date.now() - start) / 1000;
  for await (const example of examples(oracle, programs, profiles)) {
    totals.programs += 1;
    if (example === undefined) {
      totals.notRun += 1;
    } else if (compare(await own.run(example.program), example.exact)) {
      totals.disagreeing += 1; // what differs without a fault says nothing about faults
    } else {
      for (const suspect of suspects) await suspect.run(example, totals.programs);
      for (const candidate of candidates) await candidate.run(example);
    }
    const caught = suspects.filter(({ row }) => isCaught(row)).length;
    const rate = totals.programs / seconds();
    const left = Math.ceil((runs - totals.programs) / rate);
    onProgress?.(
      `${count(totals.programs)}/${count(runs)} programs, ${caught}/${faults.length} faults caught, ${rate.toFixed(0)}/s, ${left} s left`,
    );
  }
  const rows = suspects.map(({ row }) => row);
  return reportOf({ ...totals, seconds: seconds(), rows, variants: candidates.map(({ row }) => row) });
}

/** Runs tfjs in plain JavaScript until it is disposed. */
async function plainTfjs(): Promise<AsyncDisposable> {
  const before = tf.getBackend();
  await import('@tensorflow/tfjs-backend-cpu');
  const isProduction = tf.env().getBool('PROD');
  tf.env().set('PROD', true); // else it advises to install tfjs-node
  await tf.setBackend('cpu');
  return {
    async [Symbol.asyncDispose]() {
      tf.env().set('PROD', isProduction);
      if (before) await tf.setBackend(before);
    },
  };
}
