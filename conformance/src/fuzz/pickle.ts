import { integer } from '../hostile/bytes.ts';
import { assemble, call, opcodes, type Form, type Op } from '../hostile/pickle.ts';
import { edgeIntegers } from './edges.ts';
import { overwrite, type Edit } from './edit.ts';
import type { Random } from './random.ts';

const byCode = new Map(
  Object.entries(opcodes).map(([name, [code, form]]) => [code.charCodeAt(0), { name, form }] as const),
);
const names = Object.keys(opcodes);

interface Place {
  at: number;
  length: number;
  name: string;
}

/** Where each opcode of a pickle stands, with its argument; as far as it can be read. */
export function opcodesOf(file: Uint8Array): Place[] {
  const places: Place[] = [];
  for (let at = 0; at < file.length;) {
    const opcode = byCode.get(file[at]!);
    if (opcode === undefined) break;
    const length = 1 + lengthOfArgument(file, at + 1, opcode.form);
    if (at + length > file.length) break;
    places.push({ at, length, name: opcode.name });
    at += length;
  }
  return places;
}

function lengthOfArgument(file: Uint8Array, at: number, form: Form): number {
  if (form === 'none') return 0;
  if (form === 'double') return 8;
  if (form === 'line' || form === 'lines') {
    const end = file.indexOf(10, at);
    return end < 0
      ? Infinity
      : end + 1 - at + (form === 'lines' ? lengthOfArgument(file, end + 1, 'line') : 0);
  }
  const width = Number(form.at(-1));
  if (form.startsWith('int')) return width;
  return width + file.subarray(at, at + width).reduceRight((count, byte) => count * 256 + byte, 0);
}

/** Names that a reader knows, and some that it must not. */
const globals = [
  ...[
    'torch._utils _rebuild_tensor_v2',
    'torch._utils _rebuild_tensor_v3',
    'torch._utils _rebuild_parameter',
  ],
  ...[
    'torch FloatStorage',
    'torch DoubleStorage',
    'torch BoolStorage',
    'torch.storage UntypedStorage',
    'torch float32',
  ],
  ...[
    'collections OrderedDict',
    'collections Counter',
    'builtins set',
    'builtins bytearray',
    'builtins complex',
  ],
  ...[
    '_codecs encode',
    'torch Size',
    'torch device',
    'torch._tensor _rebuild_from_type_v2',
    'torch.nn.parameter Parameter',
  ],
  ...['torch._utils _rebuild_parameter_with_state', 'os system', '__proto__ constructor'],
];

/** Opcodes that put one value on the stack and take none: one in the place of another leaves the rest as it was. */
const pushes = [
  ...[
    'NONE',
    'NEWTRUE',
    'NEWFALSE',
    'EMPTY_TUPLE',
    'EMPTY_LIST',
    'EMPTY_DICT',
    'EMPTY_SET',
    'BININT',
    'BININT1',
  ],
  ...['BININT2', 'BINFLOAT', 'BINUNICODE', 'LONG1', 'BINGET', 'LONG_BINGET', 'GLOBAL', 'SHORT_BINSTRING'],
];

/** Changes a pickle by an opcode: its argument, its place, or which it is. */
export function mutatePickle(file: Uint8Array, random: Random): Edit | undefined {
  const places = opcodesOf(file);
  if (places.length === 0) return undefined;
  const { at, length, name } = random.pick(places);
  const other = random.pick(places);
  const span = file.slice(other.at, other.at + other.length * (1 + random.below(3)));
  switch (random.below(10)) {
    case 0:
      return { at, remove: length, insert: new Uint8Array() };
    case 1:
      return { at, remove: 0, insert: span };
    case 2:
      return { at, remove: length, insert: span };
    case 3:
      return {
        at,
        remove: random.pick([0, length]),
        insert: assemble(withArgument(random.pick(names), random)),
      };
    case 4:
      return { at, remove: random.pick([0, length]), insert: assemble(call(random.pick(globals))) };
    case 5: // also where it is a count of bytes
      return overwrite(at + 1, integer(random.pick(edgeIntegers), Math.min(length - 1, 8)));
    case 6:
      return { at, remove: length, insert: assemble(withArgument(name, random)) };
    default: {
      const { at, length } = random.pick(places.filter(({ name }) => pushes.includes(name)).concat(other));
      return { at, remove: length, insert: assemble(withArgument(random.pick(pushes), random)) };
    }
  }
}

function withArgument(name: string, random: Random): Op {
  const [, form] = opcodes[name]!;
  if (form === 'lines') return [name, random.pick(globals)];
  if (form === 'double') return [name, random.pick([0, -0, 0.5, 2 ** 53, Infinity, NaN])];
  if (form.startsWith('int'))
    return [name, random.pick([random.pick(edgeIntegers), BigInt(random.below(40))])];
  if (form === 'line') return [name, random.pick(['1', '-1', '1e9', 'x', ''])];
  return [name, random.pick([random.bytes(random.below(10)), 'cpu', '0', 'storage', 'latin1', '__proto__'])];
}
