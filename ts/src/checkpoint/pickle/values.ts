import { ByteArray, type Complex } from '../../python/collections.ts';
import type { Device } from '../../python/torch_values.ts';
import type { PickleOutput } from './output.ts';

// Values that a pickle has no opcode for, and so makes by a call. Each function returns the memo index of the value.

/** bytes or a bytearray; of bytes, there is at least one. */
export function writeBytes(out: PickleOutput, bytes: Uint8Array): number {
  if (!(bytes instanceof ByteArray)) return writeEncoded(out, bytes);
  out.global('__builtin__', 'bytearray');
  if (bytes.length === 0) out.op('EMPTY_TUPLE');
  else {
    writeEncoded(out, bytes);
    out.tuple(1);
  }
  return out.reduce();
}

/** Protocol 2 has no bytes: they are the str of the same code points, encoded as Latin-1. */
function writeEncoded(out: PickleOutput, bytes: Uint8Array): number {
  out.global('_codecs', 'encode');
  out.latin1(bytes);
  out.text('latin1');
  out.tuple(2);
  return out.reduce();
}

export function writeComplex(out: PickleOutput, { re, im }: Complex): number {
  out.global('__builtin__', 'complex');
  out.float(re);
  out.float(im);
  out.tuple(2);
  return out.reduce();
}

export function writeDevice(out: PickleOutput, { type, index }: Device): number {
  out.global('torch', 'device');
  out.freshText(type);
  if (index !== null) out.int(index);
  out.tuple(index === null ? 1 : 2);
  return out.reduce();
}
