import * as tf from '@tensorflow/tfjs-core';
import { RuntimeError } from '../errors.ts';
import type { DType } from '../dtype.ts';
import { TensorData } from '../tensor_data.ts';
import { NativeTensor, nativeArithmetic } from './tensorflow.ts';

/** The dtypes that a parameter may have. */
export type ParameterDType = 'float32' | 'float64';

/** A tensor in the memory of the device: tfjs's own for float32, ours for what tfjs has no dtype for. */
export type DeviceTensor = tf.Tensor | NativeTensor;

/**
 * IEEE arithmetic on whole tensors of one dtype, one rounding an operation. What a method returns is new; operands are
 * left alone.
 */
export interface Arithmetic<T extends DeviceTensor> {
  neg(x: T): T;
  add(x: T, y: T): T;
  mul(x: T, y: T): T;
  div(x: T, y: T): T;
  sqrt(x: T): T;
  clone(x: T): T;
  /** A 0-d tensor, which an operation spreads over its other operand. */
  scalar(value: number): T;
  /** Disposes all that `body` made, except what it returns. */
  scope<R extends Record<string, T>>(body: () => R): R;
}

const tfjsArithmetic: Arithmetic<tf.Tensor> = {
  neg: (x) => tf.neg(x),
  add: (x, y) => tf.add(x, y),
  mul: (x, y) => tf.mul(x, y),
  div: (x, y) => tf.div(x, y),
  sqrt: (x) => tf.sqrt(x),
  clone: (x) => tf.clone(x),
  scalar: (value) => tf.scalar(value, 'float32'),
  scope(body) {
    const results = tf.tidy(body);
    // Results outlive the step, also where the caller has a tidy() open.
    for (const tensor of Object.values(results)) tf.keep(tensor);
    return results;
  },
};

/** The arithmetic of a tensor's dtype. */
export function arithmeticOf(tensor: DeviceTensor): Arithmetic<DeviceTensor> {
  const arithmetic = tensor instanceof NativeTensor ? nativeArithmetic(tensor.dtype) : tfjsArithmetic;
  return arithmetic as Arithmetic<DeviceTensor>;
}

/**
 * Copies a tensor to the device.
 *
 * @throws RuntimeError if the dtype is not one a parameter may have, or needs TensorFlow and the backend is another
 */
export function upload(data: TensorData): DeviceTensor {
  if (data.dtype === 'float32') {
    // tfjs keeps the array that it is given, so it gets one of its own; keep() shields it from a caller's tidy().
    return tf.keep(tf.tensor(data.toTypedArray() as Float32Array, [...data.shape], 'float32'));
  }
  if (data.dtype === 'float64') return NativeTensor.from(data as TensorData<'float64'>);
  throw new RuntimeError(
    'UNSUPPORTED_DTYPE',
    `a parameter is float32 or float64, but got ${data.dtype}: cast it, new Parameter(cast(data, 'float32'))`,
  );
}

/** Copies a tensor to the host. */
export function download(tensor: DeviceTensor): TensorData {
  if (tensor instanceof NativeTensor) return tensor.toTensorData();
  if (tensor.isDisposed) throw new RuntimeError('DISPOSED', 'the tensor is disposed');
  if (tensor.dtype !== 'float32') {
    throw new RuntimeError('UNSUPPORTED_DTYPE', `expected a float32 tensor, but got ${tensor.dtype}`);
  }
  return TensorData.from('float32', tensor.dataSync(), tensor.shape);
}

/** A copy of a tensor on its device, shielded from tidy(); of float32, a tf.Tensor. */
export function duplicate(tensor: DeviceTensor): DeviceTensor {
  if (!(tensor instanceof NativeTensor)) return tf.keep(tf.clone(tensor));
  return tensor.dtype === 'float32' ? upload(tensor.toTensorData()) : tensor.clone();
}

/** A tensor of zeros, shielded from tidy(). */
export function zeros(shape: readonly number[], dtype: DType): DeviceTensor {
  const size = shape.reduce((product, dim) => product * dim, 1);
  if (dtype === 'float32') return tf.keep(tf.zeros([...shape], 'float32'));
  return upload(TensorData.from('float64', new Float64Array(size), shape));
}
