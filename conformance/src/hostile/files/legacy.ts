import { bytes, integer } from '../bytes.ts';
import { harmless, refused, type Code, type HostileFile } from '../hostile_file.ts';
import { legacy, legacyMagic, legacyStorage, legacyTensor, systemInfo, type LegacyParts } from '../legacy.ts';
import { call, list, number, pickle, text, tuple } from '../pickle.ts';
import { four } from '../pt.ts';

const runs = pickle(call('os system', text('id')));
const huge = number(2n ** 40n);

const streams: [file: string, code: Code, parts: LegacyParts, what: string][] = [
  [
    'magic',
    'NOT_A_CHECKPOINT',
    { magic: pickle(['LONG1', integer(0x1950a86a20f9469cfc6dn, 10)]) },
    'Another magic number',
  ],
  [
    'any-pickle',
    'NOT_A_CHECKPOINT',
    { magic: runs },
    'A plain pickle that runs something, named like a checkpoint',
  ],
  ['version', 'LEGACY', { version: pickle(number(1002)) }, 'A version that no torch reads'],
  ['version-text', 'LEGACY', { version: pickle(text('1001')) }, 'A version that is a string'],
  ['version-runs', 'FORBIDDEN_GLOBAL', { version: runs }, 'A call in place of the version'],
  ['system-runs', 'FORBIDDEN_GLOBAL', { system: runs }, 'A call in place of the system information'],
  ['system-list', 'LEGACY', { system: pickle(['EMPTY_LIST']) }, 'A list for the system information'],
  ['big-endian', 'UNSUPPORTED_FORMAT', { system: systemInfo([['NEWFALSE']]) }, 'A big-endian machine'],
  ['value-runs', 'FORBIDDEN_GLOBAL', { value: runs }, 'A call in the value'],
  ['keys-runs', 'FORBIDDEN_GLOBAL', { keys: runs }, 'A call in place of the keys'],
  ['keys-text', 'LEGACY', { keys: pickle(text('0')) }, 'A string for the keys'],
  [
    'keys-missing',
    'LEGACY',
    { keys: pickle(['EMPTY_LIST']), storages: '' },
    'No key for a storage that is used',
  ],
  ['keys-other', 'LEGACY', { keys: pickle(list(text('1'))) }, 'A key that no tensor names'],
  [
    'keys-twice',
    'LEGACY',
    { keys: pickle(list(text('0'), text('0'))), storages: bytes(legacyStorage(), legacyStorage()) },
    'One key twice',
  ],
  ['keys-number', 'LEGACY', { keys: pickle(list(number(0))) }, 'A key that is a number'],
  [
    'count-negative',
    'STORAGE_SIZE',
    { storages: legacyStorage(four, -4) },
    'A negative count before a storage',
  ],
  [
    'count-huge',
    'STORAGE_SIZE',
    { storages: legacyStorage(four, 2n ** 62n) },
    'A count of 2^62 before a storage',
  ],
  [
    'count-other',
    'STORAGE_SIZE',
    { storages: legacyStorage(four, 3) },
    'Another count than the pickle promises',
  ],
  [
    'storage-cut',
    'TRUNCATED',
    { storages: legacyStorage(four.subarray(0, 15)) },
    'A storage that ends too early',
  ],
  ['count-cut', 'TRUNCATED', { storages: new Uint8Array(7) }, 'A count that ends too early'],
  ['no-storages', 'TRUNCATED', { storages: '' }, 'No storages'],
  [
    'trailing',
    'TRAILING_BYTES',
    { storages: bytes(legacyStorage(), 'PK\x05\x06') },
    'Something behind the last storage',
  ],
  [
    'numel-huge',
    'STORAGE_SIZE',
    { value: pickle(legacyTensor({ numel: huge })), storages: legacyStorage(four, 2n ** 40n) },
    'A storage of four terabytes',
  ],
  [
    'view-beyond',
    'BAD_ARGUMENTS',
    { value: pickle(legacyTensor({ view: tuple(text('v'), number(2), number(4)) })) },
    'A view that reaches beyond its storage',
  ],
  [
    'view-negative',
    'BAD_ARGUMENTS',
    { value: pickle(legacyTensor({ view: tuple(text('v'), number(-1), number(4)) })) },
    'A view that starts before its storage',
  ],
  [
    'id-text',
    'BAD_ARGUMENTS',
    { value: pickle(text('storage'), ['BINPERSID']) },
    'A string for the id of a storage',
  ],
  [
    'view-text',
    'BAD_ARGUMENTS',
    { value: pickle(legacyTensor({ view: text('v') })) },
    'A view that is a string',
  ],
];

/** Where a stream could break off: at the end of each of its parts. */
const parts = [
  legacyMagic,
  pickle(number(1001)),
  systemInfo([['NEWTRUE']]),
  pickle(legacyTensor()),
  pickle(list(text('0'))),
];

/** A header of a tar archive, which torch.save wrote before 0.1.10. */
function tar(): Uint8Array {
  const header = new Uint8Array(512);
  header.set(bytes('storages'));
  header.set(bytes('ustar\x0000'), 257);
  return bytes(header, new Uint8Array(1024));
}

/** Streams as torch.save wrote them before 1.6, and others before that. */
export const legacyFiles: HostileFile[] = [
  ...streams.map(([name, code, replaced, what]) =>
    refused(`legacy-${name}.pt`, code, `${what}, in a stream as before torch 1.6.`, () => legacy(replaced)),
  ),
  ...parts.map((_, index) =>
    refused(
      `legacy-cut-${index + 1}.pt`,
      'TRUNCATED',
      `A stream that ends after its pickle ${index + 1}.`,
      () => bytes(...parts.slice(0, index + 1)),
    ),
  ),
  refused(
    'legacy-index.pt',
    'LIMIT',
    'A stream whose pickles have more bytes than the limit.',
    () => legacy(),
    {
      indexBytes: 100,
    },
  ),
  refused(
    'tar.pt',
    'UNSUPPORTED_FORMAT',
    'A tar archive, which let weights_only=True run code (CVE-2025-32434).',
    tar,
  ),
  harmless(
    'legacy.pt',
    'A stream with nothing wrong, to know that the others fail for their reason.',
    () => legacy(),
    (value) => value.shape[0] === 4,
  ),
];
