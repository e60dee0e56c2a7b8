import * as tf from '@tensorflow/tfjs-core';
import type { DeviceTensor } from '../arithmetic.ts';
import {
  binding,
  dtypeNumbers,
  executeOp,
  requireBackend,
  typeAttr,
  type Attr,
  type Binding,
  type NativeDType,
} from '../binding.ts';
import { NativeTensor } from '../tensorflow.ts';
import { Handle } from './handle.ts';

/**
 * A place in TensorFlow's memory that holds one tensor. A step replaces the tensor: in the same memory if nobody else
 * has it, and elsewhere if someone has, for whom it stays as it is.
 */
export class Slot {
  readonly dtype: NativeDType;
  readonly shape: readonly number[];
  /** Whether the one who has the tensor besides the slot sees what a step writes. */
  readonly isVisible: boolean;
  readonly #handle: Handle;

  private constructor(dtype: NativeDType, shape: readonly number[], id: number, isVisible = false) {
    this.dtype = dtype;
    this.shape = shape;
    this.isVisible = isVisible;
    this.#handle = new Handle(requireBackend(), id);
  }

  /** The binding's number for the slot. */
  get id(): number {
    return this.#handle.id;
  }

  get binding(): Binding {
    return this.#handle.backend.binding;
  }

  /**
   * A slot that holds a tensor. The tensor stays its owner's, and shares its memory until one of them changes.
   *
   * @param options - `isVisible` for a tensor in which a step is to write, as long as nobody else has its memory
   */
  static holding(tensor: DeviceTensor, { isVisible = false }: { isVisible?: boolean } = {}): Slot {
    const dtype = tensor.dtype as NativeDType;
    const id =
      tensor instanceof NativeTensor
        ? tensor.id
        : (requireBackend().getInputTensorIds([tensor])[0] as number);
    const visible: Attr = { name: 'visible', type: binding().TF_ATTR_BOOL, value: isVisible };
    const slot = executeOp('ParitySlot', [typeAttr('T', dtypeNumbers[dtype]), visible], [id]);
    return new Slot(dtype, tensor.shape, slot.id, isVisible);
  }

  /** Another slot of the same shape, with zeros in it. */
  zeros(): Slot {
    return new Slot(this.dtype, this.shape, executeOp('ParityZeros', [], [this.id]).id);
  }

  /** The tensor that is in the slot now, which no step changes. While it lives, the next step needs other memory. */
  read(): DeviceTensor {
    const id = this.readId();
    if (this.dtype !== 'float32') return new NativeTensor(this.dtype, this.shape, id, this.binding);
    const dataId = {};
    const shape = [...this.shape];
    const { backend } = this.#handle;
    backend.tensorMap.set(dataId, { shape, dtype: dtypeNumbers.float32, values: null, id, refCount: 1 });
    // keep() shields it from a caller's tidy().
    return tf.keep(tf.engine().makeTensorFromTensorInfo({ dataId, shape, dtype: 'float32' }, backend));
  }

  /** As {@link read}, for the binding. */
  readId(): number {
    // Also where another backend is registered by now: what a parameter holds can always be read.
    const attrs = [typeAttr('T', dtypeNumbers[this.dtype], this.binding)];
    return executeOp('ParityRead', attrs, [this.id], this.binding).id;
  }

  /** How many tensors of tfjs are one to TensorFlow: this one and its clones. */
  countSharing({ dataId }: tf.Tensor): number {
    return this.#handle.backend.refCount(dataId);
  }

  dispose(): void {
    this.#handle.dispose();
  }
}

/** The tensor in a slot that is its own. What a step has written, another object stands for: see {@link succeed}. */
export class SlotTensor extends NativeTensor {
  readonly slot: Slot;
  #owns = true;

  constructor(slot: Slot) {
    super(slot.dtype, slot.shape, undefined, slot.binding);
    this.slot = slot;
  }

  /** Lets go of the memory, so that a step may write in it. */
  release(): void {
    this.forget();
  }

  /** The tensor after a step; this one is disposed. */
  succeed(): SlotTensor {
    this.#owns = false;
    this.dispose();
    return new SlotTensor(this.slot);
  }

  override dispose(): void {
    if (this.#owns && !this.isDisposed) this.slot.dispose();
    super.dispose();
  }

  protected override make(): number {
    return this.slot.readId();
  }
}
