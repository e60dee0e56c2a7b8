import * as tf from '@tensorflow/tfjs-core';
import { RuntimeError } from '../errors.ts';

/**
 * The binding of tfjs-node, below tfjs's own dtypes: it runs any operation that TensorFlow has, on tensors by number.
 * This file and those that use it are the only ones that know it.
 */
export interface Binding {
  /** In a GPU's memory where there is one, but for int32, which stays in the host's. */
  createTensor(shape: number[], dtype: number, values: Uint8Array | Int32Array): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): Int32Array;
  executeOp(
    name: string,
    attrs: Attr[],
    inputs: number[],
    outputs: number,
  ): { id: number; shape: number[] }[];
  getNumOfTensors(): number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_STRING: number;
}

/** The backend of tfjs-node, with what its types leave out. */
export interface Backend extends tf.KernelBackend {
  binding: Binding;
  isUsingGpuDevice: boolean;
  tensorMap: { set(dataId: object, data: object): void };
  /** The binding's numbers of tensors; uploads those that are still on the host. */
  getInputTensorIds(tensors: tf.Tensor[]): number[];
}

export interface Attr {
  name: string;
  type: number;
  value: number | string | boolean;
}

/** Dtypes that TensorFlow computes updates in, and its numbers for them (types.proto). */
export const dtypeNumbers = { float32: 1, float64: 2, float16: 19, bfloat16: 14, complex64: 8 } as const;
export type NativeDType = keyof typeof dtypeNumbers;

/** Dtypes in which elements enter and leave, bit by bit. */
export const wordNumbers = { uint8: 4, uint16: 17, int32: 3 } as const;

/** tfjs-node's backend, or undefined where another is registered. */
export function tensorflowBackend(): Backend | undefined {
  const backend = tf.backend() as Partial<Backend>;
  return backend.binding?.executeOp === undefined ? undefined : (backend as Backend);
}

/** @throws RuntimeError if the backend is not tfjs-node's */
export function requireBackend(): Backend {
  const backend = tensorflowBackend();
  if (backend !== undefined) return backend;
  throw new RuntimeError(
    'NEEDS_TENSORFLOW',
    `dtypes other than float32 and the fused engine need TensorFlow, but the tfjs backend is ${tf.getBackend()}: ` +
      "import '@tensorflow/tfjs-node-gpu' and call tf.setBackend('tensorflow')",
  );
}

export function binding(): Binding {
  return requireBackend().binding;
}

/** The tensors that TensorFlow holds for this process, tfjs's included; undefined on other backends. */
export function countNativeTensors(): number | undefined {
  return tensorflowBackend()?.binding.getNumOfTensors();
}

export function typeAttr(name: string, dtype: number, using: Binding = binding()): Attr {
  return { name, type: using.TF_ATTR_TYPE, value: dtype };
}

/**
 * Runs an operation with one output.
 *
 * @param using - the binding that has the inputs
 */
export function executeOp(
  name: string,
  attrs: Attr[],
  inputs: number[],
  using: Binding = binding(),
): { id: number; shape: number[] } {
  const [output] = using.executeOp(name, attrs, inputs, 1);
  if (output === undefined) throw new RuntimeError('TENSORFLOW', `TensorFlow's ${name} returned nothing`);
  return output;
}
