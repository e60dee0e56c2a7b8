import { itemSizes } from '../../dtype.ts';
import { OrderedDict, Counter } from '../../python/collections.ts';
import { isPlainObject } from '../../python/copy.ts';
import { comparePython } from '../../python/repr.ts';
import { toTagged, type Tagged } from '../../python/tagged.ts';
import { sizeOf, TensorData } from '../../tensor_data.ts';
import { UnsupportedError } from '../errors.ts';
import { isContiguous } from '../gather.ts';
import { LazyTensor } from '../lazy_tensor.ts';
import type { FilePlan } from '../plan.ts';
import type { ReadOptions, Source } from '../source.ts';
import type { StoredTensor } from '../tensor.ts';
import { maxHeaderBytes, metadataName, nameOfDType, treeKey } from './dtypes.ts';
import { headerTooLarge, nameTensors, type NamedTensor } from './names.ts';

/**
 * Lays a value out as a safetensors file: its tensors as Python's library lays them out, and, where it is more than a dict of
 * tensors, its tree in the metadata (FORMAT.md).
 *
 * @throws UnsupportedError for what cannot be saved
 */
export function planSafetensors(value: unknown): FilePlan {
  const named = nameTensors(value);
  for (const tensor of named.values()) checkTensor(tensor);
  const lazy = [...named.values()].map(({ tensor }) => tensor).filter((t) => t instanceof LazyTensor);
  checkExpansion(lazy);
  const metadata: Record<string, string> = { format: 'pt' };
  if (!isDictOfTensors(value, named)) metadata[treeKey] = treeText(value, named);
  const tensors = [...named.values()].sort(byDTypeAndName);
  const header = headerOf(metadata, tensors);
  return {
    size: header.length + tensors.reduce((sum, { tensor }) => sum + byteLength(tensor), 0),
    async write(out, options) {
      await checkStorages(lazy, options);
      await out.write(header);
      for (const { tensor } of tensors) {
        for await (const bytes of contents(tensor, options)) await out.write(bytes);
      }
    },
  };
}

/** Whether a file without a tree says all: a dict of names to tensors that are no parameters. */
function isDictOfTensors(value: unknown, named: ReadonlyMap<object, NamedTensor>): boolean {
  if (value instanceof Counter || (value instanceof OrderedDict && value.attributes?.size)) return false;
  if (!(value instanceof Map) && !isPlainObject(value)) return false;
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  return (
    entries.length === named.size &&
    entries.every(([key, entry]) => {
      const { name, tensor } = named.get(entry as object) ?? {};
      return tensor !== undefined && name === key && !tensor.parameter && !tensor.requiresGrad;
    })
  );
}

function treeText(value: unknown, named: ReadonlyMap<object, NamedTensor>): string {
  const tagged = toTagged(value, (object): Tagged | undefined => {
    const { name, tensor } = named.get(object) ?? {};
    if (name === undefined || tensor === undefined) return undefined;
    const { parameter, requiresGrad } = tensor;
    if (parameter) return { parameter: { tensor: name, requiresGrad } };
    return requiresGrad ? { requiringGrad: name } : { tensor: name };
  });
  return JSON.stringify(tagged);
}

function checkTensor({ tensor, path }: NamedTensor): void {
  if (nameOfDType[tensor.dtype] === undefined) {
    const message = `${path}: safetensors has no ${tensor.dtype}: save it as .pt`;
    throw new UnsupportedError('UNSUPPORTED_DTYPE', message, { path, key: tensor.dtype });
  }
  if (tensor instanceof LazyTensor) tensor.checkExpansion(tensor.byteLength);
}

/**
 * Views become tensors with bytes of their own, which all together may take what the limit `expandedBytes` allows. Twice the file is
 * free: a tied weight is written twice, and may be large.
 */
function checkExpansion(tensors: readonly LazyTensor[]): void {
  const sums = new Map<Source, number>();
  for (const tensor of tensors) {
    const { source } = tensor.storage;
    const sum = (sums.get(source) ?? 0) + tensor.byteLength;
    sums.set(source, sum);
    tensor.checkExpansion(sum - source.size);
  }
}

/** Reads the storages of which no tensor is all, for their checksums: whoever reads parts does not see damage. */
async function checkStorages(tensors: readonly LazyTensor[], options: ReadOptions): Promise<void> {
  const partial = new Set(tensors.map(({ storage }) => storage));
  for (const tensor of tensors) {
    if (tensor.byteLength === tensor.storage.byteLength && isContiguous(tensor))
      partial.delete(tensor.storage);
  }
  for (const storage of partial) for await (const _ of storage.chunks(options));
}

const dtypes = Object.keys(nameOfDType);

/** safetensors' library orders tensors by dtype, and then by name. */
function byDTypeAndName(a: NamedTensor, b: NamedTensor): number {
  return dtypes.indexOf(a.tensor.dtype) - dtypes.indexOf(b.tensor.dtype) || comparePython(a.name, b.name);
}

function headerOf(metadata: Record<string, string>, tensors: readonly NamedTensor[]): Uint8Array {
  // Text by text: no object keeps names such as `1` or `__proto__` in their place.
  const entries = [`${JSON.stringify(metadataName)}:${JSON.stringify(metadata)}`];
  let end = 0;
  for (const { name, tensor } of tensors) {
    const { dtype, shape } = tensor;
    const begin = end;
    end += byteLength(tensor);
    const entry = { dtype: nameOfDType[dtype], shape, data_offsets: [begin, end] };
    entries.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
  }
  const json = new TextEncoder().encode(`{${entries.join(',')}}`);
  const length = Math.ceil(json.length / 8) * 8;
  if (length > maxHeaderBytes) throw headerTooLarge(length);
  const header = new Uint8Array(8 + length).fill(0x20); // spaces bring the data to a multiple of 8
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(json, 8);
  return header;
}

function byteLength({ dtype, shape }: StoredTensor): number {
  return sizeOf(shape) * itemSizes[dtype];
}

/** The elements in row-major order. */
async function* contents(tensor: StoredTensor, options: ReadOptions): AsyncGenerator<Uint8Array> {
  if (tensor instanceof LazyTensor) yield* tensor.chunks(options);
  else if (tensor instanceof TensorData) yield tensor.bytes;
  else yield* tensor.storage.chunks(options);
}
