// Where there are no files: Blobs and bytes alone are read.
import type { Sink } from '../sink.ts';
import type { Source } from '../source.ts';

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  return crc;
});

/** The CRC-32 of zip, of bytes that follow others whose CRC is `value`. */
export function crc32(bytes: Uint8Array, value: number): number {
  let crc = ~value;
  for (const byte of bytes) crc = (crc >>> 8) ^ (table[(crc ^ byte) & 0xff] as number);
  return ~crc >>> 0;
}

export function openFile(path: string | URL): Promise<Source> {
  return Promise.reject(
    new TypeError(`there are no files here to open ${String(path)} from: give a Blob, a File or bytes`),
  );
}

export function createFile(path: string | URL): Promise<Sink> {
  return Promise.reject(
    new TypeError(
      `there are no files here to write ${String(path)} to: give a WritableStream, or take saveToBytes`,
    ),
  );
}
