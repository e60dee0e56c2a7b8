import type { DeviceTensor } from '../engine/arithmetic.ts';
import type { FusedEngine } from '../engine/fused/engine.ts';
import type { Kernel } from '../engine/fused/kernels.ts';
import { Slot, SlotTensor } from '../engine/fused/slot.ts';
import type { Definition } from './definition.ts';
import { LastStep } from './last_step.ts';
import type { ParamGroup } from './param_group.ts';
import { Round, takeTurns, type Member, type Turn } from './round.ts';
import { disposeEntries, isDeviceTensor, type State, type StateEntry } from './state.ts';
import {
  isPlain,
  isAlike,
  planGroup,
  protectGradients,
  stateOf,
  takePlanned,
  tensorKeys,
  type PlannedStep,
} from './step.ts';

/** The steps of one optimizer, taken with the fused engine. */
export class FusedSteps {
  readonly #engine: FusedEngine;
  readonly #definition: Definition<object>;
  #rounds: readonly Round[] = [];
  #last: LastStep | undefined;

  constructor(engine: FusedEngine, definition: Definition<object>) {
    this.#engine = engine;
    this.#definition = definition;
  }

  /**
   * Updates every parameter that has a gradient.
   *
   * @param isShared - whether someone may have tensors of the state
   * @throws torch's errors, before anything has changed
   */
  take(groups: readonly ParamGroup<object>[], state: State, isShared: boolean): void {
    const turns = this.#last?.repeated(groups, state);
    if (turns === undefined) this.#takeNew(groups, state);
    else takeTurns(turns, { isShared, countsSteps: this.#definition.countsSteps });
  }

  dispose(): void {
    for (const round of this.#rounds) round.dispose();
    this.#rounds = [];
    this.#last = undefined;
  }

  #takeNew(groups: readonly ParamGroup<object>[], state: State): void {
    const definition = this.#definition;
    const planned = groups.flatMap((group) => planGroup(definition, group, state));
    this.dispose();
    // Kernels go element by element, and state of another shape is spread.
    if (!planned.every((step) => isPlain(definition, step, state.get(step.parameter)))) {
      takePlanned(definition, groups, planned, state);
      return;
    }
    protectGradients(definition, groups, planned, state);
    const passes = withoutRepeats(planned, state);
    try {
      for (const pass of passes) this.#takePass(pass, state);
    } finally {
      for (const { grad, ownsGrad } of planned) if (ownsGrad) (grad as DeviceTensor).dispose();
    }
    if (passes.length <= 1) this.#last = new LastStep(this.#engine, definition, groups, state, this.#rounds);
  }

  #takePass(planned: readonly PlannedStep[], state: State): void {
    this.dispose();
    const drafts: Draft[] = [];
    const turns: Turn[] = [];
    try {
      const members = planned.map((step) => this.#add(drafts, step, state));
      for (const { kernel, steps, members } of drafts) {
        const round = new Round(kernel, members, tensorKeys(this.#definition));
        turns.push({ round, scalars: steps[0]!.scalars, grads: steps.map(({ grad }) => grad) });
      }
      this.#rounds = turns.map(({ round }) => round);
      takeTurns(turns, { isShared: true, countsSteps: this.#definition.countsSteps });
      // In the order of the parameters, which is that of a state dict, however they were gathered.
      for (const { parameter, entry } of members) {
        if (Object.keys(entry).length > 0) state.set(parameter, entry);
      }
    } catch (error) {
      for (const { round } of turns) round.dispose();
      for (const { parameter, entry, values } of drafts.flatMap(({ members }) => members)) {
        const own = Object.values(entry);
        disposeEntries([{ ...values.filter((value) => !own.includes(value)) }]);
        if (state.get(parameter) !== entry) disposeEntries([entry]);
      }
      throw error;
    }
  }

  /** Adds a step to the draft of those that one dispatch takes. */
  #add(drafts: Draft[], step: PlannedStep, state: State): Member {
    const { parameter, missing, flags } = step;
    let draft = drafts.find(({ steps }) => isAlike(steps[0]!, step));
    if (draft === undefined) {
      draft = { kernel: this.#engine.kernelFor(flags, missing), steps: [], members: [] };
      drafts.push(draft);
    }
    const { kernel } = draft;
    const slot = parameter.slot();
    const zeros = (): SlotTensor => new SlotTensor(slot.zeros());
    const entry = stateOf(this.#definition, state.get(parameter), zeros);
    const values = tensorKeys(this.#definition).map((key) =>
      kernel.slots.includes(key) ? (slotted(entry, key) ?? zeros()) : entry[key],
    );
    draft.steps.push(step);
    const member: Member = { parameter, slot, entry, values };
    draft.members.push(member);
    return member;
  }
}

/** Steps of which one dispatch takes all. */
interface Draft {
  readonly kernel: Kernel;
  readonly steps: PlannedStep[];
  readonly members: Member[];
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

/**
 * Parameters do not depend on each other, so their order is of no account; but one that stands twice in a group steps twice,
 * and those that were given one state one after the other.
 */
function withoutRepeats(planned: readonly PlannedStep[], state: State): PlannedStep[][] {
  const passes: PlannedStep[][] = [];
  const next = new Map<unknown, number>();
  for (const step of planned) {
    const tensors = Object.values(state.get(step.parameter) ?? {}).filter(isDeviceTensor);
    const own = [step.parameter, ...tensors];
    const pass = Math.max(...own.map((key) => next.get(key) ?? 0));
    for (const key of own) next.set(key, pass + 1);
    (passes[pass] ??= []).push(step);
  }
  return passes;
}
