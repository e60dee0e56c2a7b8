import { bytes, integer } from './bytes.ts';

/** An opcode by the name that Python's pickletools has for it, and its argument. */
export type Op = readonly [name: string, argument?: string | number | bigint | Uint8Array];
export type Ops = readonly Op[];
/** Opcodes one by one, or many at once. */
export type Step = Op | Ops;

/** How an argument is written: in so many bytes, behind a count of so many bytes, or as a line or two of text. */
export type Form =
  'none' | 'int1' | 'int2' | 'int4' | 'int8' | 'double' | 'count1' | 'count4' | 'count8' | 'line' | 'lines';

/** Every opcode of the protocols 0 to 5: its byte, and the form of its argument. */
export const opcodes: Readonly<Record<string, readonly [code: string, form: Form]>> = {
  ...{
    MARK: ['(', 'none'],
    STOP: ['.', 'none'],
    POP: ['0', 'none'],
    POP_MARK: ['1', 'none'],
    DUP: ['2', 'none'],
  },
  ...{ FLOAT: ['F', 'line'], INT: ['I', 'line'], BININT: ['J', 'int4'], BININT1: ['K', 'int1'] },
  ...{ LONG: ['L', 'line'], BININT2: ['M', 'int2'], NONE: ['N', 'none'], PERSID: ['P', 'line'] },
  ...{ BINPERSID: ['Q', 'none'], REDUCE: ['R', 'none'], STRING: ['S', 'line'], BINSTRING: ['T', 'count4'] },
  ...{
    SHORT_BINSTRING: ['U', 'count1'],
    UNICODE: ['V', 'line'],
    BINUNICODE: ['X', 'count4'],
    APPEND: ['a', 'none'],
  },
  ...{ BUILD: ['b', 'none'], GLOBAL: ['c', 'lines'], DICT: ['d', 'none'], EMPTY_DICT: ['}', 'none'] },
  ...{ APPENDS: ['e', 'none'], GET: ['g', 'line'], BINGET: ['h', 'int1'], INST: ['i', 'lines'] },
  ...{ LONG_BINGET: ['j', 'int4'], LIST: ['l', 'none'], EMPTY_LIST: [']', 'none'], OBJ: ['o', 'none'] },
  ...{ PUT: ['p', 'line'], BINPUT: ['q', 'int1'], LONG_BINPUT: ['r', 'int4'], SETITEM: ['s', 'none'] },
  ...{ TUPLE: ['t', 'none'], EMPTY_TUPLE: [')', 'none'], SETITEMS: ['u', 'none'], BINFLOAT: ['G', 'double'] },
  ...{ PROTO: ['\x80', 'int1'], NEWOBJ: ['\x81', 'none'], EXT1: ['\x82', 'int1'], EXT2: ['\x83', 'int2'] },
  ...{ EXT4: ['\x84', 'int4'], TUPLE1: ['\x85', 'none'], TUPLE2: ['\x86', 'none'], TUPLE3: ['\x87', 'none'] },
  ...{
    NEWTRUE: ['\x88', 'none'],
    NEWFALSE: ['\x89', 'none'],
    LONG1: ['\x8a', 'count1'],
    LONG4: ['\x8b', 'count4'],
  },
  ...{ BINBYTES: ['B', 'count4'], SHORT_BINBYTES: ['C', 'count1'], SHORT_BINUNICODE: ['\x8c', 'count1'] },
  ...{ BINUNICODE8: ['\x8d', 'count8'], BINBYTES8: ['\x8e', 'count8'], EMPTY_SET: ['\x8f', 'none'] },
  ...{ ADDITEMS: ['\x90', 'none'], FROZENSET: ['\x91', 'none'], NEWOBJ_EX: ['\x92', 'none'] },
  ...{ STACK_GLOBAL: ['\x93', 'none'], MEMOIZE: ['\x94', 'none'], FRAME: ['\x95', 'int8'] },
  ...{ BYTEARRAY8: ['\x96', 'count8'], NEXT_BUFFER: ['\x97', 'none'], READONLY_BUFFER: ['\x98', 'none'] },
};

/** Opcodes as they stand, with no PROTO and no STOP of their own. */
export function assemble(...steps: Step[]): Uint8Array {
  const encoded = steps.flatMap((step) => (isOp(step) ? [encode(step)] : step.map(encode)));
  return new Uint8Array(Buffer.concat(encoded));
}

function isOp(step: Step): step is Op {
  return typeof step[0] === 'string';
}

function encode([name, argument = '']: Op): Uint8Array {
  const [code, form] = opcodes[name]!;
  return bytes(Uint8Array.of(code.charCodeAt(0)), encodeArgument(form, argument));
}

function encodeArgument(form: Form, argument: string | number | bigint | Uint8Array): Uint8Array {
  const width = Number(/\d/.exec(form)?.[0]);
  if (form === 'none') return bytes();
  if (form === 'double') return new Uint8Array(Float64Array.of(Number(argument)).buffer).reverse();
  if (form.startsWith('int')) return integer(argument as number | bigint, width);
  const content = bytes(argument as string | Uint8Array);
  if (form.startsWith('count')) return bytes(integer(content.length, width), content);
  // A global is named as `module name`, and stands on two lines.
  return bytes(form === 'lines' ? (argument as string).replace(' ', '\n') : content, '\n');
}

/** A pickle of protocol 2 whose value these opcodes make. */
export function pickle(...steps: Step[]): Uint8Array {
  return assemble(['PROTO', 2], ...steps, ['STOP']);
}

export function text(value: string): Ops {
  return [['BINUNICODE', value]];
}

/** A Python int of up to eight bytes. */
export function number(value: number | bigint): Ops {
  return value >= 0 && value < 256 ? [['BININT1', value]] : [['LONG1', integer(value, 9)]];
}

export function tuple(...items: Ops[]): Ops {
  return [['MARK'], ...items.flat(), ['TUPLE']];
}

export function list(...items: Ops[]): Ops {
  return [['EMPTY_LIST'], ['MARK'], ...items.flat(), ['APPENDS']];
}

/** A dict; keys and values take turns. */
export function dict(...items: Ops[]): Ops {
  return [['EMPTY_DICT'], ['MARK'], ...items.flat(), ['SETITEMS']];
}

/** A call of a global, named as `module name`. */
export function call(name: string, ...args: Ops[]): Ops {
  return [['GLOBAL', name], ...tuple(...args), ['REDUCE']];
}

/** The opcodes so many times. */
export function times(count: number, ...ops: Op[]): Ops {
  return Array.from({ length: count }, () => ops).flat();
}
