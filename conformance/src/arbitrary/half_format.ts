import type { FloatFormat } from './float_format.ts';

const view = new DataView(new ArrayBuffer(8));

/** An IEEE format of 16 bits, for which JavaScript has no array. */
function half(fractionBits: number): FloatFormat {
  const bias = 2 ** (14 - fractionBits) - 1;
  const infinity = 0x8000 - 2 ** fractionBits;
  const epsilon = 2 ** -fractionBits;
  const minNormal = 2 ** (1 - bias);

  const number = (bits: number): number => {
    const magnitude = bits & 0x7fff;
    const exponent = magnitude >> fractionBits;
    const fraction = (magnitude & (2 ** fractionBits - 1)) * epsilon;
    const finite = exponent === 0 ? fraction * minNormal : (1 + fraction) * 2 ** (exponent - bias);
    const size = magnitude < infinity ? finite : magnitude === infinity ? Infinity : NaN;
    return bits & 0x8000 ? -size : size;
  };

  /** The bits of the nearest number, ties to even. */
  const bits = (value: number): number => {
    view.setFloat64(0, value);
    const sign = view.getUint16(0) & 0x8000;
    const exponent = Math.max(((view.getUint16(0) & 0x7fff) >> 4) - 1023, 1 - bias);
    // In units of the last place. A carry goes on into the exponent, which stands above the fraction.
    const places = toEven(Math.abs(value) / 2 ** (exponent - fractionBits));
    return sign | Math.min(infinity, places + (exponent + bias - 1) * 2 ** fractionBits);
  };

  return {
    ...{ epsilon, fractionBits, minNormal, minSubnormal: minNormal * epsilon, max: number(infinity - 1) },
    finite(high) {
      const pattern = high >>> 16;
      return number((pattern & infinity) === infinity ? pattern & ~(1 << fractionBits) : pattern);
    },
    nudge(value, places) {
      if (Number.isNaN(value)) return value;
      const pattern = bits(value);
      const moved = Math.min(infinity, Math.max(0, (pattern & 0x7fff) + places));
      return number((pattern & 0x8000) | moved);
    },
  };
}

function toEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}

export const halfFormats: Record<'float16' | 'bfloat16', FloatFormat> = {
  float16: half(10),
  bfloat16: half(7),
};
