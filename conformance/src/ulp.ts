import type { TensorData } from 'torch-parity';

/** The bits of each element; equal numbers for equal bits. */
export function bitsOf({ dtype, bytes }: TensorData): Uint32Array | BigUint64Array {
  const { buffer } = new Uint8Array(bytes);
  return dtype === 'float64' || dtype === 'int64' ? new BigUint64Array(buffer) : new Uint32Array(buffer);
}

/** The bits as hexadecimal, as wide as the dtype. */
export function hex(bits: number | bigint): string {
  return `0x${bits.toString(16).padStart(typeof bits === 'bigint' ? 16 : 8, '0')}`;
}

/** How many bits differ. */
export function bitDistance(a: number | bigint, b: number | bigint): number {
  return (BigInt(a) ^ BigInt(b)).toString(2).replaceAll('0', '').length;
}

/** How many representable numbers lie between two floats of the same width, given as bits; zeros are one number. */
export function ulpDistance(a: number | bigint, b: number | bigint): bigint {
  const distance = ordered(a) - ordered(b);
  return distance < 0n ? -distance : distance;
}

/** Bits of a float as an integer in the order of the numbers. */
function ordered(bits: number | bigint): bigint {
  const sign = typeof bits === 'bigint' ? 1n << 63n : 1n << 31n;
  const wide = BigInt(bits);
  return wide & sign ? sign - wide : wide;
}
