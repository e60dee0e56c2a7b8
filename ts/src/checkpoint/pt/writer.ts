import { pickle } from '../pickle/pickler.ts';
import type { Target } from '../pickle/target.ts';
import type { FilePlan } from '../plan.ts';
import { MemoryStorage, type Storage } from '../storage.ts';
import { archiveSize, ZipWriter } from '../zip/writer.ts';
import { serializationId } from './serialization_id.ts';

const idLength = 40;

/**
 * Pickles a value, and lays out the archive that torch.save of the target would write of it.
 *
 * @param folder - the one that the records stand in
 * @throws UnsupportedError for what cannot be saved
 */
export function planPt(value: unknown, folder: string, target: Target): FilePlan {
  const { bytes, storages } = pickle(value, target);
  const records = [...recordsOf(bytes, storages, target)];
  const sizes = records.map(([name, { byteLength }]): [string, number] => [name, byteLength]);
  return {
    size: archiveSize(folder, [...sizes, ['.data/serialization_id', idLength]]),
    async write(out, options) {
      const zip = new ZipWriter(out, folder);
      const crcs: number[] = [];
      for (const [name, storage] of records) {
        const crc = await zip.add(name, storage, options);
        if (storage.byteLength > 0) crcs.push(crc);
      }
      const id = serializationId(
        records.map(([name]) => name),
        crcs,
      );
      await zip.add('.data/serialization_id', text(id), options);
      await zip.finish();
    },
  };
}

function* recordsOf(
  bytes: Uint8Array,
  storages: readonly Storage[],
  target: Target,
): Generator<[name: string, storage: Storage]> {
  yield ['data.pkl', new MemoryStorage(bytes)];
  if (target !== '2.1') {
    yield ['.format_version', text('1')];
    yield ['.storage_alignment', text('64')];
  }
  yield ['byteorder', text('little')];
  for (const [key, storage] of storages.entries()) yield [`data/${key}`, storage];
  yield ['version', text('3\n')];
}

function text(content: string): MemoryStorage {
  return new MemoryStorage(new TextEncoder().encode(content));
}
