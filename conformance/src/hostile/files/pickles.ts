import { bytes } from '../bytes.ts';
import { refused, type HostileFile } from '../hostile_file.ts';
import { assemble, call, dict, list, number, opcodes, pickle, text, tuple, type Op } from '../pickle.ts';
import { four, pt, ptWith, tensor } from '../pt.ts';

/** Opcodes that torch's weights_only reader takes; EMPTY_SET and SHORT_BINSTRING are of no use to a file of protocol 2. */
const taken = new Set(
  `PROTO STOP GLOBAL NEWOBJ REDUCE BUILD APPEND APPENDS SETITEM SETITEMS MARK TUPLE TUPLE1 TUPLE2 TUPLE3 NONE NEWFALSE
   NEWTRUE EMPTY_TUPLE EMPTY_LIST EMPTY_DICT EMPTY_SET BININT BININT1 BININT2 BINFLOAT BINUNICODE SHORT_BINSTRING
   BINPERSID BINGET LONG_BINGET BINPUT LONG_BINPUT LONG1`.split(/\s+/),
);

/** A data.pkl of these bytes. */
function raw(...parts: (Uint8Array | string)[]): Uint8Array {
  return ptWith({ name: 'archive/data.pkl', data: bytes(...parts) });
}

const emptyDict = call('collections OrderedDict');
const badStacks: [file: string, ops: Op[], what: string][] = [
  ['stop-empty.pt', [], 'STOP finds no value'],
  ['stop-mark.pt', [['NONE'], ['MARK']], 'STOP finds an open mark, and no value behind it'],
  ['no-mark.pt', [['NONE'], ['TUPLE']], 'TUPLE finds no mark'],
  ['setitems-no-mark.pt', [['EMPTY_DICT'], ['SETITEMS']], 'SETITEMS finds no mark'],
  [
    'setitems-odd.pt',
    [['EMPTY_DICT'], ['MARK'], ['NONE'], ['SETITEMS']],
    'SETITEMS finds a key without a value',
  ],
  ['tuple3-two.pt', [['NONE'], ['NONE'], ['TUPLE3']], 'TUPLE3 finds two values'],
  ['tuple-past-mark.pt', [['NONE'], ['MARK'], ['TUPLE1']], 'TUPLE1 reaches for a value before the mark'],
  ['append-nothing.pt', [['NONE'], ['APPEND']], 'APPEND finds a value and no list'],
  ['put-nothing.pt', [['BINPUT', 0], ['NONE']], 'BINPUT finds nothing to remember'],
];

const badTypes: [file: string, ops: Op[], what: string][] = [
  ['call-int.pt', [['BININT1', 1], ['EMPTY_TUPLE'], ['REDUCE']], 'REDUCE calls a number'],
  ['call-text.pt', [...text('os.system'), ['EMPTY_TUPLE'], ['REDUCE']], 'REDUCE calls a string'],
  ['call-result.pt', [...emptyDict, ['EMPTY_TUPLE'], ['REDUCE']], 'REDUCE calls what another call returned'],
  ['call-dtype.pt', [['GLOBAL', 'torch float32'], ['EMPTY_TUPLE'], ['REDUCE']], 'REDUCE calls a dtype'],
  [
    'call-list.pt',
    [['GLOBAL', 'collections OrderedDict'], ['EMPTY_LIST'], ['REDUCE']],
    'REDUCE finds a list for its arguments',
  ],
  ['newobj-text.pt', [...text('x'), ['EMPTY_TUPLE'], ['NEWOBJ']], 'NEWOBJ makes an object of a string'],
  ['build-list.pt', [['EMPTY_LIST'], ['EMPTY_DICT'], ['BUILD']], 'BUILD sets the attributes of a list'],
  ['build-dict.pt', [['EMPTY_DICT'], ['EMPTY_DICT'], ['BUILD']], 'BUILD sets the attributes of a dict'],
  [
    'build-tensor.pt',
    [...tensor(), ...dict(text('shape'), number(9)), ['BUILD']],
    'BUILD sets the attributes of a tensor',
  ],
  [
    'build-global.pt',
    [['GLOBAL', 'collections OrderedDict'], ['EMPTY_DICT'], ['BUILD']],
    'BUILD sets the attributes of a class',
  ],
  [
    'build-list-state.pt',
    [...emptyDict, ...list(number(1)), ['BUILD']],
    'BUILD gets attributes that are no dict',
  ],
  [
    'setitem-tensor.pt',
    [...tensor(), ...number(0), ...number(1), ['SETITEM']],
    'SETITEM writes into a tensor (CVE-2026-24747)',
  ],
  [
    'setitem-list.pt',
    [...list(number(1)), ...number(0), ...number(2), ['SETITEM']],
    'SETITEM writes into a list',
  ],
  [
    'setitems-tuple.pt',
    [['EMPTY_TUPLE'], ['MARK'], ...number(0), ...number(1), ['SETITEMS']],
    'SETITEMS writes into a tuple',
  ],
  ['append-dict.pt', [['EMPTY_DICT'], ['NONE'], ['APPEND']], 'APPEND adds to a dict'],
  ['appends-text.pt', [...text('x'), ['MARK'], ['NONE'], ['APPENDS']], 'APPENDS adds to a string'],
];

/** Pickles that no pickler writes. */
export const pickles: HostileFile[] = [
  ...Object.keys(opcodes)
    .filter((name) => !taken.has(name))
    .map((name) =>
      refused(
        `opcode-${name.toLowerCase()}.pt`,
        'PICKLE_OPCODE',
        `The opcode ${name}, which torch never writes.`,
        () => raw(assemble(['PROTO', 2], ['NONE'], withArgument(name)), 'N.'),
      ),
    ),
  refused('opcode-0.pt', 'PICKLE_OPCODE', 'A byte that is no opcode.', () =>
    raw(assemble(['PROTO', 2]), '\0.'),
  ),
  refused(
    'memoize.pt',
    'PICKLE_OPCODE',
    'PUT and MEMOIZE count differently, which hid a call from a scanner.',
    () => pt(['EMPTY_DICT'], ['BINPUT', 5], ...text('x'), ['MEMOIZE'], ['BINGET', 1]),
  ),
  refused('long4.pt', 'PICKLE_OPCODE', 'An integer of 2^31-1 bytes.', () =>
    raw(assemble(['PROTO', 2]), Uint8Array.of(0x8b, 255, 255, 255, 127), '.'),
  ),
  ...[0, 1, 4, 5, 255].map((version) =>
    refused(
      `protocol-${version}.pt`,
      'PICKLE_PROTOCOL',
      `The pickle says that it is of protocol ${version}.`,
      () => raw(assemble(['PROTO', version], ['NONE'], ['STOP'])),
    ),
  ),
  refused('no-protocol.pt', 'PICKLE_PROTOCOL', 'The pickle does not say its protocol.', () => raw('N.')),
  ...badStacks.map(([file, ops, what]) => refused(file, 'PICKLE_STACK', `${what}.`, () => pt(ops))),
  ...badTypes.map(([file, ops, what]) => refused(file, 'PICKLE_TYPE', `${what}.`, () => pt(ops))),
  refused('memo-unset.pt', 'PICKLE_MEMO', 'BINGET reads what was never written.', () => pt(['BINGET', 7])),
  refused('memo-huge.pt', 'PICKLE_MEMO', 'LONG_BINGET reads entry 2^32-1.', () =>
    pt(['LONG_BINGET', 0xffffffff]),
  ),
  refused('text-beyond.pt', 'TRUNCATED', 'A string of 4 GB, in a file of some hundred bytes.', () =>
    raw(assemble(['PROTO', 2]), 'X', Uint8Array.of(255, 255, 255, 255), 'abc'),
  ),
  refused('long-beyond.pt', 'TRUNCATED', 'An integer of 255 bytes, two of which are there.', () =>
    raw(assemble(['PROTO', 2]), Uint8Array.of(0x8a, 255, 1, 2)),
  ),
  refused('no-stop.pt', 'TRUNCATED', 'The pickle ends without STOP.', () =>
    raw(assemble(['PROTO', 2], ['NONE'])),
  ),
  refused('argument-cut.pt', 'TRUNCATED', 'The pickle ends in the argument of an opcode.', () =>
    raw(assemble(['PROTO', 2]), 'G', Uint8Array.of(1, 2, 3)),
  ),
  refused('name-cut.pt', 'TRUNCATED', 'The pickle ends in the name of a global.', () =>
    raw(assemble(['PROTO', 2]), 'ccollections\nOrdered'),
  ),
  refused('empty-pickle.pt', 'TRUNCATED', 'data.pkl is empty.', () => raw()),
  refused('text-bytes.pt', 'PICKLE_TEXT', 'A string that is not UTF-8.', () =>
    pt(['BINUNICODE', Uint8Array.of(0x61, 0xff)]),
  ),
  refused('text-overlong.pt', 'PICKLE_TEXT', 'A string that spells "/" in two bytes, past filters.', () =>
    pt(['BINUNICODE', Uint8Array.of(0xc0, 0xaf)]),
  ),
  refused('global-bytes.pt', 'PICKLE_TEXT', 'The name of a global is not UTF-8.', () =>
    raw(assemble(['PROTO', 2]), 'cos', Uint8Array.of(0xff), '\nsystem\n.'),
  ),
  refused('key-list.pt', 'PICKLE_KEY', 'A list as a key, which Python could not hash.', () =>
    pt(dict([['EMPTY_LIST']], number(1))),
  ),
  refused('key-tuple-dict.pt', 'PICKLE_KEY', 'A dict deep inside a key.', () =>
    pt(dict(tuple(number(1), tuple([['EMPTY_DICT']])), number(1))),
  ),
  refused('key-nan.pt', 'PICKLE_KEY', 'Two keys NaN: Python has two entries, and a Map would have one.', () =>
    pt(...dict([['BINFLOAT', NaN]], number(1), [['BINFLOAT', NaN]], number(2))),
  ),
  refused('set-list.pt', 'PICKLE_KEY', 'A set with a list as its member.', () =>
    pt(call('builtins set', list([['EMPTY_LIST']]))),
  ),
  refused('tensor-cut.pt', 'TRUNCATED', 'The pickle ends in the middle of a tensor.', () =>
    raw(pickle(tensor()).subarray(0, 90)),
  ),
  refused('pickle-of-bytes.pt', 'PICKLE_OPCODE', 'data.pkl holds elements, not a pickle.', () =>
    raw(assemble(['PROTO', 2]), four),
  ),
];

/** An opcode with an argument that fits it. */
function withArgument(name: string): Op {
  const form = opcodes[name]![1];
  if (form === 'lines') return [name, 'os system'];
  return [name, form.startsWith('int') ? 1 : '1'];
}
