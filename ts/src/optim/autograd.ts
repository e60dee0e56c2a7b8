import * as tf from '@tensorflow/tfjs-core';
import { upload } from '../engine/arithmetic.ts';
import { RuntimeError, TorchTypeError, ValueError } from '../errors.ts';
import { TensorData } from '../tensor_data.ts';
import { checkGradient, SparseTensor, type Gradient } from './gradient.ts';
import { Parameter, parameterOf } from './parameter.ts';
import { onHost } from './state.ts';

/**
 * Computes the loss and adds its gradient to `.grad` of every parameter it depends on, as torch's `loss.backward()`
 * does: call `zeroGrad()` between steps. A parameter it does not depend on keeps the gradient it had.
 *
 * @param loss - computes a scalar from the parameters' `data`
 * @returns the loss, the caller's to dispose
 * @throws TypeError if a parameter is not float32 (tfjs differentiates nothing else)
 */
export function backward(loss: () => tf.Scalar, params: Iterable<Parameter | tf.Variable>): tf.Scalar {
  const parameters = [...new Set(Array.from(params, (p) => (p instanceof tf.Variable ? parameterOf(p) : p)))];
  const tensors = parameters.map(differentiable);
  const scalarLoss = (): tf.Scalar => {
    const value = loss();
    refusePromise(value);
    if (value.size === 1) return value;
    throw new RuntimeError('LOSS_NOT_SCALAR', 'grad can be implicitly created only for scalar outputs');
  };
  return tf.tidy(() => {
    const { value, grads } = tf.engine().gradients(scalarLoss, tensors, undefined, true);
    parameters.forEach((parameter, i) => {
      const grad = grads[i] as tf.Tensor | undefined;
      if (grad === undefined) return;
      const held = parameter.grad;
      const before = held instanceof tf.Tensor || held === null ? held : upload(onHost(held) as TensorData);
      // Two parameters may have been handed one tensor, so each takes a copy; a clone shares the memory.
      parameter.takeGrad(tf.keep(before === null ? tf.clone(grad) : tf.add(before as tf.Tensor, grad)));
      if (before !== held) (before as tf.Tensor).dispose();
    });
    return value;
  });
}

/** A parameter's tensor, for tfjs to differentiate by. */
function differentiable({ data, dtype, grad }: Parameter): tf.Tensor {
  if (dtype !== 'float32') {
    throw new TorchTypeError(
      'UNSUPPORTED_DTYPE',
      `tfjs differentiates float32 alone, but a parameter is ${dtype}: assign its gradient to .grad`,
    );
  }
  if (grad instanceof SparseTensor) {
    throw new RuntimeError('SPARSE', 'a gradient cannot be added to a sparse one: set .grad to null first');
  }
  if (data.isDisposed) throw new RuntimeError('DISPOSED', 'the tensor of a parameter is disposed');
  if (grad !== null && !(grad instanceof TensorData) && grad.isDisposed) {
    throw new RuntimeError('DISPOSED', 'the gradient of a parameter is disposed: set .grad to null first');
  }
  return data as tf.Tensor;
}

/** @throws TypeError for what an async function returns */
export function refusePromise(loss: unknown): void {
  if (typeof (loss as { then?: unknown } | null)?.then !== 'function') return;
  // Its rejection, if there is one, is of no more interest.
  (loss as Promise<unknown>).then(undefined, () => {});
  throw new TorchTypeError('ASYNC_CLOSURE', 'a closure must return its loss, but it returned a promise');
}

/**
 * Puts gradients where they belong, by name, as `tf.variableGrads` gives them. The tensors stay the caller's.
 *
 * @throws ValueError, before anything changes, if a gradient's name is no parameter's, or several parameters'
 */
export function assignGrads(
  params: Iterable<Parameter | tf.Variable>,
  grads: Readonly<Record<string, Gradient>>,
): void {
  const byName = new Map<string, Parameter>();
  for (const p of params) {
    const parameter = p instanceof tf.Variable ? parameterOf(p) : p;
    if (parameter.name === undefined) continue;
    if (byName.has(parameter.name)) {
      throw new ValueError(
        'DUPLICATE_NAME',
        `two parameters are named ${parameter.name}: give each its own name`,
      );
    }
    byName.set(parameter.name, parameter);
  }
  const found = Object.entries(grads).map(([name, grad]): [Parameter, Gradient] => {
    const parameter = byName.get(name);
    if (parameter !== undefined) {
      checkGradient(grad, parameter);
      return [parameter, grad];
    }
    const names = [...byName.keys()].join(', ');
    throw new ValueError('UNKNOWN_NAME', `no parameter is named ${name}; the names are: ${names}`);
  });
  for (const [parameter, grad] of found) parameter.grad = grad;
}
