import type { Definition } from '../../optim/definition.ts';
import type { Operations } from '../operations.ts';

/** One operation of a recorded update, on values and scalars by their names. */
export interface Line {
  operation: keyof Operations<unknown, unknown>;
  tensors: string[];
  scalars: string[];
  result: string;
}

/** Everything that an update does to one element, in order. */
export interface Recording {
  lines: Line[];
  /** The new parameter and state: the name of a value for each. */
  outputs: Record<string, string>;
}

/**
 * Runs an update once, on symbols.
 *
 * @param tensors - the names of the tensors that it is given
 * @param scalars - its scalars: symbols, by their names
 */
export function record(
  definition: Definition<object>,
  tensors: readonly string[],
  scalars: Readonly<Record<string, string>>,
  flags: Readonly<Record<string, boolean>>,
): Recording {
  const lines: Line[] = [];
  const push = (operation: Line['operation'], operands: string[], ...scalarOperands: string[]): string => {
    const result = `t${lines.length + 1}`;
    lines.push({ operation, tensors: operands, scalars: scalarOperands, result });
    return result;
  };
  const operations: Operations<string, string> = {
    neg: (x) => push('neg', [x]),
    abs: (x) => push('abs', [x]),
    sign: (x) => push('sign', [x]),
    mul: (x, y) => push('mul', [x, y]),
    mulScalar: (x, s) => push('mulScalar', [x], s),
    add: (x, y, alpha) => push('add', [x, y], alpha),
    addScalar: (x, s) => push('addScalar', [x], s),
    div: (x, y) => push('div', [x, y]),
    divScalar: (x, s) => push('divScalar', [x], s),
    sqrt: (x) => push('sqrt', [x]),
    maximum: (x, y) => push('maximum', [x, y]),
    minimum: (x, y) => push('minimum', [x, y]),
    addcmul: (x, y, z, value) => push('addcmul', [x, y, z], value),
    addcdiv: (x, y, z, value) => push('addcdiv', [x, y, z], value),
    lerp: (x, end, weight) => push('lerp', [x, end], weight),
    clone: (x) => push('clone', [x]),
    viewAsReal: (x) => push('viewAsReal', [x]),
    viewAsComplex: (x) => push('viewAsComplex', [x]),
  };
  const outputs: unknown = definition.update(operations, named(tensors) as never, scalars, flags);
  if (typeof outputs !== 'object' || outputs === null) {
    throw new TypeError(`it gives ${String(outputs)}, and not { param, ... }`);
  }
  return { lines, outputs: outputs as Record<string, string> };
}

/** What stands for each of these in a record: its name. */
export function named(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, name]));
}
