import { RuntimeError } from '../errors.ts';
import type { Operations } from './operations.ts';
import type { ParameterDType } from './arithmetic.ts';

type Shape = readonly number[];

const largestFloat32 = 3.4028234663852886e38;

/**
 * Runs an update on shapes alone, so that what torch would refuse in the middle of a step is refused, in torch's
 * words, before anything has changed: shapes that do not broadcast, and scalars that float32 cannot hold.
 */
export function shapeOperations(dtype: ParameterDType): Operations<Shape, number> {
  const scalar = (value: number): void => {
    // c10's checked_convert: infinities and NaN pass, a finite number must not become one.
    if (dtype === 'float32' && Number.isFinite(value) && Math.abs(value) > largestFloat32) {
      throw new RuntimeError('SCALAR_OVERFLOW', 'value cannot be converted to type float without overflow');
    }
  };
  return {
    neg: (x) => x,
    sqrt: (x) => x,
    clone: (x) => x,
    // torch wraps these two scalars in a tensor, and lets them overflow to infinity.
    mulScalar: (x) => x,
    addScalar: (x) => x,
    mul: into,
    div: into,
    add(x, y, alpha) {
      const result = into(x, y);
      scalar(alpha);
      return result;
    },
    addcmul(x, y, z, value) {
      const result = into(x, broadcast(y, z));
      scalar(value);
      return result;
    },
  };
}

/** The shape of an operation in place: torch refuses one that would not fit into its first operand. */
function into(x: Shape, y: Shape): Shape {
  const result = broadcast(x, y);
  if (result.length !== x.length || result.some((size, i) => size !== x[i])) {
    throw new RuntimeError(
      'SHAPE_MISMATCH',
      `output with shape [${x.join(', ')}] doesn't match the broadcast shape [${result.join(', ')}]`,
    );
  }
  return x;
}

function broadcast(x: Shape, y: Shape): Shape {
  const rank = Math.max(x.length, y.length);
  const result: number[] = [];
  for (let i = rank - 1; i >= 0; i--) {
    const a = x[i - rank + x.length] ?? 1;
    const b = y[i - rank + y.length] ?? 1;
    if (a !== b && a !== 1 && b !== 1) {
      throw new RuntimeError(
        'SHAPE_MISMATCH',
        `The size of tensor a (${a}) must match the size of tensor b (${b}) at non-singleton dimension ${i}`,
      );
    }
    result.unshift(a === 1 ? b : a);
  }
  return result;
}
