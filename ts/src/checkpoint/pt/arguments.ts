import { isSize, type Tuple } from '../../python/collections.ts';
import { pythonTypeOf } from '../../python/number.ts';
import { FormatError } from '../errors.ts';
import type { Place } from '../pickle/environment.ts';

/** The arguments of a call, or the parts of a persistent id, taken one by one. */
export class Arguments {
  readonly #of: string;
  readonly #args: Tuple;
  readonly #place: Place;

  /**
   * @param of - what the arguments are of, for errors
   * @param counts - how many it may have
   */
  constructor(of: string, args: Tuple, place: Place, ...counts: number[]) {
    this.#of = of;
    this.#args = args;
    this.#place = place;
    if (!counts.includes(args.length)) throw this.bad(`${counts.join(' or ')} arguments`, args.length);
  }

  at(index: number): unknown {
    return this.#args[index];
  }

  string(index: number): string {
    const value = this.#args[index];
    if (typeof value !== 'string') throw this.bad('a string', value, index);
    return value;
  }

  bool(index: number): boolean {
    const value = this.#args[index];
    if (typeof value !== 'boolean') throw this.bad('True or False', value, index);
    return value;
  }

  /** An int that is a size or a place, and so neither negative nor beyond 2^53-1. */
  size(index: number): number {
    const value = this.#args[index];
    if (!isSize(value) || pythonTypeOf(this.#args, index) !== 'int') throw this.bad('a size', value, index);
    return value;
  }

  /** An object of a class. */
  of<T extends object>(index: number, Class: abstract new (...args: never[]) => T, what: string): T {
    const value = this.#args[index];
    if (!(value instanceof Class)) throw this.bad(what, value, index);
    return value;
  }

  bad(expected: string, found: unknown, index?: number): FormatError {
    const which = index === undefined ? '' : `, as number ${index + 1},`;
    const details = { ...this.#place(), expected, found };
    return new FormatError('BAD_ARGUMENTS', `${this.#of} takes${which} ${expected}`, details);
  }
}
