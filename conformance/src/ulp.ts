/** The bits of a number as hexadecimal. */
export function hex(bits: number | bigint, width: number): string {
  return `0x${bits.toString(16).padStart(width / 4, '0')}`;
}

/** How many bits differ. */
export function bitDistance(a: number | bigint, b: number | bigint): number {
  return (BigInt(a) ^ BigInt(b)).toString(2).replaceAll('0', '').length;
}

/** How many representable numbers lie between two floats of so many bits, given as bits; zeros are one number. */
export function ulpDistance(a: number | bigint, b: number | bigint, width: number): bigint {
  const distance = ordered(a, width) - ordered(b, width);
  return distance < 0n ? -distance : distance;
}

/** Bits of a float as an integer in the order of the numbers. */
function ordered(bits: number | bigint, width: number): bigint {
  const sign = 1n << BigInt(width - 1);
  const wide = BigInt(bits);
  return wide & sign ? sign - wide : wide;
}
