import type { Definition } from '../optim/definition.ts';
import { arithmeticOf, type Arithmetic, type DeviceTensor } from './arithmetic.ts';
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
  return arithmetic.scope(
    () => definition.update(interpret(arithmetic), tensors, scalars, flags) as Record<string, DeviceTensor>,
  );
}

/** ATen's operations as sequences of single roundings, which is what they are on a CPU without FMA. */
function interpret<T extends DeviceTensor>(arithmetic: Arithmetic<T>): Operations<T, number> {
  const { neg, add, mul, div, sqrt, clone, scalar } = arithmetic;
  return {
    neg,
    mul,
    div,
    sqrt,
    clone,
    mulScalar: (x, s) => mul(x, scalar(s)),
    addScalar: (x, s) => add(x, scalar(s)),
    add: (x, y, alpha) => add(x, alpha === 1 ? y : mul(y, scalar(alpha))),
    addcmul: (x, y, z, value) => add(x, mul(mul(y, scalar(value)), z)),
  };
}
