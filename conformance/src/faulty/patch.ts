import type { Definition, Inputs, Operations, Outputs } from 'torch-parity';
import { adadelta, sgd } from './definitions.ts';
import type { Definitions } from './fault.ts';

/** A definition whose scalars are changed before the update sees them. */
export function withScalars<
  O extends object,
  S extends string,
  F extends string,
  T extends string,
  L extends string,
>(
  definition: Definition<O, S, F, T, L>,
  change: (scalars: Record<S, number>, options: O) => Partial<Record<S, number>>,
): Definition<O, S, F, T, L> {
  return {
    ...definition,
    prepare(options) {
      const { scalars, flags } = definition.prepare(options);
      return { scalars: { ...scalars, ...change(scalars, options) }, flags };
    },
  };
}

/** A definition whose flags are changed before the update sees them. */
export function withFlags<
  O extends object,
  S extends string,
  F extends string,
  T extends string,
  L extends string,
>(
  definition: Definition<O, S, F, T, L>,
  flags: Partial<Record<NoInfer<F>, boolean>>,
): Definition<O, S, F, T, L> {
  return {
    ...definition,
    prepare(options) {
      const prepared = definition.prepare(options);
      return { ...prepared, flags: { ...prepared.flags, ...flags } };
    },
  };
}

/** A tensor and a scalar of whichever engine runs an update. A patch knows nothing more of them than the update does. */
export interface Tensor {
  readonly tensor: unique symbol;
}
export interface Scalar {
  readonly scalar: unique symbol;
}

/** A definition with another update, which may call the old one. */
export function withUpdate<
  O extends object,
  S extends string,
  F extends string,
  T extends string,
  L extends string,
>(
  definition: Definition<O, S, F, T, L>,
  update: (
    o: Operations<Tensor, Scalar>,
    tensors: Inputs<Tensor, T, L>,
    scalars: Record<S, Scalar>,
    flags: Record<F, boolean>,
  ) => Outputs<Tensor, T, L>,
): Definition<O, S, F, T, L> {
  return { ...definition, update: update as Definition<O, S, F, T, L>['update'] };
}

/**
 * A definition whose update runs over other operations.
 *
 * @param change - is called for each update, with its operations and inputs, and gives those that are changed
 */
export function withOperations<
  O extends object,
  S extends string,
  F extends string,
  T extends string,
  L extends string,
>(
  definition: Definition<O, S, F, T, L>,
  change: (
    o: Operations<Tensor, Scalar>,
    tensors: Inputs<Tensor, T, L>,
    scalars: Record<S, Scalar>,
    flags: Record<F, boolean>,
  ) => Partial<Operations<Tensor, Scalar>>,
): Definition<O, S, F, T, L> {
  return withUpdate(definition, (o, tensors, scalars, flags) =>
    definition.update({ ...o, ...change(o, tensors, scalars, flags) }, tensors, scalars, flags),
  );
}

/** What the definitions of both optimizers have in common. */
export type Common = Definition<
  { lr: number; weightDecay: number },
  'minusLr' | 'weightDecay',
  'maximize' | 'decays',
  string,
  string
>;

/** One change to both optimizers. */
export function both(change: (definition: Common) => Common): Definitions {
  return { Adadelta: change(adadelta as unknown as Common), SGD: change(sgd as unknown as Common) };
}
