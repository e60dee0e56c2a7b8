import { bytes, floats } from './bytes.ts';
import { call, number, text, tuple, type Ops, type Step, pickle } from './pickle.ts';
import { archive, descriptor, type ArchiveOptions, type ZipRecord } from './zip.ts';

/** Four float32 elements: what every archive has as `data/0`. */
export const four: Uint8Array = floats(1, 2, 3, 4);

/** What a tensor says of itself in a pickle; each part can be replaced by opcodes that say another thing. */
export interface TensorParts {
  storageType?: string;
  key?: Ops;
  numel?: Ops;
  location?: Ops;
  /** In place of the whole storage. */
  storage?: Ops;
  offset?: Ops;
  size?: Ops;
  stride?: Ops;
  requiresGrad?: Ops;
  hooks?: Ops;
  /** Further arguments: the dtype of version 3, metadata. */
  more?: Ops[];
  rebuild?: string;
}

/** The storage of a pickle: a tuple that BINPERSID looks up. */
export function storage({ storageType = 'torch FloatStorage', key, numel, location }: TensorParts = {}): Ops {
  const id = tuple(
    text('storage'),
    [['GLOBAL', storageType]],
    key ?? text('0'),
    location ?? text('cpu'),
    numel ?? number(4),
  );
  return [...id, ['BINPERSID']];
}

/** A float32 tensor of four elements, if nothing else is said. */
export function tensor(parts: TensorParts = {}): Ops {
  return call(
    parts.rebuild ?? 'torch._utils _rebuild_tensor_v2',
    parts.storage ?? storage(parts),
    parts.offset ?? number(0),
    parts.size ?? tuple(number(4)),
    parts.stride ?? tuple(number(1)),
    parts.requiresGrad ?? [['NEWFALSE']],
    parts.hooks ?? call('collections OrderedDict'),
    ...(parts.more ?? []),
  );
}

/** An archive of torch.save's records, around a data.pkl. Records replace those of the same name, or join them. */
export function records(data: Uint8Array, ...others: ZipRecord[]): ZipRecord[] {
  const usual: ZipRecord[] = [
    { name: 'archive/data.pkl', data },
    { name: 'archive/byteorder', data: 'little' },
    { name: 'archive/data/0', data: four },
    { name: 'archive/version', data: '3\n' },
  ];
  return [
    ...usual.map((record) => others.find(({ name }) => name === record.name) ?? record),
    ...others.filter((other) => usual.every(({ name }) => name !== other.name)),
  ];
}

/** The archive of a value that these opcodes make. */
export function pt(...steps: Step[]): Uint8Array {
  return archive(records(pickle(...steps)));
}

/** An archive of one tensor in which a record is replaced, joined, or damaged. */
export function ptWith(record: ZipRecord, options?: ArchiveOptions): Uint8Array {
  return archive(records(pickle(tensor()), record), options);
}

/** An archive of one tensor that lacks a record. */
export function ptWithout(name: string): Uint8Array {
  return archive(records(pickle(tensor())).filter((record) => record.name !== `archive/${name}`));
}

/** An archive of one tensor in torch.save's layout: data descriptors, and a zip64 end record. */
export function torchLayout(options: ArchiveOptions['zip64'] = {}): Uint8Array {
  const described = records(pickle(tensor())).map((record) => ({
    ...record,
    descriptor: descriptor(bytes(record.data)),
  }));
  return archive(described, { zip64: options });
}
