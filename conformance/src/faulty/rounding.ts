/** Rounds a double to what a dtype holds. */
export type Round = (x: number) => number;

const float = new Float32Array(1);
const floatBits = new Uint32Array(float.buffer);

/** A float32 without its lowest bits, which are rounded to nearest even or cut off. */
export function withoutLowBits(x: number, count: number, mode: 'nearest' | 'cut'): number {
  float[0] = x;
  if (!Number.isFinite(float[0])) return x;
  const odd = (floatBits[0]! >>> count) & 1;
  if (mode === 'nearest') floatBits[0]! += 2 ** (count - 1) - 1 + odd;
  floatBits[0]! &= -(2 ** count);
  return float[0];
}

/** A reciprocal, or a reciprocal root, as processors estimate it: 12 significant bits. */
export const to12Bits: Round = (x) => withoutLowBits(x, 12, 'nearest');

export const toBfloat16: Round = (x) => withoutLowBits(x, 16, 'cut');

/** To nearest even of 11 significant bits, with float16's range. */
export function toFloat16(x: number): number {
  if (Math.abs(x) < 2 ** -14) return roundToEven(x * 2 ** 24) * 2 ** -24;
  const half = withoutLowBits(x, 13, 'nearest');
  return Math.abs(half) > 65504 ? Math.sign(x) * Infinity : half;
}

/** A rounding that flushes the subnormals of float32 to zero. */
export function flushing(round: Round): Round {
  return (x) => {
    const rounded = round(x);
    return Math.abs(rounded) < 2 ** -126 ? Math.sign(rounded) * 0 : rounded;
  };
}

const double = new Float64Array(1);
const doubleWords = new BigInt64Array(double.buffer);

/**
 * The float32 nearest to a * b + c, rounded once, for float32 numbers.
 *
 * The product of two is exact in a double. The sum is not, and rounding it to a double first could move it onto a tie of
 * float32; so it is rounded to odd: where a bit is lost, the last one that stays is 1 (Boldo and Melquiond, "Emulation of
 * FMA and correctly rounded sums: proved algorithms using rounding to odd", 2008).
 */
export function fma(a: number, b: number, c: number): number {
  const product = a * b;
  const sum = product + c;
  // What was lost, exactly (Knuth's TwoSum).
  const part = sum - product;
  const lost = product - (sum - part) + (c - part);
  if (lost !== 0 && Number.isFinite(sum) && Number.isFinite(lost)) {
    double[0] = sum;
    if ((doubleWords[0]! & 1n) === 0n) doubleWords[0]! += lost > 0 === sum > 0 ? 1n : -1n;
    return Math.fround(double[0]);
  }
  return Math.fround(sum);
}

function roundToEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down;
}
