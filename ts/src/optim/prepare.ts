import { increment } from '../cast.ts';
import { TensorData } from '../tensor_data.ts';
import type { Definition, Prepared } from './definition.ts';
import type { StateEntry } from './state.ts';

/**
 * What gives the scalars and flags for the parameters of a group, by their state. Parameters that get the same object are
 * stepped together: all of them, or where the definition looks at the step those that have been stepped as often.
 *
 * @param options - the group's
 */
export function preparer(
  definition: Definition<object>,
  options: object,
): (entry: StateEntry | undefined) => Prepared {
  if (!definition.preparesEachStep) {
    const prepared = definition.prepare(options);
    return () => prepared;
  }
  const byStep = new Map<number, Prepared>();
  // Parameters that are stepped together mostly have one tensor in common, and reading it takes its time.
  const byTensor = new Map<unknown, Prepared>();
  return (entry) => {
    const held = entry?.['step'];
    let prepared = byTensor.get(held);
    if (prepared === undefined) {
      const step = held instanceof TensorData ? Number(increment(held).toTypedArray()[0]) : 1;
      prepared = byStep.get(step) ?? definition.prepare(options, step);
      byStep.set(step, prepared);
      byTensor.set(held, prepared);
    }
    return prepared;
  };
}
