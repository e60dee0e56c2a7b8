import { bytes, integer, type Part } from './bytes.ts';
import { dict, list, number, pickle, text, tuple, type Ops } from './pickle.ts';
import { four, tensor } from './pt.ts';

/** The parts of a stream as torch.save wrote it before 1.6: five pickles, then each storage after its count. */
export interface LegacyParts {
  magic?: Uint8Array;
  version?: Uint8Array;
  system?: Uint8Array;
  value?: Uint8Array;
  keys?: Uint8Array;
  storages?: Part;
}

export const legacyMagic: Uint8Array = pickle(['LONG1', integer(0x1950a86a20f9469cfc6cn, 10)]);

/** A tensor of a stream: its storage is named as torch.save does, with the place of a view as sixth item. */
export function legacyTensor({
  numel = number(4),
  view = [['NONE']],
}: { numel?: Ops; view?: Ops } = {}): Ops {
  const id = tuple(text('storage'), [['GLOBAL', 'torch FloatStorage']], text('0'), text('cpu'), numel, view);
  return tensor({ storage: [...id, ['BINPERSID']] });
}

/** What torch.save tells of its machine. */
export function systemInfo(littleEndian: Ops): Uint8Array {
  return pickle(
    ...dict(
      ...[text('protocol_version'), number(1001)],
      ...[text('little_endian'), littleEndian],
      ...[
        text('type_sizes'),
        dict(text('short'), number(2), text('int'), number(4), text('long'), number(4)),
      ],
    ),
  );
}

/** A storage as it lies in a stream. */
export function legacyStorage(data: Part = four, numel: number | bigint = 4): Uint8Array {
  return bytes(integer(numel, 8), data);
}

/** A stream of one tensor, in which any part can be replaced. */
export function legacy(parts: LegacyParts = {}): Uint8Array {
  return bytes(
    parts.magic ?? legacyMagic,
    parts.version ?? pickle(number(1001)),
    parts.system ?? systemInfo([['NEWTRUE']]),
    parts.value ?? pickle(legacyTensor()),
    parts.keys ?? pickle(list(text('0'))),
    parts.storages ?? legacyStorage(),
  );
}
