import { increment } from '../cast.ts';
import { upload, type DeviceTensor } from '../engine/arithmetic.ts';
import type { Batch, FusedEngine } from '../engine/fused/engine.ts';
import { Slot, SlotTensor } from '../engine/fused/slot.ts';
import { TensorData } from '../tensor_data.ts';
import type { Definition } from './definition.ts';
import type { Parameter } from './parameter.ts';
import { disposeEntries, isDeviceTensor, type State, type StateEntry } from './state.ts';
import { disposeGradient, isAlike, stateOf, type PlannedStep } from './step.ts';

/** A batch that is being made, and what it is made for. */
interface Round extends Batch {
  steps: PlannedStep[];
  entries: StateEntry[];
  slots: Slot[];
  /** The state that the kernel writes: for each parameter, what is in its slots but the first. */
  written: SlotTensor[];
  grads: DeviceTensor[];
}

/** Takes the steps that were planned, with the fused engine. */
export function takeFusedSteps(
  engine: FusedEngine,
  definition: Definition<object>,
  state: State,
  planned: readonly PlannedStep[],
): void {
  // Parameters do not depend on each other, so their order is of no account; but one that stands twice in a group steps
  // twice.
  let distinct = new Map<Parameter, PlannedStep>();
  for (const step of planned) {
    if (distinct.has(step.parameter)) {
      takeDistinct(engine, definition, state, distinct.values());
      distinct = new Map();
    }
    distinct.set(step.parameter, step);
  }
  takeDistinct(engine, definition, state, distinct.values());
}

function takeDistinct(
  engine: FusedEngine,
  definition: Definition<object>,
  state: State,
  planned: Iterable<PlannedStep>,
): void {
  const rounds: Round[] = [];
  try {
    for (const step of planned) addTo(rounds, engine, definition, state, step);
    for (const { steps, written } of rounds) {
      for (const { parameter } of steps) parameter.release();
      for (const tensor of written) tensor.release();
    }
    engine.step(rounds);
  } catch (error) {
    for (const { steps, entries, written } of rounds) {
      const own = new Set(entries.flatMap((entry) => Object.values(entry)));
      for (const tensor of written) if (!own.has(tensor)) tensor.dispose();
      disposeEntries(entries.filter((entry, i) => state.get(steps[i]!.parameter) !== entry));
    }
    throw error;
  } finally {
    for (const { steps, grads } of rounds) steps.forEach((step, i) => disposeGradient(step, grads[i]!));
  }
  for (const round of rounds) settle(definition, state, round);
}

/** Adds a step to the round of those that one dispatch takes. */
function addTo(
  rounds: Round[],
  engine: FusedEngine,
  definition: Definition<object>,
  state: State,
  planned: PlannedStep,
): void {
  const { parameter, missing, scalars, flags } = planned;
  let round = rounds.find(({ steps }) => isAlike(steps[0]!, planned));
  if (round === undefined) {
    round = {
      ...{ kernel: engine.kernelFor(flags, missing), scalars },
      ...{ steps: [], entries: [], slots: [], written: [], grads: [] },
    };
    rounds.push(round);
  }
  const entry = stateOf(definition, state.get(parameter), () => new SlotTensor(parameter.slot().zeros()));
  round.steps.push(planned);
  round.entries.push(entry);
  for (const name of round.kernel.slots) {
    if (name === 'param') {
      round.slots.push(parameter.slot());
    } else {
      const tensor = slotted(entry, name) ?? new SlotTensor(parameter.slot().zeros());
      round.written.push(tensor);
      round.slots.push(tensor.slot);
    }
  }
  round.grads.push(planned.grad instanceof TensorData ? upload(planned.grad) : planned.grad);
}

/** The tensor of a state entry, moved into a slot if it is not in one. */
function slotted(entry: StateEntry, key: string): SlotTensor | undefined {
  const value = entry[key];
  if (!isDeviceTensor(value)) return undefined;
  if (value instanceof SlotTensor) return value;
  const tensor = new SlotTensor(Slot.holding(value));
  value.dispose();
  entry[key] = tensor;
  return tensor;
}

/** Puts the results of a round in place. */
function settle(
  definition: Definition<object>,
  state: State,
  { kernel, steps, entries, written }: Round,
): void {
  const names = kernel.slots.slice(1);
  const counted = new Map<unknown, TensorData>();
  steps.forEach(({ parameter }, i) => {
    const entry = entries[i]!;
    parameter.written();
    if (definition.countsSteps) entry.step = countStep(entry.step as TensorData, counted);
    names.forEach((name, j) => (entry[name] = written[i * names.length + j]!.succeed()));
    if (state.get(parameter) !== entry && Object.keys(entry).length > 0) state.set(parameter, entry);
  });
}

/** Counts a step. Where parameters have their count in common, it is counted once: a tensor for each takes its time. */
function countStep(step: TensorData, counted: Map<unknown, TensorData>): TensorData {
  let next = counted.get(step);
  if (next === undefined) counted.set(step, (next = increment(step)));
  return next;
}
