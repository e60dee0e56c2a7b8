import type { Tuple } from '../../python/collections.ts';
import type { Details } from '../errors.ts';

/** Where in a file something stands. */
export type Place = () => Details;

/** A name that a pickle may hold, and what calling it makes. It stands on the stack only, never in the tree of values. */
export class Global {
  readonly name: string;
  /** Undefined for what cannot be called. */
  readonly call: ((args: Tuple, context: CallContext) => unknown) | undefined;
  constructor(name: string, call?: Global['call']) {
    this.name = name;
    this.call = call;
  }
}

export interface CallContext {
  place: Place;
  /** Puts a value under a key, as Python would. */
  setItem(map: Map<unknown, unknown>, key: unknown, value: unknown): void;
  addMember(set: Set<unknown>, member: unknown): void;
}

/** What a pickle refers to. */
export interface Environment {
  /** The value of a name: a {@link Global}, or a value of the tree; throws for what is not in a fixed list. */
  global(module: string, name: string, place: Place): unknown;
  /** What a persistent id stands for. */
  persistent(id: unknown, place: Place): unknown;
}
