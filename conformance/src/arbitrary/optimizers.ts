import type * as fc from 'fast-check';
import type { Options } from '../program.ts';
import type { Value } from '../value.ts';
import { adadelta } from './adadelta.ts';
import type { Features } from './features.ts';
import type { OptionTable } from './options.ts';
import { sgd } from './sgd.ts';

/** What the generators know of one optimizer. A second optimizer is one file like adadelta.ts and one entry below. */
export interface OptimizerSpec {
  name: string;
  /** Its options that it cannot step without and loading a state dict does not put back, as they are where nobody gives them. */
  defaults: Record<string, Value>;
  /** Options that loading puts back. */
  restored: string[];
  options: OptionTable;
  /** Makes options legal together that are each legal alone. */
  legal(options: Options): Options;
  /** Options that its constructor refuses. */
  refused: Options[];
  /** The tensors of its state that are shaped like the parameter, and take its dtype when they are loaded. */
  stateTensors: string[];
  /** A key of its state that older versions of torch wrote in another form, and the values that they wrote. */
  older?: [key: string, values: fc.Arbitrary<Value>];
  /** Whether it refuses an entry of the state that lacks one of its keys. */
  refusesPartialState: boolean;
  /** Whether its parameters cannot be complex. */
  realOnly?: boolean;
  /** Whether it refuses a sparse gradient. */
  refusesSparse: boolean;
  /** The gradient whose first update takes `move` off a parameter; NaN where no gradient does. */
  gradientFor(move: number, option: (key: string) => number): number;
}

const known: Record<string, (features: Features) => OptimizerSpec> = { Adadelta: adadelta, SGD: sgd };

/**
 * What the generators know of the optimizers that these features name.
 *
 * @param own - of optimizers that are not torch's
 */
export function optimizersOf(features: Features, own: readonly OptimizerSpec[] = []): OptimizerSpec[] {
  return features.optimizers.map((name) => {
    const defined = own.find((spec) => spec.name === name);
    if (defined) return defined;
    const spec = known[name];
    if (!spec)
      throw new TypeError(`no generator for ${name}: add one to conformance/src/arbitrary/optimizers.ts`);
    return spec(features);
  });
}
