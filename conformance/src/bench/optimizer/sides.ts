import { fileURLToPath } from 'node:url';
import { startWorker, type Worker } from '../worker.ts';
import type { Case } from './cases.ts';

export type SideName =
  | 'fused'
  | 'reference'
  | 'torch for-loop'
  | 'torch foreach'
  | 'torch fused'
  | 'torch.compile'
  | 'optax'
  | 'tf.train'
  | 'limit';

export interface Environment {
  /** A Python that has torch and NumPy. */
  python: string;
  /** A Python that has optax, if there is one. */
  optax: string | undefined;
  /** How many threads each side has. */
  threads: number;
  /** How many cores there are. */
  cores: number;
  /** Where torch computes. */
  device: 'cpu' | 'cuda';
  /** An absolute path: what sides compile is put there. */
  scratch: string;
}

export interface Side {
  name: SideName;
  /** What it is, in a few words. */
  text: string;
  /** What runs it, or undefined where it cannot run. */
  command(environment: Environment): string[] | undefined;
  serves(given: Case): boolean;
  /** Whether its results are not those of the optimizer: it is in for its speed. */
  differs?(given: Case): boolean;
}

const scripts = fileURLToPath(new URL('../../../bench/optimizer/', import.meta.url));
const nodeWorker = fileURLToPath(new URL('node_worker.js', import.meta.url));

function node(name: SideName, mode: string, text: string): Side {
  return { name, text, command: () => [process.execPath, nodeWorker, mode], serves: () => true };
}

function torch(name: SideName, mode: string, text: string): Side {
  const command = ({ python, device }: Environment): string[] => [
    ...[python, `${scripts}torch_side.py`, mode, device],
  ];
  return { name, text, command, serves: () => true };
}

/** All sides, in the order in which they take turns. */
export const sides: readonly Side[] = [
  node('fused', 'fused', 'torch-parity, fused engine'),
  node('reference', 'reference', 'torch-parity, reference engine'),
  torch('torch for-loop', 'for-loop', 'torch.optim, foreach=False'),
  torch('torch foreach', 'foreach', 'torch.optim, foreach=True'),
  {
    ...torch('torch fused', 'fused', 'torch.optim, fused=True'),
    serves: ({ optimizer }) => optimizer === 'SGD', // Adadelta has none
  },
  torch('torch.compile', 'compile', 'torch.compile of the step'),
  {
    ...{ name: 'optax', text: 'optax, jitted, with donation' },
    command: ({ optax }) => (optax === undefined ? undefined : [optax, `${scripts}optax_side.py`]),
    serves: () => true,
  },
  {
    ...node('tf.train', 'tf.train', 'tf.train of tfjs'),
    serves: ({ dtype }) => dtype === 'float32',
    differs: ({ optimizer }) => optimizer === 'Adadelta', // it divides by the average before the step
  },
  {
    ...{ name: 'limit', text: 'the limit: one pass in C++' },
    command: ({ python }) => [python, `${scripts}limit_side.py`],
    serves: ({ dtype, batch }) => dtype !== 'bfloat16' && batch === undefined,
  },
];

/** The modes of torch that need no compiling; its best one is what `ratio` compares with. */
export const eager: readonly SideName[] = ['torch for-loop', 'torch foreach', 'torch fused'];

/** Starts a process for a side, on as many cores as it has threads. */
export function startSide(side: Side, environment: Environment): Worker {
  const { threads, cores, scratch, device } = environment;
  const all = side.command(environment)!;
  const [command, ...args] = threads < cores ? ['taskset', '--cpu-list', `0-${threads - 1}`, ...all] : all;
  return startWorker({
    name: side.name,
    ...{ command: command!, args },
    env: {
      OMP_NUM_THREADS: String(threads),
      TMPDIR: scratch,
      TORCHINDUCTOR_FORCE_DISABLE_CACHES: '1', // else a second run tells nothing of the time to compile
      ...(device === 'cpu' ? { JAX_PLATFORMS: 'cpu', CUDA_VISIBLE_DEVICES: '-1' } : {}),
    },
  });
}
