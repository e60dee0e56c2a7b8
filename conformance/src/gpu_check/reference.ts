import { ready } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-node-gpu';
import { optimizers } from 'torch-parity';
import type { Features } from '../arbitrary/features.ts';
import type { Subject } from '../subject.ts';
import { torchParity } from '../subjects/torch_parity.ts';

await ready();
const { device, run } = torchParity(optimizers);

/** torch-parity's reference engine on a GPU. TensorFlow's own kernels there flush subnormals, and estimate roots. */
const subject: Subject = {
  name: 'torch-parity (reference engine)',
  claim: { root: 4, flush: true },
  device,
  run: (program) => run(program, 'reference'),
};
export default subject;

/** The error bound is one of float32. */
export const without: Partial<Features> = { dtypes: ['float32'] };
