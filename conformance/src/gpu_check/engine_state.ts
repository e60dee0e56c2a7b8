import * as tf from '@tensorflow/tfjs-node-gpu';
import { Parameter, SGD, TensorData } from 'torch-parity';

// Prints, as JSON, what TensorFlow runs here, and what keeps the fused engine from a GPU.

/** The answer. */
export interface EngineState {
  tensorflow: string;
  problem?: string;
}

function problem(isUsingGpu: boolean): string | undefined {
  if (!isUsingGpu)
    return 'TensorFlow finds no GPU: run `TF_FLAVOR=gpu npx torch-parity setup-tensorflow`, and see whether nvidia-smi shows one';
  try {
    const p = new Parameter(TensorData.from('float32', [1]));
    const optimizer = new SGD([p], { engine: 'fused' });
    p.grad = TensorData.from('float32', [1]);
    optimizer.step();
    p.toTensorData();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const { binding, isUsingGpuDevice } = tf.backend() as unknown as {
  binding: { TF_Version: string };
  isUsingGpuDevice: boolean;
};
console.log(JSON.stringify({ tensorflow: binding.TF_Version, problem: problem(isUsingGpuDevice) }));
