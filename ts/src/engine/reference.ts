import type { Definition } from '../optim/definition.ts';
import { arithmeticOf, type Arithmetic, type DeviceTensor } from './arithmetic.ts';
import { complexOperations } from './complex.ts';
import type { Operations } from './operations.ts';

/** What an engine is asked for: one step of one parameter. Tensors carry the names that the update uses. */
export interface StepRequest {
  definition: Definition<object>;
  tensors: { param: DeviceTensor; grad: DeviceTensor } & Record<string, DeviceTensor | undefined>;
  scalars: Record<string, number>;
  flags: Record<string, boolean>;
}

/**
 * The reference engine: interprets the update operation by operation, on any backend of tfjs.
 *
 * @returns new tensors: the parameter, and the state that changed. The inputs are left alone.
 */
export function referenceStep({
  definition,
  tensors,
  scalars,
  flags,
}: StepRequest): Record<string, DeviceTensor> {
  const arithmetic = arithmeticOf(tensors.param);
  const real = interpret(arithmetic);
  const operations =
    tensors.param.dtype === 'complex64' ? complexOperations(real as never, arithmetic as never) : real;
  return arithmetic.scope(() => {
    const results = definition.update(operations as typeof real, tensors, scalars, flags);
    // Each result gets an owner, who disposes it: an update may give what it was given, or one tensor twice.
    const owned = new Set(Object.values(tensors));
    const own = (tensor: DeviceTensor): DeviceTensor => {
      const result = owned.has(tensor) ? arithmetic.clone(tensor) : tensor;
      owned.add(result);
      return result;
    };
    const entries = Object.entries(results as Record<string, DeviceTensor>);
    return Object.fromEntries(entries.map(([key, tensor]) => [key, own(tensor)]));
  });
}

/** ATen's operations as sequences of single roundings, which is what they are on a CPU without FMA. */
function interpret<T extends DeviceTensor>(arithmetic: Arithmetic<T>): Operations<T, number> {
  const { neg, add, sub, mul, div, sqrt, choose, clone, scalar, widen, round } = arithmetic;
  /** Computes in the wider dtype, where the tensors' own is a half, and rounds at the end. */
  const wide = (compute: (...operands: T[]) => T, ...operands: T[]): T =>
    round(compute(...operands.map(widen)));
  /** What passes through the dtype of the tensors. */
  const rounded = (x: T): T => widen(round(x));
  const other = (x: T, y: T): T => choose(x, x, y, x);
  return {
    neg: (x) => wide(neg, x),
    abs: (x) => wide((x) => choose(x, scalar(0), add(x, scalar(0)), neg(x)), x),
    sign: (x) =>
      wide((x) => {
        const zero = scalar(0);
        return choose(zero, x, choose(x, zero, zero, scalar(-1)), choose(x, zero, scalar(1), zero));
      }, x),
    mul: (x, y) => wide(mul, x, y),
    mulScalar: (x, s) => wide((x) => mul(x, scalar(s)), x),
    add: (x, y, alpha) =>
      wide((x, y) => add(x, alpha === 1 ? y : rounded(mul(y, rounded(scalar(alpha))))), x, y),
    addScalar: (x, s) => wide((x) => add(x, rounded(scalar(s))), x),
    div: (x, y) => wide(div, x, y),
    divScalar: (x, s) => wide((x) => div(x, scalar(s)), x),
    sqrt: (x) => wide(sqrt, x),
    maximum: (x, y) => wide((x, y) => choose(x, y, x, other(x, y)), x, y),
    minimum: (x, y) => wide((x, y) => choose(y, x, x, other(x, y)), x, y),
    addcmul: (x, y, z, value) => wide((x, y, z) => add(x, mul(mul(y, scalar(value)), z)), x, y, z),
    addcdiv: (x, y, z, value) => wide((x, y, z) => add(x, div(mul(y, scalar(value)), z)), x, y, z),
    lerp: (x, end, weight) =>
      wide(
        (x, end) => {
          const w = scalar(weight);
          const way = sub(end, x);
          // The weight is compared as it is computed with.
          const isNear = Math.abs(x.dtype === 'float64' ? weight : Math.fround(weight)) < 0.5;
          return isNear ? add(x, mul(way, w)) : sub(end, mul(way, sub(scalar(1), w)));
        },
        x,
        end,
      ),
    clone,
    viewAsReal: (x) => x,
    viewAsComplex: (x) => x,
  };
}
