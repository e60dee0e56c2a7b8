import { Tuple } from '../../python/collections.ts';
import { FormatError, LimitError, UnsupportedError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import type { Environment, Place } from '../pickle/environment.ts';
import { Unpickler } from '../pickle/unpickler.ts';
import type { ProgressOptions, Source } from '../source.ts';
import { FileStorage } from '../storage.ts';
import { Arguments } from './arguments.ts';
import { checkTree } from './check_tree.ts';
import { globalsOf } from './globals.ts';
import { storageClass } from './reader.ts';
import { TypedStorage } from './tensors.ts';

/** What stands first in a stream of torch.save before 1.6: the pickled number 0x1950a86a20f9469cfc6c, after the protocol. */
export const legacyMagic: readonly number[] = [
  0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e,
];
const magic = 0x1950a86a20f9469cfc6cn;
const protocolVersion = 1001;
/** Bytes of the number in front of each storage's bytes: its elements. */
const countBytes = 8;
const firstReadBytes = 1 << 20;

/** A storage that the pickle promises, and how large its elements are. */
interface Promised {
  storage: FileStorage;
  item: number;
}

/**
 * Reads the tree of a legacy stream: pickles of a magic number, a version, the system, the value and the keys of storages; and then
 * the bytes of the storages in that order.
 *
 * @returns the value; a float alone is a PythonNumber
 * @throws CheckpointError as errors.ts lists them
 */
export async function readLegacy(source: Source, limits: Limits, options: ProgressOptions): Promise<unknown> {
  // Where the pickles end only they tell: what does not suffice is read again, with more.
  for (let length = firstReadBytes; ; length *= 8) {
    const readable = Math.min(source.size, limits.indexBytes);
    const bytes = await source.read(0, Math.min(length, readable), options);
    try {
      return await readStream(bytes, source, limits, options);
    } catch (error) {
      const short = error instanceof FormatError && error.code === 'TRUNCATED' && 'opcode' in error.details;
      if (!short || bytes.byteLength === source.size) throw error;
      if (bytes.byteLength === readable) {
        throw new LimitError('LIMIT', 'the pickles are longer than the limit, limits.indexBytes', {
          file: source.name,
          key: 'indexBytes',
          expected: limits.indexBytes,
        });
      }
    }
  }
}

async function readStream(
  bytes: Uint8Array,
  source: Source,
  limits: Limits,
  options: ProgressOptions,
): Promise<unknown> {
  const file = source.name;
  const storages = new Map<string, Promised>();
  const environment: Environment = {
    global: globalsOf(source.size + limits.expandedBytes),
    persistent: (id, place) => storageOf(id, source, storages, place),
  };
  let position = 0;
  const next = (): unknown => {
    const unpickler = new Unpickler(bytes, environment, limits, { file }, position);
    const value = unpickler.load();
    position = unpickler.position;
    return value;
  };
  const damaged = (message: string, expected: unknown, found: unknown): FormatError =>
    new FormatError('LEGACY', message, { file, offset: position, expected, found });

  const [first, version, system] = [next(), next(), next()];
  if (first !== magic) throw damaged('the magic number is another', magic, first);
  if (version !== protocolVersion) throw damaged('the version is another', protocolVersion, version);
  const little = system instanceof Map ? system.get('little_endian') : undefined;
  if (little === false) {
    throw new UnsupportedError(
      'UNSUPPORTED_FORMAT',
      'the file is big-endian: load it in Python and save it again on a little-endian machine',
      { file },
    );
  }
  if (little !== true) throw damaged('the third pickle does not describe a system', 'little_endian', system);
  const value = next();
  const keys = next();
  if (!Array.isArray(keys)) throw damaged('the fifth pickle is no list of keys', 'a list', keys);
  await place(keys, storages, position, source, options);
  checkTree(value, limits, { file });
  return value;
}

/** Gives the storages their places, which follow each other, each behind the number of its elements. */
async function place(
  keys: unknown[],
  storages: ReadonlyMap<string, Promised>,
  position: number,
  source: Source,
  options: ProgressOptions,
): Promise<void> {
  const file = source.name;
  const left = new Map(storages);
  let at = position;
  for (const key of keys) {
    const promised = left.get(key as string);
    if (promised === undefined) {
      throw new FormatError('LEGACY', 'the keys are not those of the storages, each once', {
        file,
        offset: at,
        ...(typeof key === 'string' && { key }),
      });
    }
    left.delete(key as string);
    const { storage, item } = promised;
    const count = await source.read(at, countBytes, options);
    const elements = new DataView(count.buffer, count.byteOffset, countBytes).getBigInt64(0, true);
    if (elements !== BigInt(storage.byteLength / item)) {
      throw new FormatError(
        'STORAGE_SIZE',
        'a storage has another number of elements than its tensors know',
        {
          file,
          key: String(key),
          offset: at,
          expected: storage.byteLength / item,
          found: elements,
        },
      );
    }
    storage.start = at + countBytes;
    at = storage.start + storage.byteLength;
  }
  if (left.size > 0) {
    const [key] = left.keys();
    throw new FormatError('LEGACY', 'a storage has no bytes', { file, key: String(key) });
  }
  if (at > source.size) {
    throw new FormatError('TRUNCATED', 'the file ends in its storages', {
      file,
      expected: at,
      found: source.size,
    });
  }
  if (at < source.size) {
    throw new FormatError('TRAILING_BYTES', 'the file goes on after its last storage', {
      file,
      offset: at,
      expected: at,
      found: source.size,
    });
  }
}

/** The storage of a persistent id: ('storage', its class, key, device, elements, None or (key of a view, offset, elements)). */
function storageOf(id: unknown, source: Source, storages: Map<string, Promised>, place: Place): TypedStorage {
  if (!(id instanceof Tuple)) throw new FormatError('BAD_ARGUMENTS', 'a persistent id is no tuple', place());
  const args = new Arguments('a persistent id', id, place, 6);
  const { dtype, item } = storageClass(args);
  const key = args.string(2);
  const byteLength = args.size(4) * item;
  let promised = storages.get(key);
  if (promised === undefined) {
    // Its place is known when all pickles are read.
    promised = { storage: new FileStorage(source, 0, byteLength), item };
    storages.set(key, promised);
  }
  const { storage } = promised;
  if (storage.byteLength !== byteLength || byteLength > source.size) {
    throw new FormatError('STORAGE_SIZE', 'a storage has an impossible size, or two', {
      ...place(),
      key,
      expected: storage.byteLength,
      found: byteLength,
    });
  }
  if (id[5] === null) return new TypedStorage(storage, dtype);

  const view = new Arguments('a view of a storage', args.of(5, Tuple, 'a tuple or None'), place, 3);
  const [start, length] = [view.size(1) * item, view.size(2) * item];
  if (start + length > byteLength) throw view.bad('a part of the storage', id[5]);
  return new TypedStorage(storage, dtype, start, length);
}
