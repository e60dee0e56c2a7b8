import { increment } from '../cast.ts';
import { upload, type DeviceTensor } from '../engine/arithmetic.ts';
import { Batch } from '../engine/fused/batch.ts';
import type { Kernel } from '../engine/fused/kernels.ts';
import type { Slot, SlotTensor } from '../engine/fused/slot.ts';
import { TensorData } from '../tensor_data.ts';
import type { Parameter } from './parameter.ts';
import type { StateEntry } from './state.ts';

/** A parameter of a round. */
export interface Member {
  readonly parameter: Parameter;
  readonly slot: Slot;
  readonly entry: StateEntry;
  /** What the entry has under each key of the optimizer's state tensors. Those that the kernel has are in slots. */
  readonly values: unknown[];
}

/** Parameters for which the update is the same: one dispatch steps them, again and again. */
export class Round {
  readonly kernel: Kernel;
  readonly members: readonly Member[];
  /** The kernel's state: its place among the optimizer's state tensors, and its key. */
  readonly #state: readonly { place: number; key: string }[];
  readonly #batch: Batch;

  /** @param keys - of the optimizer's state tensors */
  constructor(kernel: Kernel, members: readonly Member[], keys: readonly string[]) {
    this.kernel = kernel;
    this.members = members;
    this.#state = kernel.slots.slice(1).map((key) => ({ place: keys.indexOf(key), key }));
    this.#batch = new Batch(
      kernel,
      members.flatMap(({ slot, values }) => [
        slot,
        ...this.#state.map(({ place }) => (values[place] as SlotTensor).slot),
      ]),
    );
  }

  /** Takes back what was handed out, so that the step may write in its memory. */
  release(): void {
    for (const { parameter, values } of this.members) {
      parameter.release();
      for (const { place } of this.#state) (values[place] as SlotTensor).release();
    }
  }

  /** @param grads - of each member */
  step(scalars: Readonly<Record<string, number>>, grads: readonly DeviceTensor[]): void {
    this.#batch.step(scalars, grads);
  }

  /** Shows the results. */
  settle({ isShared, countsSteps }: Settlement): void {
    for (const place of Array.from(this.#batch.moved())) {
      this.members[place / this.kernel.slots.length]!.parameter.written();
    }
    if (countsSteps) countSteps(this.members);
    // A tensor that someone has does not change: another stands for what is in its slot now.
    for (const { place, key } of isShared ? this.#state : []) {
      for (const { entry, values } of this.members) {
        entry[key] = values[place] = (values[place] as SlotTensor).succeed();
      }
    }
  }

  dispose(): void {
    this.#batch.dispose();
  }
}

/** Where parameters have their count in common, it is counted once: a tensor for each takes its time. */
function countSteps(members: readonly Member[]): void {
  const counted = new Map<unknown, TensorData>();
  let [last, next]: unknown[] = [];
  for (const { entry } of members) {
    if (entry.step !== last) {
      last = entry.step;
      next = counted.get(last) ?? increment(last as TensorData);
      counted.set(last, next as TensorData);
    }
    entry.step = next;
  }
}

/** A round, and what it is run with. */
export interface Turn {
  readonly round: Round;
  readonly scalars: Readonly<Record<string, number>>;
  readonly grads: readonly (DeviceTensor | TensorData)[];
}

/** How the results of a step are shown. */
export interface Settlement {
  /** Whether someone may have tensors of the state. */
  readonly isShared: boolean;
  readonly countsSteps: boolean;
}

/** Takes a step of all members of some rounds. */
export function takeTurns(turns: readonly Turn[], settlement: Settlement): void {
  const uploaded: DeviceTensor[] = [];
  const onDevice = (grad: DeviceTensor | TensorData): DeviceTensor => {
    if (!(grad instanceof TensorData)) return grad;
    const tensor = upload(grad);
    uploaded.push(tensor);
    return tensor;
  };
  try {
    const grads = turns.map((turn) => turn.grads.map(onDevice));
    for (const { round } of turns) round.release();
    turns.forEach(({ round, scalars }, i) => round.step(scalars, grads[i]!));
  } finally {
    for (const tensor of uploaded) tensor.dispose();
  }
  for (const { round } of turns) round.settle(settlement);
}
