import type { Operations } from '../engine/operations.ts';

/** One documented option: torch's name for it, its default, and what it must be. */
export interface Option<V> {
  /** torch's name, verbatim in state dicts. */
  key: string;
  default: V;
  /** `floats` is a tuple of as many floats as the default has. */
  type: 'float' | 'floats' | 'bool' | 'bool or None';
  /** The default is a Python int in torch's signature, and prints as one: `weight_decay: 0`. */
  intDefault?: true;
}

/** The tensors that an update is given: the parameter, its gradient, and the state by torch's names. */
export type Inputs<T, State extends string, Lazy extends string> = { param: T; grad: T } & Record<State, T> &
  Record<Lazy, T | undefined>;

/** The new parameter, and the state that changed. */
export type Outputs<T, State extends string, Lazy extends string> = { param: T } & Record<State, T> &
  Partial<Record<Lazy, T>>;

/** The doubles that an update computes with, and the decisions that it takes. */
export interface Prepared<Scalars extends string = string, Flags extends string = string> {
  scalars: Record<Scalars, number>;
  flags: Record<Flags, boolean>;
}

/**
 * What makes an optimizer: everything that differs between two of torch's classes. Groups, hooks, state dicts and
 * engines are the same for all. `defineOptimizer` makes it of a description.
 *
 * @typeParam Options - the documented options, in torch's order
 * @typeParam Scalars - names of the doubles that the update uses
 * @typeParam Flags - names of the decisions that the update takes
 * @typeParam State - state tensors that start as zeros
 * @typeParam Lazy - state tensors that the update itself creates, on a parameter's first step
 */
export interface Definition<
  Options extends object,
  Scalars extends string = string,
  Flags extends string = string,
  State extends string = string,
  Lazy extends string = string,
> {
  /** The class in torch.optim. */
  readonly name: string;
  /** In the order of torch's `defaults`, which is the order in state dicts. */
  readonly options: { readonly [K in keyof Options]-?: Option<Options[K]> };
  /** What torch adds to a loaded group that lacks it, in that order (its `__setstate__`). */
  readonly addedOnLoad: Readonly<Partial<Options>>;
  /** Throws torch's errors for illegal constructor options, in torch's order. */
  validate(options: Options): void;
  /** Whether the state holds `step`, a float32 scalar that counts the steps. */
  readonly countsSteps: boolean;
  /** State tensors that start as zeros, in torch's order. */
  readonly zeros: readonly State[];
  /** State tensors that the update creates. */
  readonly lazy: readonly Lazy[];
  /** Throws where torch's step refuses a group's options; called only if a parameter of the group has a gradient. */
  check?(options: Options): void;
  /** Whether parameters may be complex: the update was written for them, with `viewAsReal` where they are squared. */
  readonly takesComplex: boolean;
  readonly scalars: readonly Scalars[];
  readonly flags: readonly Flags[];
  /** Whether {@link prepare} looks at the step, so that it is asked once for each count of a group. */
  readonly preparesEachStep: boolean;
  /**
   * What the update needs of the options. Doubles are computed here, as torch computes them in Python.
   *
   * @param step - the parameter's count of steps, this one included, for a definition that looks at it
   */
  prepare(options: Options, step?: number): Prepared<Scalars, Flags>;
  /** One step of one parameter, pure, in torch's evaluation order. */
  update<T, S>(
    o: Operations<T, S>,
    tensors: Inputs<T, State, Lazy>,
    scalars: Record<Scalars, S>,
    is: Record<Flags, boolean>,
  ): Outputs<T, State, Lazy>;
}
