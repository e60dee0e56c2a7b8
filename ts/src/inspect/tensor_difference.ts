import type { LazyTensor, ReadOptions } from '../checkpoint/index.ts';
import { itemSizes } from '../dtype.ts';
import { numberFormat, type NumberFormat } from './elements.ts';
import { pairs } from './paired_chunks.ts';

/** How two tensors of one dtype and shape differ. A complex element counts once, and is two numbers. */
export interface TensorDifference {
  /** Elements whose bits differ. */
  differing: number;
  elements: number;
  /** Of floats: the largest distance, in numbers of the dtype from one to the other; infinities are beyond the largest. */
  worstUlps: number;
  /** The largest absolute difference of two numbers; infinite beside an infinity. Above 2^53 it is rounded. */
  maxAbsolute: number;
  /** Numbers that are NaN on one side alone. They count for no distance. */
  nan: number;
  /** Numbers that are NaN on both sides, in other bits. */
  nanBits: number;
  /** Numbers that are 0 on one side and -0 on the other. */
  zeroSigns: number;
  /**
   * The element with the largest distance, the first of several; one that is NaN on one side is worse than all others.
   * An integer that no double holds is a bigint.
   */
  worst: { index: number[]; left: number | bigint; right: number | bigint };
}

/** Bytes that are compared at once. */
const small = 2 ** 20;

/** Compares two tensors of one dtype and shape, in pieces; undefined where every bit is the same. */
export async function compareTensors(
  left: LazyTensor,
  right: LazyTensor,
  options?: ReadOptions,
): Promise<TensorDifference | undefined> {
  const itemSize = itemSizes[left.dtype];
  const comparison = new Comparison(numberFormat(left.dtype), itemSize);
  if (left.byteLength <= small) {
    comparison.add(...(await Promise.all([left.bytes(options), right.bytes(options)])));
  } else {
    const pieces = pairs(left.chunks(options), right.chunks(options), itemSize);
    for await (const [a, b] of pieces) comparison.add(a, b);
  }
  if (comparison.differing === 0) return undefined;
  const { differing, worstUlps, maxAbsolute, nan, nanBits, zeroSigns, worst } = comparison;
  return {
    differing,
    elements: left.size,
    worstUlps,
    maxAbsolute,
    nan,
    nanBits,
    zeroSigns,
    worst: { index: indexOf(worst.at, left.shape), left: worst.left, right: worst.right },
  };
}

/** What has been found in the pieces so far. */
class Comparison {
  readonly #format: NumberFormat;
  readonly #itemSize: number;
  #elements = 0;
  differing = 0;
  worstUlps = 0;
  maxAbsolute = 0;
  nan = 0;
  nanBits = 0;
  zeroSigns = 0;
  worst: { at: number; distance: number; left: number | bigint; right: number | bigint } = {
    at: 0,
    distance: -1,
    left: 0,
    right: 0,
  };

  constructor(format: NumberFormat, itemSize: number) {
    this.#format = format;
    this.#itemSize = itemSize;
  }

  /** Compares a piece of whole elements. */
  add(a: Uint8Array, b: Uint8Array): void {
    if (Buffer.compare(a, b) !== 0) {
      const [left, right] = [viewOf(a), viewOf(b)];
      for (let at = 0; at < a.byteLength; at += this.#itemSize) {
        const end = at + this.#itemSize;
        let i = at;
        while (i < end && a[i] === b[i]) i++;
        if (i === end) continue;
        this.differing++;
        const element = this.#elements + at / this.#itemSize;
        for (let part = at; part < end; part += this.#format.size) this.#compare(left, right, part, element);
      }
    }
    this.#elements += a.byteLength / this.#itemSize;
  }

  #compare(left: DataView, right: DataView, at: number, element: number): void {
    const { isFloat, valueAt, distanceAt } = this.#format;
    const [a, b] = [valueAt(left, at), valueAt(right, at)];
    let distance = distanceAt(left, right, at);
    if (Number.isNaN(a) || Number.isNaN(b)) {
      const onOneSide = Number.isNaN(a) !== Number.isNaN(b);
      if (onOneSide) this.nan++;
      else if (distance > 0) this.nanBits++;
      distance = onOneSide ? Infinity : 0;
    } else if (distance > 0) {
      if (isFloat) this.worstUlps = Math.max(this.worstUlps, distance);
      // A double would round 64-bit integers before it takes the difference.
      this.maxAbsolute = Math.max(this.maxAbsolute, isFloat ? Math.abs(Number(a) - Number(b)) : distance);
    } else if (isFloat && !Object.is(a, b)) this.zeroSigns++;
    if (distance > this.worst.distance) this.worst = { at: element, distance, left: a, right: b };
  }
}

/** The index of an element in each dimension, from its place in row-major order. */
function indexOf(at: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  let rest = at;
  for (const size of shape.toReversed()) {
    index.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return index;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
