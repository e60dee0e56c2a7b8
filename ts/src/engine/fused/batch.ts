import type { DeviceTensor } from '../arithmetic.ts';
import {
  dtypeNumbers,
  executeOp,
  requireBackend,
  typeAttr,
  wordNumbers,
  type Attr,
  type Backend,
} from '../binding.ts';
import type { NativeTensor } from '../tensorflow.ts';
import { Handle } from './handle.ts';
import type { Kernel } from './kernels.ts';
import type { Slot } from './slot.ts';

/** Parameters of one dtype that one dispatch steps, and what TensorFlow is given of them, which stays from step to step. */
export class Batch {
  readonly kernel: Kernel;
  readonly #slots: readonly Slot[];
  readonly #backend: Backend;
  readonly #pack: Handle;
  readonly #attrs: Attr[];
  readonly #hasVisible: boolean;
  #values: readonly number[] = [];
  #scalars: Handle | undefined;

  /** @param slots - the kernel's slots for each parameter, one parameter after the other */
  constructor(kernel: Kernel, slots: readonly Slot[]) {
    this.kernel = kernel;
    this.#slots = slots;
    this.#backend = requireBackend();
    this.#hasVisible = slots.some(({ isVisible }) => isVisible);
    const { binding } = this.#backend;
    const count = (name: string, value: number): Attr => ({ name, type: binding.TF_ATTR_INT, value });
    const pack = executeOp(
      'ParityPack',
      [count('n', slots.length)],
      slots.map(({ id }) => id),
    );
    this.#pack = new Handle(this.#backend, pack.id);
    const { dtype } = slots[0] as Slot;
    this.#attrs = [
      count('n', slots.length / kernel.slots.length),
      typeAttr('T', dtypeNumbers[dtype]),
      { name: 'kernel', type: binding.TF_ATTR_STRING, value: `${kernel.name}_${dtype}` },
    ];
  }

  /** Takes a step; the results are in the slots then. */
  step(scalars: Readonly<Record<string, number>>, grads: readonly DeviceTensor[]): void {
    const { dtype } = this.#slots[0] as Slot;
    const ids =
      dtype === 'float32'
        ? this.#backend.getInputTensorIds(grads as never)
        : (grads as NativeTensor[]).map(({ id }) => id);
    ids.unshift(this.#pack.id, this.#scalarTensor(scalars).id);
    this.#backend.binding.executeOp('ParityStep', this.#attrs, ids, 0);
  }

  /**
   * The visible slots that the step had to give other memory, since there was one more who holds the old: places among the
   * batch's slots.
   */
  moved(): ArrayLike<number> {
    if (!this.#hasVisible) return [];
    const { binding } = this.#backend;
    const { id } = executeOp('ParityMoved', [], [this.#pack.id], binding);
    try {
      return binding.tensorDataSync(id);
    } finally {
      binding.deleteTensor(id);
    }
  }

  dispose(): void {
    this.#pack.dispose();
    this.#scalars?.dispose();
  }

  /**
   * Scalars are an input and no attributes, for which TensorFlow would keep an operation for every learning rate. Their
   * bits go as int32, which stays in the host's memory, where they are read, also if all else is on a GPU.
   */
  #scalarTensor(scalars: Readonly<Record<string, number>>): Handle {
    const values = this.kernel.scalars.map((name) => scalars[name] as number);
    if (this.#scalars === undefined || !values.every((value, i) => Object.is(value, this.#values[i]))) {
      this.#scalars?.dispose();
      const words = new Int32Array(new Float64Array(values).buffer);
      const id = this.#backend.binding.createTensor([words.length], wordNumbers.int32, words);
      this.#scalars = new Handle(this.#backend, id);
      this.#values = values;
    }
    return this.#scalars;
  }
}
