import * as tf from '@tensorflow/tfjs-node-gpu';
import { countNativeTensors, Parameter } from 'torch-parity';
import { usedMemoryMB } from './device.ts';
import { makeOptimizer, numbers } from './work.ts';

// Prints, as JSON, what is held before and after many steps with another learning rate each: leaks.js [STEPS].

/** The answer. */
export interface Leaks {
  steps: number;
  before: Held;
  after: Held;
}

/** What is held at a moment. */
interface Held {
  tensors: number;
  /** Outside V8's heap. */
  hostMB: number;
  deviceMB: number;
}

function held(isOnGpu: boolean): Held {
  const { rss, heapTotal } = process.memoryUsage();
  return {
    tensors: tf.memory().numTensors + countNativeTensors()!,
    hostMB: Math.round((rss - heapTotal) / 1e6),
    deviceMB: isOnGpu ? usedMemoryMB() : 0,
  };
}

const steps = Number(process.argv[2] ?? 20_000);
const { isUsingGpuDevice } = tf.backend() as unknown as { isUsingGpuDevice: boolean };
const params = [3, 5].map((size) => new Parameter(numbers('float32', size, size)));
const gradients = params.map((param) => tf.ones([...param.shape]));
const optimizer = makeOptimizer('Adadelta', params, 'fused');
const group = optimizer.paramGroups[0] as Record<string, unknown>;

function run(from: number, to: number): void {
  for (let step = from; step < to; step += 1) {
    if (step % 100 === 0) void params[0]!.data; // who looks at it makes the next step write elsewhere
    params.forEach((param, i) => (param.grad = gradients[i]!));
    group['lr'] = 1 / (step + 1);
    optimizer.step();
  }
  params[0]!.toTensorData(); // waits for a GPU
}

const warmUp = Math.min(1000, steps);
run(0, warmUp);
const before = held(isUsingGpuDevice);
run(warmUp, warmUp + steps);
const leaks: Leaks = { steps, before, after: held(isUsingGpuDevice) };
console.log(JSON.stringify(leaks));
