import { increment } from '../cast.ts';
import { upload, type DeviceTensor } from '../engine/arithmetic.ts';
import type { Batch, FusedEngine } from '../engine/fused/engine.ts';
import { Slot, SlotTensor } from '../engine/fused/slot.ts';
import { TensorData } from '../tensor_data.ts';
import type { Definition } from './definition.ts';
import type { Parameter } from './parameter.ts';
import { disposeEntries, isDeviceTensor, type State, type StateEntry } from './state.ts';
import { disposeGradient, stateOf, type PlannedStep } from './step.ts';

/** A batch that is being made, and what it is made for. */
interface Round extends Batch {
  steps: FusedStep[];
  slots: Slot[];
  grads: DeviceTensor[];
}

interface FusedStep {
  planned: PlannedStep;
  entry: StateEntry;
  /** Whether the entry is new, and so not in the state yet. */
  isNew: boolean;
  /** The state that the kernel writes. */
  written: [key: string, tensor: SlotTensor][];
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
    for (const { steps } of rounds) {
      for (const { planned, written } of steps) {
        planned.parameter.release();
        for (const [, tensor] of written) tensor.release();
      }
    }
    engine.step(rounds);
  } catch (error) {
    for (const { steps } of rounds) {
      for (const { entry, isNew, written } of steps) {
        if (isNew) disposeEntries([entry]);
        for (const [key, tensor] of written) if (entry[key] !== tensor) tensor.dispose();
      }
    }
    throw error;
  } finally {
    for (const { steps, grads } of rounds)
      steps.forEach(({ planned }, i) => disposeGradient(planned, grads[i]!));
  }
  for (const { steps } of rounds) for (const step of steps) settle(definition, state, step);
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
  let round = rounds.find(
    ({ steps: [first] }) =>
      first!.planned.scalars === scalars &&
      first!.planned.parameter.dtype === parameter.dtype &&
      sameKeys(first!.planned.missing, missing),
  );
  if (round === undefined) {
    round = { kernel: engine.kernelFor(flags, missing), scalars, steps: [], slots: [], grads: [] };
    rounds.push(round);
  }
  const before = state.get(parameter);
  const entry = stateOf(definition, before, () => new SlotTensor(parameter.slot().zeros()));
  const step: FusedStep = { planned, entry, isNew: entry !== before, written: [] };
  round.steps.push(step);
  for (const name of round.kernel.slots) {
    if (name === 'param') {
      round.slots.push(parameter.slot());
    } else {
      const tensor = slotted(entry, name) ?? new SlotTensor(parameter.slot().zeros());
      step.written.push([name, tensor]);
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

/** Puts the results of a step in place. */
function settle(
  definition: Definition<object>,
  state: State,
  { planned: { parameter }, entry, written }: FusedStep,
): void {
  parameter.written();
  if (definition.countsSteps) entry.step = increment(entry.step as TensorData);
  for (const [key, tensor] of written) entry[key] = tensor.succeed();
  if (Object.keys(entry).length > 0) state.set(parameter, entry);
}

function sameKeys(x: ReadonlySet<string>, y: ReadonlySet<string>): boolean {
  return x.size === y.size && [...x].every((key) => y.has(key));
}
