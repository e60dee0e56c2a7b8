import { itemSizes } from '../../dtype.ts';
import { Tuple } from '../../python/collections.ts';
import { FormatError, LimitError, UnsupportedError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import { Global, type Place } from '../pickle/environment.ts';
import { Unpickler } from '../pickle/unpickler.ts';
import type { ProgressOptions, Source } from '../source.ts';
import type { FileStorage } from '../storage.ts';
import { readArchive, type Archive } from '../zip/reader.ts';
import { Arguments } from './arguments.ts';
import { checkTree } from './check_tree.ts';
import { globalsOf, untypedStorage } from './globals.ts';
import { storageTypes } from './storage_types.ts';
import { TypedStorage } from './tensors.ts';

/** The versions of the archive that torch reads; every torch since 1.6 has written 3. */
const versions = { first: 1, last: 10 };

/**
 * Reads the tree of a zip archive of torch.save; the bytes of its tensors stay in the file.
 *
 * @returns the value; a float alone is a PythonNumber
 * @throws CheckpointError as errors.ts lists them
 */
export async function readPt(source: Source, limits: Limits, options: ProgressOptions): Promise<unknown> {
  const archive = await readArchive(source, limits, options);
  const file = source.name;
  if (archive.records.has('constants.pkl')) {
    throw new UnsupportedError(
      'UNSUPPORTED_FORMAT',
      'this is a TorchScript archive, which holds code: in Python, torch.save(torch.jit.load(…).state_dict(), …)',
      { file },
    );
  }
  await checkVersion(archive, file, options);
  await checkByteOrder(archive, file, options);

  const record = 'data.pkl';
  const pickle = need(archive, record, file);
  if (pickle.byteLength > limits.indexBytes) {
    throw new LimitError('LIMIT', `${record} has ${pickle.byteLength} bytes, more than limits.indexBytes`, {
      file,
      record,
      key: 'indexBytes',
      expected: limits.indexBytes,
      found: pickle.byteLength,
    });
  }
  const bytes = await pickle.read(undefined, undefined, options);
  const storages = new Map<string, FileStorage>();
  const environment = {
    global: globalsOf(source.size + limits.expandedBytes),
    persistent: (id: unknown, place: Place) => storageOf(id, archive, storages, place),
  };
  const unpickler = new Unpickler(bytes, environment, limits, { file, record });
  const value = unpickler.load();
  if (unpickler.position !== bytes.byteLength) {
    throw new FormatError('TRAILING_BYTES', `${record} goes on after its end`, {
      file,
      record,
      offset: unpickler.position,
      expected: unpickler.position,
      found: bytes.byteLength,
    });
  }
  checkTree(value, limits, { file, record });
  return value;
}

/** The storage of a persistent id: ('storage', its class, key, device, number of elements). */
function storageOf(
  id: unknown,
  archive: Archive,
  storages: Map<string, FileStorage>,
  place: Place,
): TypedStorage {
  if (!(id instanceof Tuple)) throw new FormatError('BAD_ARGUMENTS', 'a persistent id is no tuple', place());
  const args = new Arguments('a persistent id', id, place, 5);
  const { dtype, item } = storageClass(args);
  const key = args.string(2);
  const record = `data/${key}`;
  let storage = storages.get(key);
  if (storage === undefined) {
    storage = archive.storage(record);
    if (storage === undefined) {
      throw new FormatError('MISSING_RECORD', `the record ${record} of a storage is missing`, {
        ...place(),
        key: record,
      });
    }
    storages.set(key, storage);
  }
  const expected = args.size(4) * item;
  if (storage.byteLength !== expected) {
    throw new FormatError(
      'STORAGE_SIZE',
      `${record} has ${storage.byteLength} bytes, and should have ${expected}`,
      {
        ...place(),
        key: record,
        expected,
        found: storage.byteLength,
      },
    );
  }
  return new TypedStorage(storage, dtype);
}

/** The dtype of the class that a persistent id names, after the word 'storage', which alone may be there. */
export function storageClass(args: Arguments): { dtype: TypedStorage['dtype']; item: number } {
  if (args.string(0) !== 'storage') throw args.bad("'storage'", args.at(0), 0);
  args.string(3);
  const { name } = args.of(1, Global, 'the class of a storage');
  const dtype = name === untypedStorage ? 'uint8' : storageTypes[name.replace('torch.', '')];
  if (dtype === undefined) throw args.bad('the class of a storage', name, 1);
  return { dtype, item: itemSizes[dtype] };
}

function need(archive: Archive, record: string, file: string): FileStorage {
  const storage = archive.storage(record);
  if (storage === undefined)
    throw new FormatError('MISSING_RECORD', `the archive has no ${record}: torch.save has not written it`, {
      file,
      record,
    });
  return storage;
}

/** The text of a short record; undefined if it is longer than any that torch writes. */
async function text(storage: FileStorage, options: ProgressOptions): Promise<string | undefined> {
  if (storage.byteLength > 100) return undefined;
  return String.fromCharCode(...(await storage.read(undefined, undefined, options)));
}

async function checkVersion(archive: Archive, file: string, options: ProgressOptions): Promise<void> {
  const record = archive.records.has('.data/version') ? '.data/version' : 'version';
  const found = await text(need(archive, record, file), options);
  const version = /^\d+\s*$/.test(found ?? '') ? Number(found) : Number.NaN;
  if (version >= versions.first && version <= versions.last) return;
  throw new FormatError('BAD_VERSION', `the archive's version is not one that torch reads`, {
    file,
    record,
    expected: versions,
    found,
  });
}

async function checkByteOrder(archive: Archive, file: string, options: ProgressOptions): Promise<void> {
  const record = 'byteorder';
  const storage = archive.storage(record);
  const found = storage === undefined ? 'little' : await text(storage, options);
  if (found === 'little') return;
  if (found === 'big') {
    throw new UnsupportedError(
      'UNSUPPORTED_FORMAT',
      'the file is big-endian: load it in Python and save it again on a little-endian machine',
      { file, record },
    );
  }
  throw new FormatError('BAD_BYTE_ORDER', 'the byte order is neither little nor big', {
    file,
    record,
    found,
  });
}
