import { FormatError, LimitError } from '../errors.ts';
import { LazyTensor } from '../lazy_tensor.ts';
import type { Limits } from '../limits.ts';
import type { ReadOptions, Source } from '../source.ts';
import { FileStorage } from '../storage.ts';
import { contiguousStride } from '../writable.ts';
import { maxHeaderBytes, treeKey } from './dtypes.ts';
import { parseHeader, type HeaderEntry } from './header.ts';
import { readTree } from './tree.ts';

/**
 * Opens a safetensors file: a Map of its tensors by name, or the tree that {@link save} described in its metadata (FORMAT.md).
 *
 * @returns the value, and the metadata, if the file has any
 */
export async function readSafetensors(
  source: Source,
  limits: Limits,
  options: ReadOptions,
): Promise<{ value: unknown; metadata: Map<string, string> | undefined }> {
  const file = source.name;
  const lengthBytes = await source.read(0, 8, options);
  const length = Number(new DataView(lengthBytes.buffer, lengthBytes.byteOffset, 8).getBigUint64(0, true));
  if (length < 2 || length > Math.min(source.size - 8, maxHeaderBytes)) {
    const message = `a header of ${length} bytes in a file of ${source.size}; safetensors allows ${maxHeaderBytes}`;
    throw new FormatError('HEADER_SIZE', message, { file, offset: 0, found: length });
  }
  if (length > limits.indexBytes) {
    const details = { file, key: 'indexBytes', expected: limits.indexBytes, found: length };
    throw new LimitError(
      'LIMIT',
      `a header of ${length} bytes: raise limits.indexBytes if you trust the file`,
      details,
    );
  }
  const bytes = await source.read(8, length, options);
  const dataStart = 8 + length;
  const { entries, metadata } = parseHeader(bytes, source.size - dataStart, limits, file);

  const storages = new Map(
    entries.map(({ name, begin, end }) => [name, new FileStorage(source, dataStart + begin, end - begin)]),
  );
  const tensor = (
    { name, dtype, shape }: HeaderEntry,
    tag = { parameter: false, requiresGrad: false },
  ): LazyTensor => {
    const storage = storages.get(name) as FileStorage;
    return new LazyTensor(
      dtype,
      shape,
      { storage, offset: 0, stride: contiguousStride(shape), ...tag },
      source.size,
    );
  };
  const tree = metadata?.get(treeKey);
  if (tree !== undefined) return { value: readTree(tree, entries, tensor, limits, file), metadata };
  return { value: new Map(entries.map((entry) => [entry.name, tensor(entry)])), metadata };
}
