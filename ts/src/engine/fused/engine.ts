import { RuntimeError } from '../../errors.ts';
import type { Definition } from '../../optim/definition.ts';
import { TensorData } from '../../tensor_data.ts';
import type { DeviceTensor } from '../arithmetic.ts';
import { dtypeNumbers, requireBackend, typeAttr, type Attr, type Backend } from '../binding.ts';
import { NativeTensor } from '../tensorflow.ts';
import { Handle } from './handle.ts';
import { variantOf, type Kernel } from './kernels.ts';
import type { Slot } from './slot.ts';

/** Parameters of one dtype that one dispatch steps: those of a group for which the update is the same. */
export interface Batch {
  kernel: Kernel;
  scalars: Readonly<Record<string, number>>;
  /** The kernel's slots for each parameter, one parameter after the other. */
  slots: readonly Slot[];
  grads: readonly DeviceTensor[];
}

/** What TensorFlow is given for a batch besides its gradients; from one step to the next it mostly stays the same. */
interface Pack {
  slots: readonly Slot[];
  handle: Handle;
  scalars: readonly number[];
  scalarTensor: Handle;
}

/** The fused engine of one optimizer: its update is one compiled kernel, and a group steps in one dispatch. */
export class FusedEngine {
  readonly #definition: Definition<object>;
  readonly #kernels: ReadonlyMap<string, Kernel>;
  #packs: Pack[] = [];

  constructor(definition: Definition<object>, kernels: ReadonlyMap<string, Kernel>) {
    this.#definition = definition;
    this.#kernels = kernels;
  }

  /** The kernel for an update's flags, and the state that it does not find. */
  kernelFor(flags: Readonly<Record<string, boolean>>, missing: ReadonlySet<string>): Kernel {
    const kernel = this.#kernels.get(variantOf(flags, missing));
    if (kernel === undefined) {
      throw new RuntimeError(
        'NO_KERNEL',
        `${this.#definition.name} has no kernel for ${variantOf(flags, missing)}`,
      );
    }
    return kernel;
  }

  /** Takes a step of every batch; the results are in the slots then. */
  step(batches: readonly Batch[]): void {
    const backend = requireBackend();
    const packs: Pack[] = [];
    try {
      for (const batch of batches) {
        const pack = this.#pack(backend, batch);
        packs.push(pack);
        dispatch(backend, batch, pack);
      }
    } finally {
      for (const pack of this.#packs) if (!packs.includes(pack)) disposePack(pack);
      this.#packs = packs;
    }
  }

  dispose(): void {
    this.#packs.forEach(disposePack);
    this.#packs = [];
  }

  #pack(backend: Backend, { kernel, scalars, slots }: Batch): Pack {
    const values = kernel.scalars.map((name) => scalars[name] as number);
    const pack = this.#packs.find((other) => same(other.slots, slots));
    if (pack === undefined) {
      const scalarTensor = scalarsOf(backend, values);
      const n: Attr = { name: 'n', type: backend.binding.TF_ATTR_INT, value: slots.length };
      const handle = backend.binding.executeOp(
        'ParityPack',
        [n],
        slots.map(({ id }) => id),
        1,
      )[0]!;
      return { slots, handle: new Handle(backend, handle.id), scalars: values, scalarTensor };
    }
    if (!same(pack.scalars, values)) {
      pack.scalarTensor.dispose();
      pack.scalarTensor = scalarsOf(backend, values);
      pack.scalars = values;
    }
    return pack;
  }
}

function dispatch(backend: Backend, { kernel, slots, grads }: Batch, { handle, scalarTensor }: Pack): void {
  const { binding } = backend;
  const { dtype } = slots[0] as Slot;
  const ids =
    dtype === 'float32'
      ? backend.getInputTensorIds(grads as never)
      : (grads as NativeTensor[]).map(({ id }) => id);
  const attrs: Attr[] = [
    { name: 'n', type: binding.TF_ATTR_INT, value: grads.length },
    typeAttr('T', dtypeNumbers[dtype]),
    { name: 'kernel', type: binding.TF_ATTR_STRING, value: `${kernel.name}_${dtype}` },
  ];
  binding.executeOp('ParityStep', attrs, [handle.id, scalarTensor.id, ...ids], 0);
}

/** Scalars are an input and no attributes, for which TensorFlow would keep an operation for every learning rate. */
function scalarsOf(backend: Backend, values: readonly number[]): Handle {
  return new Handle(backend, NativeTensor.from(TensorData.from('float64', values)).id);
}

function disposePack({ handle, scalarTensor }: Pack): void {
  handle.dispose();
  scalarTensor.dispose();
}

function same<T>(x: readonly T[], y: readonly T[]): boolean {
  return x.length === y.length && x.every((value, i) => Object.is(value, y[i]));
}
