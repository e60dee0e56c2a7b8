import type * as tf from '@tensorflow/tfjs-core';
import type { DeviceTensor } from '../engine/arithmetic.ts';
import { Slot } from '../engine/fused/slot.ts';

/** Where the value of a parameter lives: a tensor, or for the fused engine a slot, of which tensors are made when needed. */
export interface Cell {
  readonly value: DeviceTensor;
  /** The value, if someone may have it. */
  readonly handedOut: DeviceTensor | undefined;
  readonly isDisposed: boolean;
  /** The value's slot, into which the first call moves it. */
  slot(): Slot;
  /** Takes back what was handed out, so that a step may write in its memory, and nobody else sees it. */
  release(): void;
  /** Shows what a step has written to the slot, which has other memory since. */
  written(): void;
  /** Takes over a tensor as the new value. */
  replace(value: DeviceTensor): void;
  /** Gives up the slot of a value that is someone else's, and that nobody steps any more. */
  forget(): void;
  dispose(): void;
}

/** A value of the parameter's own. */
export class OwnCell implements Cell {
  handedOut: DeviceTensor | undefined;
  #slot: Slot | undefined;

  constructor(value: DeviceTensor) {
    this.handedOut = value;
  }
  get value(): DeviceTensor {
    return (this.handedOut ??= (this.#slot as Slot).read());
  }
  get isDisposed(): boolean {
    return this.handedOut?.isDisposed ?? false;
  }
  slot(): Slot {
    return (this.#slot ??= Slot.holding(this.value));
  }
  release(): void {
    this.handedOut?.dispose();
    this.handedOut = undefined;
  }
  written(): void {}
  replace(value: DeviceTensor): void {
    this.handedOut?.dispose();
    this.#slot?.dispose();
    this.#slot = undefined;
    this.handedOut = value;
  }
  forget(): void {}
  dispose(): void {
    this.value.dispose();
    this.#slot?.dispose();
  }
}

/**
 * A tf.Variable's value. A step writes where the variable's tensor is; if that is someone else's, too, it writes elsewhere,
 * and the variable is assigned what it wrote.
 */
export class VariableCell implements Cell {
  readonly value: tf.Variable;
  #slot: Slot | undefined;
  /** What the variable held when its value was in the slot: someone may have assigned another. */
  #dataId: object | undefined;

  constructor(value: tf.Variable) {
    this.value = value;
  }
  get handedOut(): tf.Variable {
    return this.value;
  }
  get isDisposed(): boolean {
    return this.value.isDisposed;
  }
  slot(): Slot {
    if (this.#slot === undefined || this.#dataId !== this.value.dataId) {
      this.#slot?.dispose();
      this.#slot = Slot.holding(this.value, { isVisible: true });
      this.#dataId = this.value.dataId;
    }
    return this.#slot;
  }
  release(): void {
    // tfjs counts tensors that share all of what TensorFlow sees as one. With a tensor of its own the variable shares
    // its memory alone, and TensorFlow sees that the memory is not its own.
    if (this.slot().countSharing(this.value) > 1) this.written();
  }
  written(): void {
    this.replace((this.#slot as Slot).read());
    this.#dataId = this.value.dataId;
  }
  replace(value: DeviceTensor): void {
    this.value.assign(value as tf.Tensor);
    value.dispose();
  }
  forget(): void {
    this.#slot?.dispose();
    this.#slot = undefined;
  }
  dispose(): void {
    this.forget();
  }
}
