import { FormatError } from '../errors.ts';
import type { ReadOptions, Source } from '../source.ts';
import { toNumber } from './extra.ts';

/** Where the central directory of a zip archive is. */
export interface Directory {
  count: number;
  offset: number;
  size: number;
}

const endSignature = 0x06054b50;
const endBytes = 22;
const locatorSignature = 0x07064b50;
const locatorBytes = 20;
const end64Signature = 0x06064b50;
const end64Bytes = 56;
const longestComment = 0xffff;

/**
 * Finds the directory from the end of the file: the last end record, behind which torch tolerates a comment and as much else as a
 * comment could be long.
 */
export async function findDirectory(source: Source, options: ReadOptions): Promise<Directory> {
  const fail = (message: string): never => {
    throw new FormatError('ZIP_DIRECTORY', message, { file: source.name });
  };
  const length = Math.min(source.size, end64Bytes + locatorBytes + endBytes + longestComment);
  const start = source.size - length;
  const bytes = await source.read(start, length, options);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const lowest = Math.max(0, length - endBytes - longestComment);
  let end = length - endBytes;
  while (end >= lowest && view.getUint32(end, true) !== endSignature) end--;
  if (end < lowest)
    fail('the zip archive has no end record: the file is cut off, or was not written to its end');

  if (view.getUint32(end + 4, true) !== 0) fail('the zip archive is in several files');
  const classic: Directory = {
    count: view.getUint16(end + 10, true),
    size: view.getUint32(end + 12, true),
    offset: view.getUint32(end + 16, true),
  };
  if (view.getUint16(end + 8, true) !== classic.count) fail('the zip archive is in several files');
  const locator = end - locatorBytes;
  if (locator < 0 || view.getUint32(locator, true) !== locatorSignature) {
    checkEnd(classic, start + end, fail);
    return classic;
  }

  const end64 = toNumber(view.getBigUint64(locator + 8, true)) ?? fail('the zip64 end record is nowhere');
  if (end64 + end64Bytes > start + locator) fail('the zip64 end record is not before its locator');
  const record = await source.read(end64, end64Bytes, options);
  const view64 = new DataView(record.buffer, record.byteOffset, record.byteLength);
  const recordEnd = end64 + 12 + (toNumber(view64.getBigUint64(4, true)) ?? 0);
  if (view64.getUint32(0, true) !== end64Signature || recordEnd !== start + locator)
    fail('the zip64 end record is not where its locator says');
  const number = (at: number): number =>
    toNumber(view64.getBigUint64(at, true)) ?? fail('the zip64 end record has impossible sizes');
  const directory: Directory = { count: number(32), size: number(40), offset: number(48) };
  if (view64.getUint32(16, true) !== 0 || view64.getUint32(20, true) !== 0 || number(24) !== directory.count)
    fail('the zip archive is in several files');
  // What fits stands in both records.
  const agrees = (small: number, wide: number, none: number): boolean => small === none || small === wide;
  if (
    !agrees(classic.count, directory.count, 0xffff) ||
    !agrees(classic.size, directory.size, 0xffffffff) ||
    !agrees(classic.offset, directory.offset, 0xffffffff)
  )
    fail('the two end records of the zip archive disagree');
  checkEnd(directory, end64, fail);
  return directory;
}

function checkEnd({ offset, size }: Directory, end: number, fail: (message: string) => never): void {
  if (offset + size !== end) fail('the zip directory does not end where the end record begins');
}
