// What Node has and browsers have not: files, and a fast CRC.
import { crc32 as nodeCrc32 } from 'node:zlib';

export { createFile } from './file_sink.ts';
export { openFile } from './file_source.ts';

/** The CRC-32 of zip, of bytes that follow others whose CRC is `value`. */
export function crc32(bytes: Uint8Array, value: number): number {
  return nodeCrc32(bytes, value);
}
