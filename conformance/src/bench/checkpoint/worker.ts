import { fileURLToPath } from 'node:url';
import { startWorker, type Worker } from '../worker.ts';

/** What a call took, and the peak of its process's memory meanwhile. */
export interface Measurement {
  ms: number;
  peakMB: number;
}

const script = fileURLToPath(new URL('../../../bench/checkpoint.py', import.meta.url));
const nodeWorker = fileURLToPath(new URL('node_worker.js', import.meta.url));

export function startPython(python: string): Worker {
  return startWorker({ name: 'in Python', command: python, args: [script] });
}

export function startNode(): Worker {
  return startWorker({ name: 'in Node', command: process.execPath, args: ['--expose-gc', nodeWorker] });
}
