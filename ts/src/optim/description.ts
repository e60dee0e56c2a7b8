import type { Operations } from '../engine/operations.ts';
import type { PythonNumber } from '../python/number.ts';
import type { Inputs, Outputs, Prepared } from './definition.ts';

/**
 * The options of an optimizer, by their defaults. A number is a Python float (`pyInt(0)`: one whose default is an int in
 * torch's signature), an array a tuple of floats, true or false a bool, and null a bool that may be None.
 */
export type Defaults = Readonly<Record<string, number | PythonNumber | boolean | null | readonly number[]>>;

type Floats<T extends readonly number[]> = { readonly [I in keyof T]: number };

/** The options that these defaults are for. */
export type OptionsOf<D extends Defaults> = {
  -readonly [K in keyof D]: D[K] extends readonly number[]
    ? Floats<D[K]>
    : D[K] extends number | PythonNumber
      ? number
      : D[K] extends boolean
        ? boolean
        : boolean | null;
};

/**
 * The state of a parameter by torch's names, in torch's order: `count` for `step`, the count of steps; `zeros` for a
 * tensor like the parameter that starts as zeros; `lazy` for one that the first update makes.
 */
export type StateTable = Readonly<Record<string, 'count' | 'zeros' | 'lazy'>>;

/** The names in a table that have an entry of this kind. */
export type NamesOf<Table, Kind> = keyof {
  [K in keyof Table as Table[K] extends Kind ? K : never]: never;
} &
  string;

/** What describes an optimizer. */
export interface Description<
  D extends Defaults,
  Table extends StateTable,
  Scalars extends string,
  Flags extends string,
> {
  /** The class in Python: an identifier. */
  name: string;
  /** By our names, in the order of Python's `defaults`; `weightDecay` is `weight_decay` in a state dict. */
  options: D;
  state: Table;
  /** Throws Python's errors for illegal options of the constructor. */
  validate?(options: OptionsOf<D>): void;
  /** Throws where Python's step refuses a group's options. */
  check?(options: OptionsOf<D>): void;
  /** What Python's `__setstate__` adds to a loaded group that lacks it; `pyInt(0)` for an int. */
  addedOnLoad?: {
    readonly [K in keyof D]?: OptionsOf<D>[K] | (number extends OptionsOf<D>[K] ? PythonNumber : never);
  };
  /**
   * Computes the scalars and flags of the update, in doubles as Python does. Where it is left out, or either of them is,
   * the scalars are the options that are numbers, and the flags those that are true or false.
   *
   * @param step - the count of steps, this one included; named here, it needs `step: 'count'` in the state
   */
  prepare?(options: OptionsOf<D>, step: number): Partial<Prepared<Scalars, Flags>>;
  /**
   * One step of one parameter: the new parameter and state, of the old ones and the gradient. It may use nothing but the
   * operations `o`, each of which is a call of ATen and rounds as that does. It runs on tensors, and once on symbols of
   * which the fused engine makes C++: so it is pure, and decides by flags and by what lazy state is there alone.
   */
  update<T, S>(
    o: Operations<T, S>,
    tensors: Inputs<T, NamesOf<Table, 'zeros'>, NamesOf<Table, 'lazy'>>,
    scalars: Record<Scalars, S>,
    is: Record<Flags, boolean>,
  ): Outputs<T, NamesOf<Table, 'zeros'>, NamesOf<Table, 'lazy'>>;
}
