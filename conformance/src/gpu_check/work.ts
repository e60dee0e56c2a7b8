import '@tensorflow/tfjs-node-gpu';
import * as tf from '@tensorflow/tfjs-core';
import {
  Adadelta,
  Optimizer,
  Parameter,
  parameterOf,
  SGD,
  TensorData,
  type ParameterDType,
} from 'torch-parity';

/** What is stepped: sizes around those of a block of threads, more tensors than one launch takes, and a large one. */
const sizes: readonly number[] = [
  ...[1, 0, 7, 255, 2047, 2048, 2049, 100_003],
  ...Array.from({ length: 70 }, (_, i) => i),
];

export const dtypes: readonly ParameterDType[] = ['float16', 'bfloat16', 'float32', 'float64', 'complex64'];
export const kinds = ['Adadelta', 'SGD', 'SGD with momentum'] as const;
const bytesOf = { float16: 2, bfloat16: 2, float32: 4, float64: 8, complex64: 8 } as const;

/** Every pattern of bits may come up, the special numbers among them; the same for the same seed. */
export function numbers(dtype: ParameterDType, size: number, seed: number): TensorData {
  const bytes = size * bytesOf[dtype];
  const words = new Uint32Array(Math.ceil(bytes / 4));
  let state = Math.imul(seed, 2_654_435_761) >>> 0;
  for (let i = 0; i < words.length; i += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    words[i] = state ^ (state >>> 15);
  }
  return new TensorData(dtype, [size], new Uint8Array(words.buffer, 0, bytes));
}

export function makeOptimizer(
  kind: (typeof kinds)[number],
  params: readonly Parameter[],
  engine: 'fused' | 'reference',
): Optimizer<object> {
  if (kind === 'Adadelta') return new Adadelta(params, { engine }) as Optimizer<object>;
  const momentum = kind === 'SGD' ? 0 : 0.9;
  return new SGD(params, { lr: 0.1, momentum, engine }) as Optimizer<object>;
}

/** Parameters and state after some steps with changing options, and with tensors that are held by someone else. */
export function results(
  kind: (typeof kinds)[number],
  dtype: ParameterDType,
  engine: 'fused' | 'reference',
): TensorData[] {
  const params = sizes.map((size, i) => new Parameter(numbers(dtype, size, i + 1)));
  // A variable, at which someone looks after each step; tfjs has them of float32 alone.
  const variable =
    dtype === 'float32' ? tf.variable(tf.tensor1d(numbers(dtype, 3000, 0).toFloat32Array())) : undefined;
  if (variable !== undefined) params.push(parameterOf(variable));
  const optimizer = makeOptimizer(kind, params, engine);
  const group = optimizer.paramGroups[0] as Record<string, unknown>;
  const found: TensorData[] = [];
  for (let step = 0; step < 4; step += 1) {
    Object.assign(group, { lr: 0.1 + step, weightDecay: step % 2 && 0.01, maximize: step === 2 });
    params.forEach((param, i) => (param.grad = numbers(dtype, param.shape[0]!, 1000 * (step + 1) + i)));
    const held = params[7]!.data;
    const kept = step === 1 && held instanceof tf.Tensor ? held.clone() : undefined;
    optimizer.step();
    kept?.dispose();
    if (variable !== undefined) found.push(TensorData.from('float32', variable.dataSync()));
  }
  const state = [...optimizer.stateDict().state.values()].flatMap((entry) => Object.values(entry));
  found.push(
    ...params.map((param) => param.toTensorData()),
    ...state.filter((value) => value instanceof TensorData),
  );
  optimizer.dispose();
  for (const param of params) param.dispose();
  variable?.dispose();
  return found;
}
