import { bytes, positionsOf } from '../bytes.ts';
import { refused, type HostileFile } from '../hostile_file.ts';
import { pickle } from '../pickle.ts';
import { four, ptWith, records, tensor, torchLayout } from '../pt.ts';
import { archive, zip64Extra, type ZipRecord } from '../zip.ts';

const usual = records(pickle(tensor()));
const data0 = { name: 'archive/data/0', data: four };

/** Where a file of torch's layout could break off: before each header, and in the middle of each. */
function cuts(): number[] {
  const headers = positionsOf(torchLayout(), 'PK');
  return headers.flatMap((at) => [at, at + 10]).filter((at) => at > 0);
}

/** The bytes of a record with its local header. */
function lengthOf({ name, data }: ZipRecord): number {
  return 30 + name.length + data.length;
}

/** Archives whose structure is broken or lies. */
export const archives: HostileFile[] = [
  refused('text.pt', 'NOT_A_CHECKPOINT', 'A text, where a checkpoint is expected.', () =>
    bytes('epoch,loss\n1,0.5\n'),
  ),
  refused('empty.pt', 'NOT_A_CHECKPOINT', 'Nothing at all.', () => bytes()),
  refused(
    'prefix.pt',
    'NOT_A_CHECKPOINT',
    'A program stands before the archive, as in self-extracting ones.',
    () => bytes('MZ\x90\0', archive(usual)),
  ),
  ...cuts().map((at) =>
    refused(
      `cut-at-${at}.pt`,
      'ZIP_DIRECTORY',
      `The file ends at a boundary of its structure, after ${at} bytes.`,
      () => torchLayout().subarray(0, at),
    ),
  ),
  refused('no-records.pt', 'NOT_A_CHECKPOINT', 'An archive of no records.', () => archive([])),

  // The directory.
  refused('directory-beyond.pt', 'ZIP_DIRECTORY', 'The directory starts behind the end of the file.', () =>
    archive(usual, { end: { directoryOffset: 0x7fffffff } }),
  ),
  refused('directory-size.pt', 'ZIP_DIRECTORY', 'The directory says that it is longer than it is.', () =>
    archive(usual, { end: { directorySize: 1 << 20 } }),
  ),
  refused('directory-more.pt', 'ZIP_DIRECTORY', 'The end record counts more entries than there are.', () =>
    archive(usual, { end: { entries: 5, entriesHere: 5 } }),
  ),
  refused(
    'directory-fewer.pt',
    'ZIP_DIRECTORY',
    'The end record hides the last entry of the directory.',
    () => archive(usual, { end: { entries: 3, entriesHere: 3 } }),
  ),
  refused('directory-disks.pt', 'ZIP_DIRECTORY', 'The archive says that it continues on another disk.', () =>
    archive(usual, { end: { disk: 1 } }),
  ),
  refused('directory-signature.pt', 'ZIP_DIRECTORY', 'An entry of the directory has another signature.', () =>
    ptWith({ ...data0, central: { signature: 0x02014b51 } }),
  ),
  refused(
    'directory-name-length.pt',
    'ZIP_DIRECTORY',
    'The name of the last entry reaches behind the directory.',
    () => ptWith({ name: 'archive/version', data: '3\n', central: { nameLength: 60_000 } }),
  ),

  // zip64.
  refused('zip64-count.pt', 'ZIP_DIRECTORY', 'The zip64 end record promises 2^60 entries.', () =>
    torchLayout({ end: { entries: 2n ** 60n, entriesHere: 2n ** 60n } }),
  ),
  refused('zip64-size.pt', 'ZIP_DIRECTORY', 'The zip64 end record promises a directory of 2^63 bytes.', () =>
    torchLayout({ end: { directorySize: 2n ** 63n } }),
  ),
  refused('zip64-offset.pt', 'ZIP_DIRECTORY', 'The zip64 end record places the directory at -1.', () =>
    torchLayout({ end: { directoryOffset: -1 } }),
  ),
  refused('zip64-locator.pt', 'ZIP_DIRECTORY', 'The zip64 locator points behind the end of the file.', () =>
    torchLayout({ locator: { endOffset: 2n ** 40n } }),
  ),
  refused('zip64-signature.pt', 'ZIP_DIRECTORY', 'The zip64 locator points at something else.', () =>
    torchLayout({ locator: { endOffset: 0 } }),
  ),
  refused(
    'zip64-two-directories.pt',
    'ZIP_DIRECTORY',
    'The two end records name different directories.',
    () => archive(usual, { zip64: { end: { directoryOffset: 0 } } }),
  ),
  refused(
    'zip64-no-field.pt',
    'ZIP_DIRECTORY',
    'An entry defers its size to a zip64 field that it has not.',
    () => ptWith({ ...data0, central: { size: 0xffffffff, compressedSize: 0xffffffff } }),
  ),
  refused(
    'zip64-short-field.pt',
    'ZIP_DIRECTORY',
    'An entry defers more values to its zip64 field than that holds.',
    () =>
      ptWith({
        ...data0,
        central: { size: 0xffffffff, compressedSize: 0xffffffff, offset: 0xffffffff },
        centralExtra: zip64Extra(16),
      }),
  ),
  refused('zip64-huge.pt', 'ZIP_DIRECTORY', 'A record has 2^63 bytes, by its zip64 field.', () =>
    ptWith({
      ...data0,
      central: { size: 0xffffffff, compressedSize: 0xffffffff },
      centralExtra: zip64Extra(2n ** 63n, 2n ** 63n),
    }),
  ),

  refused('zip64-terabyte.pt', 'ZIP_RANGE', 'A record has a terabyte, by its zip64 fields.', () =>
    ptWith({
      ...data0,
      local: { size: 0xffffffff, compressedSize: 0xffffffff },
      extra: zip64Extra(2 ** 40, 2 ** 40),
      central: { size: 0xffffffff, compressedSize: 0xffffffff },
      centralExtra: zip64Extra(2 ** 40, 2 ** 40),
    }),
  ),

  // Records.
  refused('beyond.pt', 'ZIP_RANGE', 'A record starts behind the end of the file.', () =>
    ptWith({ ...data0, central: { offset: 0x7ffffff0 } }),
  ),
  refused('too-long.pt', 'ZIP_RANGE', 'A record reaches behind the end of the file.', () =>
    ptWith({
      ...data0,
      local: { size: 1 << 30, compressedSize: 1 << 30 },
      central: { size: 1 << 30, compressedSize: 1 << 30 },
    }),
  ),
  refused('into-directory.pt', 'ZIP_RANGE', 'The last record reaches into the directory.', () =>
    archive([
      ...usual,
      {
        ...data0,
        name: 'archive/data/1',
        local: { size: 60, compressedSize: 60 },
        central: { size: 60, compressedSize: 60 },
      },
    ]),
  ),
  refused(
    'overlap.pt',
    'ZIP_RANGE',
    'A record holds another whole record, header and all, as in zip bombs.',
    () => {
      const [first, second, , last] = usual as [ZipRecord, ZipRecord, ZipRecord, ZipRecord];
      const inner = { name: 'archive/data/1', data: four };
      const outer = { name: 'archive/data/0', data: archive([inner]).subarray(0, lengthOf(inner)) };
      const offset = lengthOf(first) + lengthOf(second) + lengthOf(outer) - lengthOf(inner);
      return archive([first, second, outer, last, { ...inner, ghost: true, central: { offset } }]);
    },
  ),
  refused('one-place.pt', 'ZIP_RANGE', 'Two entries of the directory name the same record.', () =>
    archive([...usual, { ...usual[0]!, name: 'archive/data/1', ghost: true, central: { offset: 0 } }]),
  ),
  refused(
    'two-beyond.pt',
    'ZIP_RANGE',
    'Two records start behind the end of the file, far from each other.',
    () =>
      archive([
        ...usual,
        { name: 'archive/data/1', data: four, ghost: true, central: { offset: 0x10000000 } },
        { name: 'archive/data/2', data: four, ghost: true, central: { offset: 0x7ffffff0 } },
      ]),
  ),
  refused(
    'long-extra.pt',
    'ZIP_RANGE',
    'The extra field of a local header pushes the data into the next record.',
    () => ptWith({ ...data0, local: { extraLength: 60 } }),
  ),
  refused('local-signature.pt', 'ZIP_HEADER', 'No local header stands where the directory says.', () =>
    ptWith({ ...data0, local: { signature: 0x04034b51 } }),
  ),
  refused(
    'local-name.pt',
    'ZIP_HEADER',
    'The local header has another name, for readers that trust the other one.',
    () => ptWith({ ...data0, localName: 'archive/data/9' }),
  ),
  refused('local-size.pt', 'ZIP_HEADER', 'The local header has another size.', () =>
    ptWith({ ...data0, local: { size: 8, compressedSize: 8 } }),
  ),
  refused('local-crc.pt', 'ZIP_HEADER', 'The local header has another CRC.', () =>
    ptWith({ ...data0, local: { crc: 1 } }),
  ),
  refused('local-method.pt', 'ZIP_HEADER', 'The local header says that the record is compressed.', () =>
    ptWith({ ...data0, local: { method: 8 } }),
  ),
  refused('local-flags.pt', 'ZIP_HEADER', 'The local header alone says that the record is encrypted.', () =>
    ptWith({ ...data0, local: { flags: 0x801 } }),
  ),
  refused('two-sizes.pt', 'ZIP_DIRECTORY', 'A stored record has two sizes.', () =>
    ptWith({ ...data0, central: { size: 32 }, local: { size: 32 } }),
  ),
  refused(
    'deflated.pt',
    'ZIP_COMPRESSED',
    'A storage is compressed: torch with mmap=True reads such bytes as floats.',
    () => ptWith({ ...data0, central: { method: 8 }, local: { method: 8 } }),
  ),
  refused('method-99.pt', 'ZIP_COMPRESSED', 'A record uses a method that nobody knows.', () =>
    ptWith({ ...data0, central: { method: 99 }, local: { method: 99 } }),
  ),
  refused(
    'encrypted.pt',
    'ZIP_ENCRYPTED',
    'A flag says encrypted, which made a scanner skip the file and torch load it.',
    () =>
      ptWith({
        name: 'archive/data.pkl',
        data: usual[0]!.data,
        central: { flags: 0x801 },
        local: { flags: 0x801 },
      }),
  ),
  refused('strongly-encrypted.pt', 'ZIP_ENCRYPTED', 'The flag of strong encryption is set.', () =>
    ptWith({ ...data0, central: { flags: 0x841 }, local: { flags: 0x841 } }),
  ),
  refused(
    'crc-pickle.pt',
    'ZIP_CRC',
    'The CRC of data.pkl is wrong, which made a scanner fail and torch load it.',
    () => ptWith({ name: 'archive/data.pkl', data: usual[0]!.data, central: { crc: 1 }, local: { crc: 1 } }),
  ),
  refused('crc-storage.pt', 'ZIP_CRC', 'The CRC of a storage is wrong.', () =>
    ptWith({ ...data0, central: { crc: 1 }, local: { crc: 1 } }),
  ),
];
