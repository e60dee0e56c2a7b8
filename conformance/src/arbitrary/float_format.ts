import type { ParameterDType } from '../program.ts';
import { halfFormats } from './half_format.ts';

/** An IEEE format, and how to move about in its numbers. */
export interface FloatFormat {
  readonly max: number;
  readonly minNormal: number;
  readonly minSubnormal: number;
  /** The distance from 1 to the next number above it. */
  readonly epsilon: number;
  /** The bits of the fraction. */
  readonly fractionBits: number;
  /** The number with these bits; NaN and the infinities become finite. */
  finite(high: number, low: number): number;
  /** The number so many places further from zero (or nearer, if negative); never past zero or infinity. */
  nudge(value: number, places: number): number;
}

const view = new DataView(new ArrayBuffer(8));

const float32: FloatFormat = {
  max: 2 ** 128 - 2 ** 104,
  minNormal: 2 ** -126,
  minSubnormal: 2 ** -149,
  epsilon: 2 ** -23,
  fractionBits: 23,
  finite(high) {
    // An exponent of all ones loses its last bit.
    view.setUint32(0, (high & 0x7f800000) === 0x7f800000 ? high & ~0x00800000 : high);
    return view.getFloat32(0);
  },
  nudge(value, places) {
    view.setFloat32(0, value);
    const bits = view.getUint32(0);
    const magnitude = bits & 0x7fffffff;
    const moved = Math.min(0x7f800000, Math.max(0, magnitude + places));
    view.setUint32(0, (bits & 0x80000000) | moved);
    return Number.isNaN(value) ? value : view.getFloat32(0);
  },
};

const float64: FloatFormat = {
  max: Number.MAX_VALUE,
  minNormal: 2 ** -1022,
  minSubnormal: Number.MIN_VALUE,
  epsilon: Number.EPSILON,
  fractionBits: 52,
  finite(high, low) {
    view.setUint32(0, (high & 0x7ff00000) === 0x7ff00000 ? high & ~0x00100000 : high);
    view.setUint32(4, low);
    return view.getFloat64(0);
  },
  nudge(value, places) {
    view.setFloat64(0, value);
    const infinity = 0x7ff0000000000000n;
    const bits = view.getBigUint64(0);
    const magnitude = (bits & 0x7fffffffffffffffn) + BigInt(places);
    const moved = magnitude < 0n ? 0n : magnitude > infinity ? infinity : magnitude;
    view.setBigUint64(0, (bits & 0x8000000000000000n) | moved);
    return Number.isNaN(value) ? value : view.getFloat64(0);
  },
};

/** By dtype; of complex64, that of its parts. */
export const floatFormats: Record<ParameterDType, FloatFormat> = {
  ...halfFormats,
  ...{ float32, float64, complex64: float32 },
};
