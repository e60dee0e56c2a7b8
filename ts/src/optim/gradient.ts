import * as tf from '@tensorflow/tfjs-core';
import type { DeviceTensor } from '../engine/arithmetic.ts';
import { NativeTensor } from '../engine/tensorflow.ts';
import { RuntimeError, TorchTypeError } from '../errors.ts';
import { typeName } from '../python/repr.ts';
import { TensorData } from '../tensor_data.ts';
import { atenNames, cppNames } from '../torch_names.ts';

/** A gradient with entries for some rows only, as an embedding has. torch's dense optimizers refuse it at the step. */
export class SparseTensor {
  readonly indices: TensorData;
  readonly values: TensorData;
  readonly shape: readonly number[];

  /**
   * @param indices - int64, shape [dims, entries]
   * @param values - shape [entries]
   */
  constructor(indices: TensorData, values: TensorData, shape: readonly number[]) {
    this.indices = indices;
    this.values = values;
    this.shape = shape;
  }

  get dtype(): string {
    return this.values.dtype;
  }

  /** The same entries, all zero. */
  zeros(): SparseTensor {
    const { dtype, shape, bytes } = this.values;
    return new SparseTensor(
      this.indices,
      new TensorData(dtype, shape, new Uint8Array(bytes.length)),
      this.shape,
    );
  }
}

/** What `.grad` may hold. */
export type Gradient = DeviceTensor | TensorData | SparseTensor;

/**
 * torch's errors for `.grad = ...`.
 *
 * @throws TypeError, RuntimeError in torch's words
 */
export function checkGradient(grad: unknown, parameter: { dtype: string; shape: readonly number[] }): void {
  if (grad === null) return;
  if (
    !(grad instanceof tf.Tensor || grad instanceof NativeTensor) &&
    !(grad instanceof TensorData || grad instanceof SparseTensor)
  ) {
    throw new TorchTypeError(
      'NOT_A_TENSOR',
      `assigned grad expected to be a Tensor or None but got grad of type ${typeName(grad)}`,
    );
  }
  const { dtype, shape } = parameter;
  if (grad.dtype !== dtype) {
    throw new RuntimeError(
      'GRAD_DTYPE',
      `attempting to assign a gradient with dtype '${cppNames[grad.dtype] ?? grad.dtype}' to a ` +
        `tensor with grad_dtype '${atenNames[dtype]}'. The gradient must match the tensor's grad_dtype (defaults to ` +
        "the tensor's dtype). You can set the tensor's grad_dtype attribute with a specific dtype, or None to allow any " +
        'dtype. Set grad_dtype with caution. Diverging the dtypes of a tensor and its gradient may break downstream ' +
        'systems that assume they match.',
    );
  }
  if (grad.shape.length !== shape.length || grad.shape.some((size: number, i: number) => size !== shape[i])) {
    throw new RuntimeError(
      'GRAD_SHAPE',
      `attempting to assign a gradient of size '[${grad.shape.join(', ')}]' to a tensor of size ` +
        `'[${shape.join(', ')}]'. Please ensure that the gradient and the tensor are the same size`,
    );
  }
}
