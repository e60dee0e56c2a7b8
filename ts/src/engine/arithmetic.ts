import * as tf from '@tensorflow/tfjs-core';
import { RuntimeError } from '../errors.ts';
import { itemSizes } from '../dtype.ts';
import { sizeOf, TensorData } from '../tensor_data.ts';
import { dtypeNumbers, type NativeDType } from './binding.ts';
import { NativeTensor, nativeArithmetic } from './tensorflow.ts';

/** The dtypes that a parameter may have. */
export type ParameterDType = NativeDType;

/** A tensor in the memory of the device: tfjs's own for float32, ours for what tfjs has no dtype for. */
export type DeviceTensor = tf.Tensor | NativeTensor;

/**
 * IEEE arithmetic on whole tensors of the dtype that an update computes in, one rounding an operation. Operands are left
 * alone.
 */
export interface Arithmetic<T extends DeviceTensor> {
  neg(x: T): T;
  add(x: T, y: T): T;
  sub(x: T, y: T): T;
  mul(x: T, y: T): T;
  div(x: T, y: T): T;
  sqrt(x: T): T;
  /** `yes` where `x >= y`, and `no` elsewhere. */
  choose(x: T, y: T, yes: T, no: T): T;
  /** A parameter's tensor in the dtype that is computed in: float32 for halves, itself otherwise. */
  widen(x: T): T;
  /** The other way, to the nearest, ties to even. */
  round(x: T): T;
  clone(x: T): T;
  /** A 0-d tensor, which an operation spreads over its other operand. */
  scalar(value: number): T;
  /** Disposes all that `body` made, except what it returns. */
  scope<R extends Record<string, T>>(body: () => R): R;
}

const tfjsArithmetic: Arithmetic<tf.Tensor> = {
  neg: (x) => tf.neg(x),
  add: (x, y) => tf.add(x, y),
  sub: (x, y) => tf.sub(x, y),
  mul: (x, y) => tf.mul(x, y),
  div: (x, y) => tf.div(x, y),
  sqrt: (x) => tf.sqrt(x),
  choose(x, y, yes, no) {
    // tfjs spreads a scalar over one element where there are none.
    const empty = [x, y, yes, no].find(({ size }) => size === 0);
    return empty === undefined ? tf.where(tf.greaterEqual(x, y), yes, no) : tf.clone(empty);
  },
  widen: (x) => x,
  round: (x) => x,
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

export function isParameterDType(dtype: string): dtype is ParameterDType {
  return Object.hasOwn(dtypeNumbers, dtype);
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
  if (isParameterDType(data.dtype)) return NativeTensor.from(data as TensorData<NativeDType>);
  throw new RuntimeError(
    'UNSUPPORTED_DTYPE',
    `a parameter is one of ${Object.keys(dtypeNumbers).join(', ')}, but got ${data.dtype}: cast it, ` +
      "new Parameter(cast(data, 'float32'))",
  );
}

/** Copies a tensor to the host. */
export function download(tensor: DeviceTensor): TensorData {
  if (tensor instanceof NativeTensor) return tensor.toTensorData();
  if (tensor.isDisposed) throw new RuntimeError('DISPOSED', 'the tensor is disposed');
  const { dtype, shape } = tensor;
  if (dtype !== 'float32' && dtype !== 'complex64') {
    throw new RuntimeError('UNSUPPORTED_DTYPE', `expected a float32 or complex64 tensor, but got ${dtype}`);
  }
  const values = tensor.dataSync() as Float32Array;
  return new TensorData(
    dtype,
    shape,
    new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice(),
  );
}

/** A copy of a tensor on its device, shielded from tidy(); of float32, a tf.Tensor, and of other dtypes, ours. */
export function duplicate(tensor: DeviceTensor): DeviceTensor {
  if (tensor instanceof NativeTensor) {
    return tensor.dtype === 'float32' ? upload(tensor.toTensorData()) : tensor.clone();
  }
  return tensor.dtype === 'float32' ? tf.keep(tf.clone(tensor)) : upload(download(tensor));
}

/** A tensor of zeros, shielded from tidy(). */
export function zeros(shape: readonly number[], dtype: ParameterDType): DeviceTensor {
  if (dtype === 'float32') return tf.keep(tf.zeros([...shape], 'float32'));
  return upload(new TensorData(dtype, shape, new Uint8Array(sizeOf(shape) * itemSizes[dtype])));
}
