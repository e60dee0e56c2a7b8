import * as tf from '@tensorflow/tfjs-core';
import {
  download,
  duplicate,
  isParameterDType,
  upload,
  zeros,
  type DeviceTensor,
  type ParameterDType,
} from '../engine/arithmetic.ts';
import type { Slot } from '../engine/fused/slot.ts';
import { NativeTensor } from '../engine/tensorflow.ts';
import { TorchTypeError, ValueError } from '../errors.ts';
import { typeName } from '../python/repr.ts';
import { TensorData } from '../tensor_data.ts';
import { OwnCell, VariableCell, type Cell } from './cell.ts';
import { checkGradient, SparseTensor, type Gradient } from './gradient.ts';

export interface ParameterInit {
  /** For `assignGrads`, which finds gradients by name. */
  name?: string;
  /** Recorded for the caller; a step asks for a gradient alone, as torch's does. @defaultValue true */
  requiresGrad?: boolean;
}

/**
 * A tensor that an optimizer moves, and its gradient.
 *
 * `data` is the current tensor: a step puts another in its place and disposes it, so `clone()` what you keep.
 *
 * @typeParam T - what `data` is: a tf.Tensor for float32, a {@link NativeTensor} for other dtypes
 */
export class Parameter<T extends DeviceTensor = DeviceTensor> {
  readonly name: string | undefined;
  readonly requiresGrad: boolean;
  readonly shape: readonly number[];
  readonly dtype: ParameterDType;
  readonly #cell: Cell;
  #grad: Gradient | null = null;
  #ownsGrad = false;

  /**
   * @param value - cloned: a float32 or complex64 tf.Tensor, or TensorData of these, float64, float16 or bfloat16. All but
   *   float32 need TensorFlow.
   * @throws ValueError, TypeError, RuntimeError for a value that cannot be a parameter
   */
  constructor(value: T | TensorData | VariableCell, { name, requiresGrad = true }: ParameterInit = {}) {
    this.#cell = value instanceof VariableCell ? value : new OwnCell(copyOf(value));
    this.name = name;
    this.requiresGrad = requiresGrad;
    this.shape = [...this.data.shape];
    this.dtype = this.data.dtype as ParameterDType;
  }

  /** The current value: a tf.Tensor for float32, a {@link NativeTensor} for other dtypes. */
  get data(): T {
    return this.#cell.value as T;
  }

  /**
   * The gradient, or null: a step skips the parameter. A tensor put here stays yours to dispose; what `backward` puts
   * here is disposed when another takes its place.
   *
   * @throws TypeError, RuntimeError on assignment, in torch's words, for what is no gradient of this parameter
   */
  get grad(): Gradient | null {
    return this.#grad;
  }

  set grad(grad: Gradient | null) {
    checkGradient(grad, this);
    if (grad !== this.#grad) this.#setGrad(grad, false);
  }

  /** Whether the value is a tf.Variable's. */
  get isVariable(): boolean {
    return this.#cell instanceof VariableCell;
  }

  /** A copy of the value on the host. */
  toTensorData(): TensorData {
    return download(this.data);
  }

  /** Frees the value and what `backward` left. A tf.Variable stays its owner's. */
  dispose(): void {
    this.#setGrad(null, false);
    this.#cell.dispose();
  }

  get isDisposed(): boolean {
    return this.#cell.isDisposed;
  }

  /** @internal The value, if someone may have it. */
  get handedOut(): DeviceTensor | undefined {
    return this.#cell.handedOut;
  }

  /** @internal The value's place for the fused engine, which is moved there by the first call. */
  slot(): Slot {
    return this.#cell.slot();
  }

  /** @internal Takes back what was handed out, so that a step may write in its memory. */
  release(): void {
    this.#cell.release();
  }

  /** @internal Shows what a step has written to the slot. */
  written(): void {
    this.#cell.written();
  }

  /** @internal Takes over a tensor as the new value. */
  replaceData(data: DeviceTensor): void {
    this.#cell.replace(data);
  }

  /** @internal Gives up what the fused engine has of a tf.Variable, which keeps its value. */
  forget(): void {
    this.#cell.forget();
  }

  /** @internal Takes over a tensor as the gradient. */
  takeGrad(grad: DeviceTensor): void {
    this.#setGrad(grad, true);
  }

  /** @internal What `zeroGrad` does to one parameter. */
  zeroGrad(setToNone: boolean): void {
    if (setToNone) this.#setGrad(null, false);
    else if (this.#grad instanceof SparseTensor) this.#grad = this.#grad.zeros();
    else if (this.#grad !== null) this.takeGrad(zeros(this.shape, this.dtype));
  }

  #setGrad(grad: Gradient | null, owned: boolean): void {
    if (this.#ownsGrad) (this.#grad as DeviceTensor).dispose();
    this.#grad = grad;
    this.#ownsGrad = owned;
  }
}

const parameters = new WeakMap<tf.Variable, Parameter>();

/**
 * The parameter that a tf.Variable is to every optimizer: it holds the gradient, and a step assigns the variable's
 * value.
 *
 * @throws ValueError, TypeError for a variable that is disposed or not float32
 */
export function parameterOf(variable: tf.Variable): Parameter {
  check(variable);
  if (variable.dtype !== 'float32') {
    throw new TorchTypeError(
      'UNSUPPORTED_DTYPE',
      `a tf.Variable is a parameter in float32 alone, but got ${variable.dtype}: pass new Parameter(variable)`,
    );
  }
  let parameter = parameters.get(variable);
  if (parameter === undefined) {
    parameter = new Parameter(new VariableCell(variable), { name: variable.name });
    parameters.set(variable, parameter);
  }
  return parameter;
}

function copyOf(value: unknown): DeviceTensor {
  if (value instanceof TensorData) return upload(value);
  if (!(value instanceof tf.Tensor || value instanceof NativeTensor)) {
    throw new TorchTypeError(
      'NOT_A_TENSOR',
      `a parameter is made of a tf.Tensor or TensorData, but got ${typeName(value)}`,
    );
  }
  check(value);
  return duplicate(value);
}

function check(value: DeviceTensor): void {
  if (value.isDisposed) throw new ValueError('DISPOSED', 'a parameter cannot be made of a disposed tensor');
  if (!isParameterDType(value.dtype)) {
    throw new TorchTypeError(
      'UNSUPPORTED_DTYPE',
      `a parameter is a float or complex64 tensor, but got ${value.dtype}: cast the tensor first`,
    );
  }
}
