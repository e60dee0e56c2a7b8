import * as tf from '@tensorflow/tfjs-core';
import { cast } from './cast.ts';
import type { DType } from './dtype.ts';
import { NativeTensor } from './engine/tensorflow.ts';
import { RuntimeError, TorchTypeError } from './errors.ts';
import { isPlainObject } from './python/copy.ts';
import { repr, typeName } from './python/repr.ts';
import { TensorData } from './tensor_data.ts';

export interface ToTensorOptions {
  /** Rounds each element to the nearest float32, ties to even. @defaultValue the dtype of the data, which tfjs must have */
  dtype?: 'float32';
}

/**
 * A tf.Tensor with a copy of the data, the caller's to dispose. tfjs has float32, int32, bool and complex64.
 *
 * @throws TypeError for another dtype, unless `{dtype: 'float32'}` says that its elements may be rounded; for what is no
 *   TensorData
 */
export function toTensor(data: TensorData, options: ToTensorOptions = {}): tf.Tensor {
  if (!(data instanceof TensorData)) throw notTaken('toTensor', 'TensorData', data);
  if (!isPlainObject(options)) {
    throw new TorchTypeError(
      'OPTIONS',
      `options are an object, as in {dtype: 'float32'}, but got ${typeName(options)}`,
    );
  }
  const { dtype: wanted } = options;
  if (wanted !== undefined && wanted !== 'float32') {
    throw new TorchTypeError(
      'UNSUPPORTED_DTYPE',
      `elements are rounded to 'float32' alone, but got ${repr(wanted)}`,
    );
  }
  const { bytes, dtype, shape } = wanted === undefined ? data : cast(data, wanted);
  const { buffer } = bytes.slice();
  switch (dtype as DType) {
    case 'float32':
      return tf.tensor(new Float32Array(buffer), [...shape], 'float32');
    case 'int32':
      return tf.tensor(new Int32Array(buffer), [...shape], 'int32');
    case 'bool':
      return tf.tensor(new Uint8Array(buffer), [...shape], 'bool');
    case 'complex64': {
      // As integers: a signalling NaN that is read as a number becomes a quiet one.
      const pairs = new Uint32Array(buffer);
      const part = (at: 0 | 1): tf.Tensor => {
        const bits = pairs.filter((_, i) => i % 2 === at);
        return tf.tensor(new Float32Array(bits.buffer), [...shape], 'float32');
      };
      return tf.tidy(() => tf.complex(part(0), part(1)));
    }
  }
  throw new TorchTypeError(
    'UNSUPPORTED_DTYPE',
    `tfjs has no ${dtype}: toTensor(data, {dtype: 'float32'}) rounds each element to float32`,
  );
}

/**
 * A copy of a tensor on the host: a float32, int32, bool or complex64 tf.Tensor, or a {@link NativeTensor}. On TensorFlow
 * every bit comes; tfjs's CPU backend reads complex64 through numbers, which makes a signalling NaN a quiet one.
 *
 * @throws TypeError for a tensor of strings and for what is no such tensor, RuntimeError for one that is disposed
 */
export function fromTensor(tensor: tf.Tensor | NativeTensor): TensorData {
  if (tensor instanceof NativeTensor) return tensor.toTensorData();
  if (!(tensor instanceof tf.Tensor)) throw notTaken('fromTensor', 'a tf.Tensor or a NativeTensor', tensor);
  if (tensor.isDisposed) throw new RuntimeError('DISPOSED', 'the tensor is disposed');
  const { dtype, shape } = tensor;
  if (dtype === 'string') {
    throw new TorchTypeError(
      'UNSUPPORTED_DTYPE',
      'a tensor of strings has no counterpart in torch: take tensor.arraySync()',
    );
  }
  const values = tensor.dataSync();
  return new TensorData(
    dtype,
    shape,
    new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice(),
  );
}

/** @param given - anything: a lazy tensor of a checkpoint is known by its `bytes()`, and a Parameter by its `grad` */
function notTaken(caller: string, taken: string, given: unknown): TorchTypeError {
  const known = typeof given === 'object' && given !== null ? given : {};
  let cure = '';
  if (known instanceof tf.Tensor || known instanceof NativeTensor) cure = ': fromTensor(tensor) makes it';
  else if (known instanceof TensorData) cure = ': it is on the host already';
  else if ('bytes' in known && typeof known.bytes === 'function') {
    cure = ': await its data(), which is TensorData';
  } else if ('grad' in known && 'data' in known) cure = ': take its toTensorData()';
  return new TorchTypeError('NOT_A_TENSOR', `${caller} takes ${taken}, but got ${typeName(given)}${cure}`);
}
