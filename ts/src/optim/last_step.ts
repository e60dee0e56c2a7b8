import { isCounting } from '../cast.ts';
import type { FusedEngine } from '../engine/fused/engine.ts';
import { TensorData } from '../tensor_data.ts';
import type { Definition, Prepared } from './definition.ts';
import { readOptions } from './options.ts';
import type { ParamGroup } from './param_group.ts';
import type { Parameter } from './parameter.ts';
import { preparer } from './prepare.ts';
import type { Member, Round, Turn } from './round.ts';
import { isDeviceTensor, type State, type StateEntry } from './state.ts';
import { checkArithmetic, checkOptions, isUsable, missingFrom, tensorKeys } from './step.ts';

/** What the last step has left of a parameter. */
interface Place {
  readonly parameter: Parameter;
  readonly entry: StateEntry | undefined;
  /** Where it was stepped; undefined if it had no gradient. */
  readonly round: Round | undefined;
  readonly member: Member | undefined;
}

/** Turns that are being gathered; the arrays of gradients grow. */
interface Draft extends Turn {
  readonly prepared: Prepared;
  readonly grads: Turn['grads'][number][];
}

/**
 * The last step, of which the next is a repetition as long as nothing has changed but gradients and scalars. Whoever
 * changes something need not tell: all that a step depends on is compared.
 */
export class LastStep {
  readonly #engine: FusedEngine;
  readonly #definition: Definition<object>;
  readonly #keys: readonly string[];
  readonly #groups: readonly (readonly Place[])[];

  constructor(
    engine: FusedEngine,
    definition: Definition<object>,
    groups: readonly ParamGroup<object>[],
    state: State,
    rounds: readonly Round[],
  ) {
    this.#engine = engine;
    this.#definition = definition;
    this.#keys = tensorKeys(definition);
    const stepped = new Map<Parameter, Pick<Place, 'round' | 'member'>>();
    for (const round of rounds) {
      for (const member of round.members) stepped.set(member.parameter, { round, member });
    }
    this.#groups = groups.map(({ params }) =>
      params.map((parameter) => {
        const { round, member } = stepped.get(parameter) ?? {};
        return { parameter, entry: state.get(parameter), round, member };
      }),
    );
  }

  /**
   * The turns of a repetition; undefined if something has changed, or is wrong.
   *
   * @throws torch's errors for what is wrong with the options
   */
  repeated(groups: readonly ParamGroup<object>[], state: State): readonly Turn[] | undefined {
    if (groups.length !== this.#groups.length) return undefined;
    const turns: Draft[] = [];
    const handedOut = new Set<unknown>();
    for (const [i, group] of groups.entries()) {
      const added = this.#turnsOf(group, this.#groups[i]!, state, handedOut);
      if (added === undefined) return undefined;
      turns.push(...added);
    }
    // The step would dispose such a gradient.
    const isHandedOut = (grad: unknown): boolean => handedOut.has(grad);
    return handedOut.size > 0 && turns.some(({ grads }) => grads.some(isHandedOut)) ? undefined : turns;
  }

  #turnsOf(
    group: ParamGroup<object>,
    places: readonly Place[],
    state: State,
    handedOut: Set<unknown>,
  ): Iterable<Draft> | undefined {
    const definition = this.#definition;
    const { params } = group;
    if (params.length !== places.length) return undefined;
    const options = readOptions(definition, group);
    const prepareFor = preparer(definition, options);
    const turns = new Map<Round, Draft>();
    let turn: Draft | undefined;
    for (let i = 0; i < places.length; i++) {
      const place = places[i]!;
      const { parameter, round } = place;
      const { grad } = parameter;
      if (parameter !== params[i] || (grad === null) !== (round === undefined)) return undefined;
      if (grad === null || round === undefined) continue;
      if (!isUsable(grad) || !this.#holds(place, state)) return undefined;
      const prepared = prepareFor(parameter, place.entry);
      if (turn?.round !== round) {
        turn = turns.get(round) ?? { round, scalars: prepared.scalars, prepared, grads: [] };
        turns.set(round, turn);
      }
      if (turn.prepared !== prepared) return undefined;
      turn.grads.push(grad);
      if (!parameter.isVariable && parameter.handedOut !== undefined) handedOut.add(parameter.handedOut);
    }
    if (turns.size > 0) checkOptions(definition, options);
    for (const {
      round: { kernel, members },
      prepared: { scalars, flags },
    } of turns.values()) {
      const { parameter, entry } = members[0]!;
      const missing = missingFrom(definition, entry, parameter.dtype);
      if (this.#engine.kernelFor(flags, missing) !== kernel) return undefined;
      checkArithmetic(definition, { parameter, missing, scalars, flags }, entry);
    }
    return turns.values();
  }

  /** Whether a parameter and its state are as the last step has left them. */
  #holds({ parameter, entry, member }: Place, state: State): boolean {
    const { slot, values } = member!;
    if (parameter.isDisposed || parameter.slot() !== slot || state.get(parameter) !== entry) return false;
    if (entry === undefined) return true;
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (entry[this.#keys[i]!] !== value) return false;
      if (isDeviceTensor(value) && value.isDisposed) return false;
    }
    return (
      !this.#definition.countsSteps || (entry.step instanceof TensorData && isCounting(entry.step.dtype))
    );
  }
}
