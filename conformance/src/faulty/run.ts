import * as tf from '@tensorflow/tfjs-core';
import { featuresOf, programArbitrary } from '../arbitrary/program.ts';
import { compare } from '../compare.ts';
import type { Oracle } from '../oracle.ts';
import { count } from '../report/summary.ts';
import { sample } from '../sample.ts';
import { torchParity } from '../subjects/torch_parity.ts';
import type { ParameterDType } from '../program.ts';
import { dtypeFaults } from './dtypes.ts';
import { examples } from './examples.ts';
import type { Fault } from './fault.ts';
import { faults } from './faults.ts';
import { Candidate, Suspect } from './judged.ts';
import { isCaught, reportOf, type FaultReport, type FaultRow, type VariantRow } from './report.ts';
import { ieee, variants, type Variant } from './variants.ts';

export interface FaultOptions {
  oracle: Pick<Oracle, 'hello' | 'run'>;
  seed: number;
  /** How many programs there are to catch a fault in, and how many every correct variant has to pass. */
  runs: number;
  /** Is told how far the run is after every program. */
  onProgress?: (text: string) => void;
}

/** Some programs, on a backend of tfjs, and what is judged by them. */
interface Round {
  backend: 'cpu' | 'tensorflow';
  dtypes: readonly ParameterDType[];
  faults: readonly Fault[];
  variants: readonly Variant[];
}

const rounds: readonly Round[] = [
  { backend: 'cpu', dtypes: ['float32'], faults, variants },
  {
    backend: 'tensorflow',
    dtypes: ['float16', 'bfloat16', 'complex64'],
    faults: dtypeFaults,
    variants: [],
  },
];

/**
 * Checks the harness itself: runs torch-parity with planted faults, each until it was caught both bit by bit and as a
 * bounded subject would be, and correct variants of it, which must pass as bounded subjects.
 *
 * Programs are of float32 mostly, and run on plain tfjs: on small tensors that is faster than TensorFlow. Faults in the
 * dtypes that TensorFlow alone has are run there, until they are caught.
 *
 * @throws OracleError if the oracle is lost; Error if its torch is too old to show every fault
 */
export async function runFaults({ oracle, seed, runs, onProgress }: FaultOptions): Promise<FaultReport> {
  const { torch } = oracle.hello;
  const features = featuresOf(torch);
  if (!features.named) throw new Error(`planted faults need an oracle with torch 2.15, but it has ${torch}`);
  const totals = { seed, torch, programs: [] as number[], notRun: 0, disagreeing: 0 };
  const [rows, variantRows]: [FaultRow[], VariantRow[]] = [[], []];
  const start = Date.now();
  const seconds = (): number => (Date.now() - start) / 1000;
  for (const { backend, dtypes, faults, variants } of rounds) {
    await using _ = await onBackend(backend);
    const own = torchParity();
    const suspects = faults.map((fault) => new Suspect(fault));
    const candidates = variants.map((variant) => new Candidate(variant));
    const profiles =
      variants.length === 0 ? [] : [...new Set([ieee, ...variants.map(({ profile }) => profile)])];
    const programs = sample(programArbitrary({ ...features, dtypes }), seed, runs);
    let ran = 0;
    for await (const example of examples(oracle, programs, profiles)) {
      ran += 1;
      if (example === undefined) {
        totals.notRun += 1;
      } else if (compare(await own.run(example.program), example.exact)) {
        totals.disagreeing += 1; // what differs without a fault says nothing about faults
      } else {
        for (const suspect of suspects) await suspect.run(example, ran);
        for (const candidate of candidates) await candidate.run(example);
      }
      const caught = suspects.filter(({ row }) => isCaught(row)).length;
      onProgress?.(
        `${count(ran)}/${count(runs)} programs of ${dtypes.join(', ')}, ` +
          `${caught}/${faults.length} faults caught, ${seconds().toFixed(0)} s`,
      );
      if (variants.length === 0 && caught === faults.length) break;
    }
    totals.programs.push(ran);
    rows.push(...suspects.map(({ row }) => row));
    variantRows.push(...candidates.map(({ row }) => row));
  }
  return reportOf({ ...totals, seconds: seconds(), rows, variants: variantRows });
}

/** Runs tfjs on a backend until it is disposed. */
async function onBackend(name: Round['backend']): Promise<AsyncDisposable> {
  const before = tf.getBackend();
  const isProduction = tf.env().getBool('PROD');
  tf.env().set('PROD', true); // else it advises to install tfjs-node
  if (name === 'cpu') await import('@tensorflow/tfjs-backend-cpu');
  else await import('@tensorflow/tfjs-node-gpu');
  await tf.setBackend(name);
  return {
    async [Symbol.asyncDispose]() {
      tf.env().set('PROD', isProduction);
      if (before) await tf.setBackend(before);
    },
  };
}
