import type { DType } from '../dtype.ts';
import { RuntimeError, TorchTypeError } from '../errors.ts';
import { atenNames, cppNames } from '../torch_names.ts';
import type { Operations } from './operations.ts';
import type { ParameterDType } from './arithmetic.ts';

type Shape = readonly number[];

/** A tensor without its elements. */
export interface Meta {
  shape: Shape;
  dtype: DType;
}

/** The largest finite scalar that a dtype holds. */
const largest: Partial<Record<DType, number>> = {
  float16: 65504,
  bfloat16: 3.3895313892515355e38,
  float32: 3.4028234663852886e38,
  complex64: 3.4028234663852886e38,
};

/**
 * Runs an update on shapes and dtypes alone, so that what torch would refuse in the middle of a step is refused, in torch's
 * words, before anything has changed: shapes that do not broadcast, scalars that a dtype cannot hold, and complex tensors
 * where only real ones are computed with.
 */
export function metaOperations(parameter: ParameterDType): Operations<Meta, number> {
  return {
    neg: (x) => x,
    abs: (x) => real('abs', x),
    sign: (x) => real('sign', x),
    sqrt: (x) => real('sqrt', x),
    clone: (x) => x,
    // torch wraps these scalars in a tensor, and lets them overflow to infinity.
    mulScalar: (x) => x,
    addScalar: (x) => real('addScalar', x),
    divScalar: (x) => real('divScalar', x),
    mul: (x, y) => real('mul', into(x, y)),
    div: (x, y) => real('div', into(x, y)),
    maximum: (x, y) => real('maximum', into(x, y)),
    minimum: (x, y) => real('minimum', into(x, y)),
    add(x, y, alpha) {
      const result = into(x, y);
      checkScalar(alpha, x.dtype);
      return result;
    },
    addcmul: (x, y, z, value) => computed('addcmul', into(x, broadcastAlike(y, z)), value),
    addcdiv: (x, y, z, value) => computed('addcdiv', into(x, broadcastAlike(y, z)), value),
    lerp: (x, end, weight) => computed('lerp', into(x, end), weight),
    viewAsReal(x) {
      if (parameter !== 'complex64') return x;
      if (x.dtype === 'complex64') return { shape: [...x.shape, 2], dtype: 'float32' };
      if (x.dtype === 'complex128') throw otherDType(x.dtype, parameter);
      throw new TorchTypeError('NOT_COMPLEX', 'view_as_real is only supported for complex tensors');
    },
    viewAsComplex(x) {
      if (parameter !== 'complex64') return x;
      if (x.dtype === 'float32' && x.shape.at(-1) === 2)
        return { shape: x.shape.slice(0, -1), dtype: parameter };
      throw new RuntimeError(
        'NOT_PAIRS',
        `viewAsComplex takes what was viewAsReal, but got ${x.dtype} of shape [${x.shape.join(', ')}]`,
      );
    },
  };
}

/** Refuses complex operands, which torch has for this operation, and no optimizer of torch's uses. */
function real(operation: string, x: Meta): Meta {
  if (!x.dtype.startsWith('complex')) return x;
  throw new RuntimeError(
    'COMPLEX',
    `${operation} is not built for complex tensors: compute with viewAsReal(x), and take viewAsComplex of the result`,
  );
}

/** An operation whose scalar is one of those that are computed with. */
function computed(operation: string, x: Meta, scalar: number): Meta {
  checkScalar(scalar, x.dtype === 'float64' ? 'float64' : 'float32');
  return real(operation, x);
}

/** c10's checked_convert: infinities and NaN pass, a finite number must not become one. */
function checkScalar(value: number, dtype: DType): void {
  if (Number.isFinite(value) && Math.abs(value) > (largest[dtype] ?? Infinity)) {
    throw new RuntimeError(
      'SCALAR_OVERFLOW',
      `value cannot be converted to type ${cppNames[dtype]} without overflow`,
    );
  }
}

/** An operation in place: torch refuses one that would not fit into its first operand. */
function into(x: Meta, y: Meta): Meta {
  const { shape } = broadcast(x, y);
  if (shape.length !== x.shape.length || shape.some((size, i) => size !== x.shape[i])) {
    throw new RuntimeError(
      'SHAPE_MISMATCH',
      `output with shape [${x.shape.join(', ')}] doesn't match the broadcast shape [${shape.join(', ')}]`,
    );
  }
  if (x.dtype === y.dtype) return x;
  if (y.dtype === 'complex64' && /^b?float(16|32|64)$/.test(x.dtype)) {
    const result = x.dtype === 'float64' ? 'ComplexDouble' : 'ComplexFloat';
    throw new RuntimeError(
      'COMPLEX_INTO_REAL',
      `result type ${result} can't be cast to the desired output type ${atenNames[x.dtype]}`,
    );
  }
  throw otherDType(x.dtype, y.dtype);
}

/** Two operands that no result is written to. */
function broadcastAlike(y: Meta, z: Meta): Meta {
  if (y.dtype !== z.dtype) throw otherDType(y.dtype, z.dtype);
  return broadcast(y, z);
}

function otherDType(x: DType, y: DType): RuntimeError {
  return new RuntimeError(
    'STATE_DTYPE',
    `an update computes in its parameter's dtype, but met ${x} and ${y}: load state of that dtype`,
  );
}

function broadcast(x: Meta, y: Meta): Meta {
  const rank = Math.max(x.shape.length, y.shape.length);
  const shape: number[] = [];
  for (let i = rank - 1; i >= 0; i--) {
    const a = x.shape[i - rank + x.shape.length] ?? 1;
    const b = y.shape[i - rank + y.shape.length] ?? 1;
    if (a !== b && a !== 1 && b !== 1) {
      throw new RuntimeError(
        'SHAPE_MISMATCH',
        `The size of tensor a (${a}) must match the size of tensor b (${b}) at non-singleton dimension ${i}`,
      );
    }
    shape.unshift(a === 1 ? b : a);
  }
  return { shape, dtype: x.dtype };
}
