import { itemSizes } from './dtype.ts';

type IeeeLike = 'float16' | 'bfloat16' | `float8_${'e4m3fn' | 'e4m3fnuz' | 'e5m2' | 'e5m2fnuz'}`;

/** Floating formats that JavaScript has no array for, as torch defines them. */
interface FloatFormat {
  exponentBits: number;
  mantissaBits: number;
  bias: number;
  /**
   * Which patterns are no numbers: the highest exponent (IEEE 754), all ones but the sign (`fn`), or the one that would be
   * -0 (`fnuz`).
   */
  special: 'ieee' | 'fn' | 'fnuz';
}

const floatFormats: Record<IeeeLike, FloatFormat> = {
  float16: { exponentBits: 5, mantissaBits: 10, bias: 15, special: 'ieee' },
  bfloat16: { exponentBits: 8, mantissaBits: 7, bias: 127, special: 'ieee' },
  float8_e4m3fn: { exponentBits: 4, mantissaBits: 3, bias: 7, special: 'fn' },
  float8_e4m3fnuz: { exponentBits: 4, mantissaBits: 3, bias: 8, special: 'fnuz' },
  float8_e5m2: { exponentBits: 5, mantissaBits: 2, bias: 15, special: 'ieee' },
  float8_e5m2fnuz: { exponentBits: 5, mantissaBits: 2, bias: 16, special: 'fnuz' },
};

/** The float dtypes that JavaScript has no array for. */
export type SmallFloat = IeeeLike | 'float8_e8m0fnu';

export function isSmallFloat(dtype: string): dtype is SmallFloat {
  return Object.hasOwn(floatFormats, dtype) || dtype === 'float8_e8m0fnu';
}

/** The number that a bit pattern stands for; every one is a float32 as well. */
export function decodeFloat(dtype: SmallFloat, bits: number): number {
  // Unsigned powers of two, and no zero.
  if (dtype === 'float8_e8m0fnu') return bits === 0xff ? NaN : 2 ** (bits - 127);
  const { exponentBits, mantissaBits, bias, special } = floatFormats[dtype];
  const mantissa = bits & ((1 << mantissaBits) - 1);
  const exponent = (bits >> mantissaBits) & ((1 << exponentBits) - 1);
  const negative = bits >> (mantissaBits + exponentBits) === 1;
  const highest = exponent === (1 << exponentBits) - 1;
  if (special === 'ieee' && highest) return mantissa === 0 ? (negative ? -Infinity : Infinity) : NaN;
  if (special === 'fn' && highest && mantissa === (1 << mantissaBits) - 1) return NaN;
  if (special === 'fnuz' && negative && exponent === 0 && mantissa === 0) return NaN;
  const size =
    exponent === 0
      ? mantissa * 2 ** (1 - bias - mantissaBits)
      : (1 + mantissa / (1 << mantissaBits)) * 2 ** (exponent - bias);
  return negative ? -size : size;
}

/** The numbers of all patterns of a format. */
const tables = new Map<SmallFloat, Float32Array>();

/** The numbers that little-endian patterns stand for, in order. */
export function decodeFloats(dtype: SmallFloat, bytes: Uint8Array): Float32Array {
  const isWide = itemSizes[dtype] === 2;
  let table = tables.get(dtype);
  if (table === undefined) {
    table = Float32Array.from({ length: isWide ? 1 << 16 : 1 << 8 }, (_, bits) => decodeFloat(dtype, bits));
    tables.set(dtype, table);
  }
  const patterns = isWide ? new Uint16Array(bytes.slice().buffer) : bytes;
  const numbers = new Float32Array(patterns.length);
  for (let i = 0; i < patterns.length; i++) numbers[i] = table[patterns[i]!]!;
  return numbers;
}

/** The patterns of the nearest halves, ties to even; what is too large becomes infinity. */
export function encodeHalves(dtype: 'float16' | 'bfloat16', numbers: Float32Array): Uint16Array {
  const encode = dtype === 'float16' ? float16Bits : bfloat16Bits;
  return Uint16Array.from(new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.length), encode);
}

function bfloat16Bits(bits: number): number {
  const isNaN = (bits & 0x7fffffff) > 0x7f800000;
  return isNaN ? 0x7fc0 : (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

function float16Bits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 0xff;
  const mantissa = bits & 0x7fffff;
  if (exponent === 0xff && mantissa !== 0) return sign | 0x7e00;
  if (exponent >= 143) return sign | 0x7c00; // 2^16 and up
  // In units of 2^-24, the least half, or of the last of 10 bits; a carry goes into the exponent as it should.
  const shift = exponent < 113 ? Math.min(126 - exponent, 31) : 13;
  const whole = exponent < 113 ? mantissa | 0x800000 : mantissa | ((exponent - 112) << 23);
  const rest = whole & (2 ** shift - 1);
  const quotient = whole >>> shift;
  const up = rest > 2 ** (shift - 1) || (rest === 2 ** (shift - 1) && quotient % 2 === 1);
  return sign | (quotient + Number(up));
}
