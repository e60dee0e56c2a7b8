import type { Operations } from 'torch-parity';
import { floatFormats } from '../arbitrary/float_format.ts';
import { numeric, type Fault } from './fault.ts';
import { hostOperations, isDeviceTensor, mapElements, onHost } from './host.ts';
import { both, withOperations, withUpdate, type Common, type Scalar, type Tensor } from './patch.ts';

type Half = 'float16' | 'bfloat16';
type Engine = Operations<Tensor, Scalar>;

// Scalars are numbers, where a fault runs.
const one = 1 as unknown as Scalar;
const zero = 0 as unknown as Scalar;

/** Faults that programs of float32 and float64 cannot show: how halves are rounded, and complex numbers multiplied. */
export const dtypeFaults: readonly Fault[] = [
  inHalves(
    'half-scalar-multiplies',
    "a scalar were rounded to the half before it multiplies (as in torch's foreach)",
    (o, dtype) => ({ mulScalar: (x, s) => o.mulScalar(x, rounded(s, dtype)) }),
  ),
  inHalves('addcmul-rounded-thrice', 'addcmul rounded each of its products (as in torch 2.1)', (o) => ({
    addcmul: (x, y, z, value) => o.add(x, o.mul(o.mulScalar(y, value), z), one),
  })),
  inHalves('alpha-not-rounded', 'add with alpha rounded once, at its end', (o) => ({
    add: (x, y, alpha) => o.addcmul(x, y, onesLike(o, y), alpha),
  })),
  inHalves('added-scalar-not-rounded', 'a scalar were not rounded to the half before it is added', (o) => ({
    addScalar: (x, s) => o.addcmul(x, onesLike(o, x), onesLike(o, x), s),
  })),
  fault('halves-in-float32', 'halves were computed with in float32 and rounded after the step', (own) => {
    const wide = onHost(own as never, () => hostOperations(Math.fround)) as unknown as Common;
    return withUpdate(own, (o, tensors, scalars, flags) =>
      (isHalf(tensors.param) ? wide : own).update(o, tensors, scalars, flags),
    );
  }),
  fault('half-subnormals-flushed', 'subnormal results of float16 were flushed to zero', (own) =>
    withUpdate(own, (o, tensors, scalars, flags) => {
      const results = own.update(o, tensors, scalars, flags);
      if (dtypeOf(tensors.param) !== 'float16') return results;
      const { minNormal } = floatFormats.float16;
      const flushed = Object.entries(results).map(([key, tensor]) => [
        key,
        mapElements(tensor, (x) => (Math.abs(x) < minNormal ? 0 * x : x)),
      ]);
      return Object.fromEntries(flushed) as typeof results;
    }),
  ),
  inComplex('complex-by-parts', 'a scalar multiplied the two parts of a complex number', (o) => ({
    mulScalar: (x, s) =>
      isComplex(x) ? o.viewAsComplex(o.mulScalar(o.viewAsReal(x), s)) : o.mulScalar(x, s),
    add: (x, y, alpha) =>
      isComplex(x) ? o.viewAsComplex(o.add(o.viewAsReal(x), o.viewAsReal(y), alpha)) : o.add(x, y, alpha),
  })),
  fault('imaginary-part-dropped', 'a gradient had no imaginary part', (own) =>
    withUpdate(own, (o, tensors, scalars, flags) => {
      if (!isComplex(tensors.param)) return own.update(o, tensors, scalars, flags);
      const grad = mapElements(tensors.grad, (x, index) => (index % 2 === 0 ? x : 0));
      return own.update(o, { ...tensors, grad }, scalars, flags);
    }),
  ),
];

function fault(name: string, claim: string, change: (definition: Common) => Common): Fault {
  return { ...numeric(name, claim, both(change)), bitsAlone: 'halves and complex64 have no error bound' };
}

/** A fault of the operations on a device; before a step, the library runs them on shapes, which stay right. */
function inHalves(name: string, claim: string, change: (o: Engine, dtype: Half) => Partial<Engine>): Fault {
  return fault(name, claim, (own) =>
    withOperations(own, (o, { param }) =>
      isDeviceTensor(param) && isHalf(param) ? change(o, dtypeOf(param) as Half) : {},
    ),
  );
}

function inComplex(name: string, claim: string, change: (o: Engine) => Partial<Engine>): Fault {
  return fault(name, claim, (own) =>
    withOperations(own, (o, { param }) => (isDeviceTensor(param) && isComplex(param) ? change(o) : {})),
  );
}

function dtypeOf(tensor: Tensor): string {
  return (tensor as unknown as { dtype: string }).dtype;
}

function isComplex(tensor: Tensor): boolean {
  return dtypeOf(tensor) === 'complex64';
}

function isHalf(tensor: Tensor): boolean {
  return dtypeOf(tensor) === 'float16' || dtypeOf(tensor) === 'bfloat16';
}

function rounded(scalar: Scalar, dtype: Half): Scalar {
  return floatFormats[dtype].nudge(scalar as unknown as number, 0) as unknown as Scalar;
}

/** Ones, whatever the elements are: a sign is finite, also that of NaN. */
function onesLike(o: Engine, x: Tensor): Tensor {
  return o.addScalar(o.mulScalar(o.sign(x), zero), one);
}
