import { bytes } from '../bytes.ts';
import { refused, type HostileFile } from '../hostile_file.ts';
import { pickle } from '../pickle.ts';
import { four, ptWith, ptWithout, records, tensor } from '../pt.ts';
import { archive } from '../zip.ts';

const usual = records(pickle(tensor()));

const badNames: [file: string, name: string | Uint8Array, what: string][] = [
  ['name-parent.pt', 'archive/../../.bashrc', 'climbs out of the folder'],
  ['name-absolute.pt', '/archive/data/1', 'is absolute'],
  ['name-nul.pt', 'archive/data/1\0.txt', 'holds a NUL, behind which some readers stop'],
  ['name-backslash.pt', 'archive\\data\\1', 'has backslashes, which are separators on some systems'],
  ['name-bytes.pt', bytes('archive/data/', Uint8Array.of(0xff, 0xfe)), 'is not UTF-8'],
  ['name-other-folder.pt', 'other/data/0', 'stands in a second top folder'],
  [
    'name-no-folder.pt',
    'data.pkl',
    'stands beside the top folder: a second data.pkl for readers that look there',
  ],
  ['name-empty.pt', '', 'is empty'],
  ['name-dot.pt', 'archive/./data/0', 'spells another one with a dot'],
  ['name-folder.pt', 'archive/data/', 'is that of a folder, and it has bytes'],
  ['name-empty-part.pt', 'archive//data/0', 'spells another one with an empty part'],
];

/** Archives with names that mislead, and with records missing or of impossible content. */
export const names: HostileFile[] = [
  ...badNames.map(([file, name, what]) =>
    refused(file, 'ZIP_NAME', `The name of a record ${what}.`, () =>
      archive([...usual, { name, data: four }]),
    ),
  ),
  refused(
    'two-pickles.pt',
    'ZIP_DUPLICATE',
    'There are two data.pkl: a scanner may see one, and torch the other.',
    () => archive([...usual, usual[0]!]),
  ),
  refused('two-storages.pt', 'ZIP_DUPLICATE', 'There are two records of one storage.', () =>
    archive([...usual, { name: 'archive/data/0', data: new Uint8Array(16) }]),
  ),
  refused('no-pickle.pt', 'MISSING_RECORD', 'There is no data.pkl.', () => ptWithout('data.pkl')),
  refused(
    'other-extension.pt',
    'MISSING_RECORD',
    'The pickle has a name that a scanner does not look into.',
    () => archive([{ ...usual[0]!, name: 'archive/data.txt' }, ...usual.slice(1)]),
  ),
  refused('no-version.pt', 'MISSING_RECORD', 'There is no version.', () => ptWithout('version')),
  refused('no-storage.pt', 'MISSING_RECORD', 'The record of a storage is not there.', () =>
    ptWithout('data/0'),
  ),
  refused('version-text.pt', 'BAD_VERSION', 'The version is no number.', () =>
    ptWith({ name: 'archive/version', data: 'three\n' }),
  ),
  refused('version-11.pt', 'BAD_VERSION', 'The version is one that no torch reads.', () =>
    ptWith({ name: 'archive/version', data: '11\n' }),
  ),
  refused('version-long.pt', 'BAD_VERSION', 'The version is a number of 10,000 digits.', () =>
    ptWith({ name: 'archive/version', data: '3'.repeat(10_000) }),
  ),
  refused('middle-endian.pt', 'BAD_BYTE_ORDER', 'The byte order is neither little nor big.', () =>
    ptWith({ name: 'archive/byteorder', data: 'middle' }),
  ),
  refused(
    'big-endian.pt',
    'UNSUPPORTED_FORMAT',
    'The byte order is big, and elements would be read backwards.',
    () => ptWith({ name: 'archive/byteorder', data: 'big' }),
  ),
  refused('torchscript.pt', 'UNSUPPORTED_FORMAT', 'A TorchScript archive: it holds code.', () =>
    ptWith({ name: 'archive/constants.pkl', data: pickle(['EMPTY_TUPLE']) }),
  ),
  refused(
    'storage-short.pt',
    'STORAGE_SIZE',
    'The record of a storage is shorter than the pickle says: torch would read other memory.',
    () => ptWith({ name: 'archive/data/0', data: four.subarray(0, 12) }),
  ),
  refused('storage-long.pt', 'STORAGE_SIZE', 'The record of a storage is longer than the pickle says.', () =>
    ptWith({ name: 'archive/data/0', data: bytes(four, four) }),
  ),
  refused('storage-empty.pt', 'STORAGE_SIZE', 'The record of a storage is empty.', () =>
    ptWith({ name: 'archive/data/0', data: '' }),
  ),
];
