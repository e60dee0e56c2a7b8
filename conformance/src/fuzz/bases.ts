import { bytes, positionsOf } from '../hostile/bytes.ts';
import { archive, type ZipRecord } from '../hostile/zip.ts';
import { safetensors } from '../hostile/safetensors.ts';

/** A file to mutate, or a part of one. */
export interface Base {
  name: string;
  /** What its bytes are, for mutations that know the structure. */
  kind: 'zip' | 'pickle' | 'json' | 'bytes';
  bytes: Uint8Array;
  /** The file around the part; the file itself if left out. */
  wrap?(part: Uint8Array): Uint8Array;
}

/**
 * A file as bases: as a whole, and by the part that says what the rest is. The part is put back into an archive whose sizes and
 * checksums are right again, so that what a mutation did to it is seen.
 */
export function basesOf(name: string, file: Uint8Array): Base[] {
  const start = Buffer.from(file.subarray(0, 4)).toString('latin1');
  if (start === 'PK\x03\x04') {
    const records = recordsOf(file);
    const pickle = records.find(({ name }) => String(name).endsWith('/data.pkl'));
    const whole: Base = { name, kind: 'zip', bytes: file };
    if (pickle === undefined) return [whole];
    const wrap = (part: Uint8Array): Uint8Array =>
      archive(records.map((record) => (record === pickle ? { ...record, data: part } : record)));
    return [whole, { name: `${name}, data.pkl`, kind: 'pickle', bytes: pickle.data as Uint8Array, wrap }];
  }
  if (start.startsWith('\x80\x02')) return [{ name, kind: 'pickle', bytes: file }];
  const length =
    file.length < 8 ? 0 : Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  if (length > 0 && length <= file.length - 8 && file[8] === 0x7b) {
    const data = file.subarray(8 + length);
    return [
      { name, kind: 'bytes', bytes: file },
      {
        name: `${name}, header`,
        kind: 'json',
        bytes: file.subarray(8, 8 + length),
        wrap: (part) => safetensors(part, data),
      },
    ];
  }
  return [{ name, kind: 'bytes', bytes: file }];
}

/** The records of an archive, as far as its directory can be read. */
function recordsOf(file: Uint8Array): ZipRecord[] {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  return positionsOf(file, 'PK\x01\x02').flatMap((at) => {
    if (at + 46 > file.length) return [];
    const name = Buffer.from(file.subarray(at + 46, at + 46 + view.getUint16(at + 28, true))).toString();
    const header = view.getUint32(at + 42, true);
    if (header + 30 > file.length) return [];
    const start = header + 30 + view.getUint16(header + 26, true) + view.getUint16(header + 28, true);
    return [{ name, data: bytes(file.subarray(start, start + view.getUint32(at + 24, true))) }];
  });
}
