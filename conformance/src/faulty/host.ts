import * as tf from '@tensorflow/tfjs-core';
import { NativeTensor, TensorData, type Definition, type DeviceTensor, type Operations } from 'torch-parity';
import { filled } from '../arbitrary/tensors.ts';
import { numbersOf } from '../elements.ts';
import type { ParameterDType } from '../program.ts';
import type { Round } from './rounding.ts';

type NativeData = Parameters<typeof NativeTensor.from>[0];

/** A tensor of an update that runs in JavaScript: its elements, and how it was made where another order needs that. */
export interface HostTensor {
  values: Float64Array;
  /** `of * by`, or the root of `of`. */
  scaled?: { of: HostTensor; by: number };
  product?: { of: HostTensor; by: HostTensor };
  root?: { of: HostTensor };
}

/**
 * torch's operations in JavaScript, over doubles that are rounded after each: for float32 that is IEEE arithmetic, since a
 * sum, product, quotient or root of two float32 numbers is not changed by rounding it to a double first.
 */
export function hostOperations(round: Round): Operations<HostTensor, number> {
  const mul = (x: HostTensor, y: HostTensor): HostTensor => ({
    ...zip(x, y, (a, b) => round(a * b)),
    product: { of: x, by: y },
  });
  return {
    mul,
    neg: (x) => map(x, (a) => -a),
    abs: (x) => map(x, Math.abs),
    sign: (x) => map(x, (a) => Number(a > 0) - Number(a < 0)),
    clone: (x) => map(x, (a) => a),
    viewAsReal: (x) => x,
    viewAsComplex: (x) => x,
    mulScalar: (x, s) => ({ ...map(x, (a) => round(a * round(s))), scaled: { of: x, by: s } }),
    addScalar: (x, s) => map(x, (a) => round(a + round(s))),
    add: (x, y, alpha) => zip(x, y, (a, b) => round(a + round(b * round(alpha)))),
    divScalar: (x, s) => map(x, (a) => round(a / round(s))),
    div: (x, y) => zip(x, y, (a, b) => round(a / b)),
    sqrt: (x) => ({ ...map(x, (a) => round(Math.sqrt(a))), root: { of: x } }),
    maximum: (x, y) => zip(x, y, (a, b) => (Number.isNaN(a) || a >= b ? a : b)),
    minimum: (x, y) => zip(x, y, (a, b) => (Number.isNaN(a) || a <= b ? a : b)),
    addcdiv: (x, y, z, value) => {
      const quotients = zip(y, z, (b, c) => round(round(b * round(value)) / c));
      return zip(x, quotients, (a, quotient) => round(a + quotient));
    },
    lerp: (x, end, weight) => {
      const w = round(weight);
      const near = (a: number, way: number): number => round(a + round(w * way));
      const far = (b: number, way: number): number => round(b - round(way * round(1 - w)));
      return zip(x, end, (a, b) => (Math.abs(w) < 0.5 ? near(a, round(b - a)) : far(b, round(b - a))));
    },
    addcmul: (x, y, z, value) => {
      const products = zip(y, z, (b, c) => round(round(b * round(value)) * c));
      return zip(x, products, (a, product) => round(a + product));
    },
  };
}

/** Elementwise over one tensor. */
export function map({ values }: HostTensor, f: (x: number) => number): HostTensor {
  return { values: values.map(f) };
}

/** Elementwise over two tensors of as many elements. */
export function zip({ values }: HostTensor, y: HostTensor, f: (x: number, y: number) => number): HostTensor {
  return { values: values.map((x, i) => f(x, y.values[i]!)) };
}

/**
 * A definition whose update runs in JavaScript: tensors are read before it and written after it.
 *
 * @param operations - for a dtype that rounds like this
 */
export function onHost(
  definition: Definition<object>,
  operations: (round: Round) => Operations<HostTensor, number>,
): Definition<object> {
  return {
    ...definition,
    update<X, N>(
      o: Operations<X, N>,
      tensors: Record<string, X | undefined>,
      scalars: Record<string, N>,
      flags: Record<string, boolean>,
    ): never {
      const { param } = tensors;
      // Before a step, the library runs an update on shapes, to see whether they fit.
      if (!isDeviceTensor(param)) return definition.update(o, tensors as never, scalars, flags) as never;
      const read = Object.entries(tensors).map(([name, tensor]) => [
        name,
        isDeviceTensor(tensor) ? { values: elementsOf(tensor) } : undefined,
      ]);
      const round: Round = param.dtype === 'float32' ? Math.fround : (x) => x;
      const results: Record<string, HostTensor> = definition.update(
        operations(round),
        Object.fromEntries(read) as never,
        scalars as Record<string, number>,
        flags,
      );
      const written = Object.entries(results).map(([name, { values }]) => [name, tensorLike(param, values)]);
      return Object.fromEntries(written) as never;
    },
  };
}

/**
 * A tensor of an update with each number changed; what is no tensor on a device, but a shape, stays as it is.
 *
 * @param f - is given the number and its index; a complex element is two
 */
export function mapElements<X>(tensor: X, f: (x: number, index: number) => number): X {
  if (!isDeviceTensor(tensor)) return tensor;
  return tensorLike(tensor, elementsOf(tensor).map(f)) as X;
}

export function isDeviceTensor(tensor: unknown): tensor is DeviceTensor {
  return tensor instanceof tf.Tensor || tensor instanceof NativeTensor;
}

/** A tensor of a device, copied to the host. */
export function readTensor(tensor: DeviceTensor): TensorData {
  if (tensor instanceof NativeTensor) return tensor.toTensorData();
  return TensorData.from('float32', tensor.dataSync() as Float32Array, tensor.shape);
}

function elementsOf(tensor: DeviceTensor): Float64Array {
  return Float64Array.from(numbersOf(readTensor(tensor)), Number);
}

/** A tensor on the device of another, of its dtype and shape; each number is rounded to the dtype. */
export function tensorLike(like: DeviceTensor, values: Float64Array): DeviceTensor {
  if (like instanceof NativeTensor) {
    return NativeTensor.from(filled(like.dtype as ParameterDType, like.shape, [...values]) as NativeData);
  }
  return tf.tensor(Float32Array.from(values), like.shape, 'float32');
}
