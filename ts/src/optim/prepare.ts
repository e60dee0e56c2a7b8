import { increment } from '../cast.ts';
import { TensorData } from '../tensor_data.ts';
import type { Definition, Prepared } from './definition.ts';
import type { Parameter } from './parameter.ts';
import { notStepped, type StateEntry } from './state.ts';

/**
 * What gives the scalars and flags for the parameters of a group in turn, by their state. Those that get the same object
 * are stepped alike: all of them, or where the definition looks at the step those that have been stepped as often.
 *
 * @param options - the group's
 */
export function preparer(
  definition: Definition<object>,
  options: object,
): (parameter: Parameter, entry: StateEntry | undefined) => Prepared {
  if (!definition.preparesEachStep) {
    const prepared = definition.prepare(options);
    return () => prepared;
  }
  const byStep = new Map<number, Prepared>();
  const counts = new Counts();
  return (parameter, entry) => {
    const step = counts.next(parameter, entry);
    let prepared = byStep.get(step);
    if (prepared === undefined) byStep.set(step, (prepared = definition.prepare(options, step)));
    return prepared;
  };
}

/** What the counts of parameters will be after a step. */
class Counts {
  /** Parameters that are stepped together mostly have one tensor in common, and reading it takes its time. */
  readonly #after = new Map<TensorData, TensorData>();
  /** One that stands twice in a group is stepped twice. */
  readonly #last = new Map<Parameter, TensorData>();

  next(parameter: Parameter, entry: StateEntry | undefined): number {
    const held = entry?.['step'];
    const before = this.#last.get(parameter) ?? (held instanceof TensorData ? held : notStepped);
    let after = this.#after.get(before);
    if (after === undefined) this.#after.set(before, (after = increment(before)));
    this.#last.set(parameter, after);
    return Number(after.toTypedArray()[0]);
  }
}
