import { bytes, integer, type Part } from './bytes.ts';

/** An entry of a header: four float32 elements, if nothing else is said. */
export function entry(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return { dtype: 'F32', shape: [4], data_offsets: [0, 16], ...fields };
}

/**
 * A safetensors file.
 *
 * @param header - an object for JSON, or the header's text or bytes as they are
 * @param data - 16 bytes if left out
 * @param length - what the file says of its header's length
 */
export function safetensors(
  header: object | Part,
  data: Part = new Uint8Array(16),
  length?: number | bigint,
): Uint8Array {
  const raw =
    typeof header === 'string' || header instanceof Uint8Array
      ? bytes(header)
      : bytes(JSON.stringify(header));
  return bytes(integer(length ?? raw.length, 8), raw, data);
}
