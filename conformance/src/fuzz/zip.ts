import { integer, positionsOf } from '../hostile/bytes.ts';
import { edgeIntegers } from './edges.ts';
import { overwrite, type Edit } from './edit.ts';
import type { Random } from './random.ts';

/** The headers of a zip archive by their signatures, and where each has its fields: [offset, bytes]. */
const headers: readonly (readonly [signature: string, fields: readonly (readonly [number, number])[]])[] = [
  [
    'PK\x03\x04',
    [
      [4, 2],
      [6, 2],
      [8, 2],
      [14, 4],
      [18, 4],
      [22, 4],
      [26, 2],
      [28, 2],
    ],
  ],
  [
    'PK\x01\x02',
    [
      [6, 2],
      [8, 2],
      [10, 2],
      [16, 4],
      [20, 4],
      [24, 4],
      [28, 2],
      [30, 2],
      [32, 2],
      [34, 2],
      [42, 4],
    ],
  ],
  [
    'PK\x07\x08',
    [
      [4, 4],
      [8, 4],
      [12, 4],
    ],
  ],
  [
    'PK\x06\x06',
    [
      [4, 8],
      [16, 4],
      [20, 4],
      [24, 8],
      [32, 8],
      [40, 8],
      [48, 8],
    ],
  ],
  [
    'PK\x06\x07',
    [
      [4, 4],
      [8, 8],
      [16, 4],
    ],
  ],
  [
    'PK\x05\x06',
    [
      [4, 2],
      [6, 2],
      [8, 2],
      [10, 2],
      [12, 4],
      [16, 4],
      [20, 2],
    ],
  ],
];

/** Changes a field of a header: to an edge, by a little, or to what another field of that size holds. */
export function mutateZip(file: Uint8Array, random: Random): Edit | undefined {
  const [signature, fields] = random.pick(headers);
  const places = positionsOf(file, signature);
  if (places.length === 0) return undefined;
  const [offset, size] = random.pick(fields);
  const at = random.pick(places) + offset;
  if (at + size > file.length) return undefined;
  const value = valueAt(file, at, size);
  const other = random.pick(places) + offset;
  const next = random.pick([
    random.pick(edgeIntegers),
    value + BigInt(random.below(5) - 2),
    value ^ (1n << BigInt(random.below(size * 8))),
    other + size <= file.length ? valueAt(file, other, size) : 0n,
  ]);
  return overwrite(at, integer(next, size));
}

function valueAt(file: Uint8Array, at: number, size: number): bigint {
  return file.subarray(at, at + size).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
