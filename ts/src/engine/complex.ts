import type { Arithmetic } from './arithmetic.ts';
import type { Operations } from './operations.ts';
import { complexOf, partOf, viewAs, type NativeTensor } from './tensorflow.ts';

type TensorOperations = Operations<NativeTensor, number>;

/**
 * The reference engine's operations for complex64 parameters: ATen's complex arithmetic for complex tensors, and real
 * arithmetic for what `viewAsReal` makes of them.
 *
 * @param real - the operations on float32
 */
export function complexOperations(
  real: TensorOperations,
  { add, sub, mul, scalar }: Arithmetic<NativeTensor>,
): TensorOperations {
  const isComplex = (x: NativeTensor): boolean => x.dtype === 'complex64';
  const viewAsReal = (x: NativeTensor): NativeTensor => viewAs('float32', x);
  const viewAsComplex = (x: NativeTensor): NativeTensor => viewAs('complex64', x);
  /** A scalar is a complex number without an imaginary part; infinities and signed zeros show it. */
  const scale = (x: NativeTensor, s: number): NativeTensor => {
    const [re, im, factor, zero] = [partOf('Real', x), partOf('Imag', x), scalar(s), scalar(0)];
    return complexOf(sub(mul(re, factor), mul(im, zero)), add(mul(re, zero), mul(im, factor)));
  };
  return {
    ...real,
    neg: (x) => (isComplex(x) ? viewAsComplex(real.neg(viewAsReal(x))) : real.neg(x)),
    mulScalar: (x, s) => (isComplex(x) ? scale(x, s) : real.mulScalar(x, s)),
    add: (x, y, alpha) =>
      isComplex(x) ? viewAsComplex(add(viewAsReal(x), viewAsReal(scale(y, alpha)))) : real.add(x, y, alpha),
    viewAsReal,
    viewAsComplex,
  };
}
