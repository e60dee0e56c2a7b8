import { bytes } from '../bytes.ts';
import { refused, type Code, type HostileFile } from '../hostile_file.ts';
import { call, dict, list, number, pickle, text, tuple, type Op, type Ops } from '../pickle.ts';
import { four, pt, ptWith, records, storage, tensor, type TensorParts } from '../pt.ts';
import { archive } from '../zip.ts';

const float: Ops = [['BINFLOAT', 4]];
const v3 = 'torch._utils _rebuild_tensor_v3';
const untyped = 'torch.storage UntypedStorage';

const badTensors: [file: string, code: Code, parts: TensorParts, what: string][] = [
  // Shapes.
  ['size-negative.pt', 'TENSOR_SHAPE', { size: tuple(number(-4)) }, 'A negative size'],
  ['size-float.pt', 'TENSOR_SHAPE', { size: tuple(float) }, 'A size that is a float'],
  ['size-bool.pt', 'TENSOR_SHAPE', { size: tuple([['NEWTRUE']]) }, 'A size that is True'],
  ['size-2-63.pt', 'TENSOR_SHAPE', { size: tuple(number(2n ** 63n)) }, 'A size of 2^63'],
  ['size-text.pt', 'TENSOR_SHAPE', { size: tuple(text('4')) }, 'A size that is a string'],
  [
    'stride-negative.pt',
    'TENSOR_SHAPE',
    { stride: tuple(number(-1)) },
    'A negative stride, to reach before the storage',
  ],
  [
    'stride-2-53.pt',
    'TENSOR_SHAPE',
    { stride: tuple(number(2n ** 53n)) },
    'A stride that a double cannot hold exactly',
  ],
  ['stride-missing.pt', 'TENSOR_SHAPE', { stride: [['EMPTY_TUPLE']] }, 'Fewer strides than sizes'],
  ['stride-more.pt', 'TENSOR_SHAPE', { stride: tuple(number(1), number(1)) }, 'More strides than sizes'],
  [
    'offset-negative.pt',
    'TENSOR_SHAPE',
    { offset: number(-1) },
    'A negative offset, to reach before the storage',
  ],
  ['offset-float.pt', 'TENSOR_SHAPE', { offset: [['BINFLOAT', 0.5]] }, 'An offset of half an element'],
  [
    'product.pt',
    'TENSOR_SHAPE',
    { size: tuple(number(2 ** 32), number(2 ** 32)), stride: tuple(number(0), number(0)) },
    'Sizes whose product is 2^64, and so 0 in 64 bits',
  ],
  [
    'size-empty.pt',
    'TENSOR_SHAPE',
    { size: tuple(number(0), number(2n ** 53n - 1n)), stride: tuple(number(2n ** 53n - 1n), number(1)) },
    'No elements, and a size whose bytes a double cannot hold',
  ],
  // Reach.
  ['size-beyond.pt', 'TENSOR_RANGE', { size: tuple(number(5)) }, 'An element more than the storage has'],
  ['offset-beyond.pt', 'TENSOR_RANGE', { offset: number(1) }, 'An offset that pushes the last element out'],
  ['offset-huge.pt', 'TENSOR_RANGE', { offset: number(2n ** 52n) }, 'An offset of 2^52 elements'],
  [
    'stride-beyond.pt',
    'TENSOR_RANGE',
    { stride: tuple(number(2)) },
    'A stride that steps out of the storage',
  ],
  [
    'stride-wraps.pt',
    'TENSOR_RANGE',
    { size: tuple(number(3)), stride: tuple(number(2n ** 51n)) },
    'A stride whose bytes wrap around 2^53',
  ],
  // Expansion.
  [
    'expanded.pt',
    'LIMIT',
    { size: tuple(number(2n ** 40n)), stride: tuple(number(0)) },
    'A stride of 0: four terabytes out of one element',
  ],
  // Arguments.
  ['size-list.pt', 'TENSOR_SHAPE', { size: list(number(4)) }, 'A list for sizes'],
  ['stride-int.pt', 'TENSOR_SHAPE', { stride: number(1) }, 'A number for strides'],
  [
    'storage-int.pt',
    'BAD_ARGUMENTS',
    { storage: number(140000) },
    'A number for the storage: an address, for those who trust it',
  ],
  ['storage-tensor.pt', 'BAD_ARGUMENTS', { storage: tensor() }, 'A tensor for the storage'],
  [
    'grad-text.pt',
    'BAD_ARGUMENTS',
    { requiresGrad: text('False') },
    'A string for requires_grad, which would be true',
  ],
  ['hooks.pt', 'BAD_ARGUMENTS', { hooks: list(text('print')) }, 'A list for the hooks'],
  ['metadata.pt', 'BAD_ARGUMENTS', { more: [number(1)] }, 'A number for the metadata'],
  [
    'too-many.pt',
    'BAD_ARGUMENTS',
    { more: [dict(), number(1), number(2), number(3)] },
    'More arguments than the function has',
  ],
  ['v3-no-dtype.pt', 'BAD_ARGUMENTS', { rebuild: v3, storageType: untyped, numel: number(16) }, 'No dtype'],
  [
    'v3-text.pt',
    'BAD_ARGUMENTS',
    { rebuild: v3, storageType: untyped, numel: number(16), more: [text('float32')] },
    'A string for the dtype',
  ],
  // Storages.
  ['key-int.pt', 'BAD_ARGUMENTS', { key: number(0) }, 'A storage whose key is a number'],
  [
    'key-parent.pt',
    'MISSING_RECORD',
    { key: text('../data.pkl') },
    'A storage whose key climbs to the pickle itself',
  ],
  ['key-path.pt', 'MISSING_RECORD', { key: text('x/../0') }, 'A storage whose key is a path'],
  ['numel-negative.pt', 'BAD_ARGUMENTS', { numel: number(-4) }, 'A negative number of elements'],
  ['numel-float.pt', 'BAD_ARGUMENTS', { numel: float }, 'A number of elements that is a float'],
  ['numel-2-62.pt', 'STORAGE_SIZE', { numel: number(2n ** 52n) }, 'A storage of 2^54 bytes'],
  [
    'numel-2-64.pt',
    'BAD_ARGUMENTS',
    { numel: number(2n ** 64n) },
    'A number of elements that wraps around to 0',
  ],
  [
    'type-text.pt',
    'BAD_ARGUMENTS',
    { storageType: 'collections OrderedDict' },
    'A storage of a class that is no storage',
  ],
];

const badCalls: [file: string, ops: readonly Op[], what: string][] = [
  [
    'persid-kind.pt',
    [
      ...tuple(text('module'), [['GLOBAL', 'torch FloatStorage']], text('0'), text('cpu'), number(4)),
      ['BINPERSID'],
    ],
    'An id that is right but for its first word',
  ],
  [
    'from-type.pt',
    call(
      'torch._tensor _rebuild_from_type_v2',
      ...([
        [['GLOBAL', 'collections OrderedDict']],
        [['GLOBAL', 'torch.nn.parameter Parameter']],
      ] satisfies Ops[]),
      ...([[['EMPTY_TUPLE']], [['EMPTY_DICT']]] satisfies Ops[]),
    ),
    'A tensor made by a function that makes none',
  ],
  ['rebuild-nothing.pt', call('torch._utils _rebuild_tensor_v2'), 'No arguments at all'],
  [
    'parameter-int.pt',
    call('torch._utils _rebuild_parameter', number(1), [['NEWTRUE']], dict()),
    'A Parameter of a number',
  ],
  [
    'encode-zip.pt',
    call('_codecs encode', text('x'), text('zlib')),
    'bytes by another codec than latin1: a decompressor',
  ],
  [
    'encode-wide.pt',
    call('_codecs encode', text('\u20ac'), text('latin1')),
    'bytes of a character that is none',
  ],
  [
    'bytearray-size.pt',
    call('builtins bytearray', number(2n ** 40n)),
    'bytearray(2^40), which allocates a terabyte',
  ],
  ['set-text.pt', call('builtins set', number(3)), 'A set of a number'],
  ['counter-list.pt', call('collections Counter', number(3)), 'A Counter of a number'],
  [
    'ordered-pairs.pt',
    call('collections OrderedDict', list(number(1))),
    'An OrderedDict of things that are no pairs',
  ],
  ['size-of-text.pt', call('torch Size', list(text('4'))), 'A torch.Size of strings'],
  ['device-text.pt', call('torch device', text('cpu; rm')), 'A device that is none'],
  ['complex-text.pt', call('builtins complex', text('1'), text('2')), 'A complex number of strings'],
  ['persid-text.pt', [...text('storage'), ['BINPERSID']], 'An id that is a string'],
  ['persid-empty.pt', [['EMPTY_TUPLE'], ['BINPERSID']], 'An id of nothing'],
  [
    'persid-module.pt',
    [...tuple(text('module'), text('x'), text('y'), text('z')), ['BINPERSID']],
    'An id of a module, whose source torch once stored',
  ],
  ['persid-short.pt', [...tuple(text('storage'), text('0')), ['BINPERSID']], 'An id with too few parts'],
];

/** Tensors and calls with impossible arguments. */
export const tensors: HostileFile[] = [
  ...badTensors.map(([file, code, parts, what]) => refused(file, code, `${what}.`, () => pt(tensor(parts)))),
  ...badCalls.map(([file, ops, what]) => refused(file, 'BAD_ARGUMENTS', `${what}.`, () => pt(ops))),
  refused('two-promises.pt', 'STORAGE_SIZE', 'Two tensors promise different sizes of one storage.', () =>
    pt(list(tensor(), tensor({ numel: number(2), size: tuple(number(2)) }))),
  ),
  refused(
    'two-types.pt',
    'STORAGE_SIZE',
    'Two tensors promise different types of one storage, whose bytes differ.',
    () => pt(list(tensor(), tensor({ storageType: 'torch DoubleStorage' }))),
  ),
  refused('overlapping-sizes.pt', 'TENSOR_RANGE', 'Each dimension fits, and both together reach out.', () =>
    pt(tensor({ size: tuple(number(2), number(3)), stride: tuple(number(2), number(1)) })),
  ),
  refused(
    'storage-of-pickle.pt',
    'STORAGE_SIZE',
    'The record of a storage has bytes to spare, to smuggle something.',
    () => ptWith({ name: 'archive/data/0', data: bytes(new Uint8Array(16), 'PK\x03\x04') }),
  ),
  refused('untyped-odd.pt', 'TENSOR_RANGE', 'A storage of bytes that ends within the last element.', () => {
    const dtype: Ops = [['GLOBAL', 'torch float32']];
    const parts = { rebuild: v3, storageType: untyped, numel: number(15), more: [dtype] };
    return archive(records(pickle(tensor(parts)), { name: 'archive/data/0', data: four.subarray(0, 15) }));
  }),
  refused(
    'key-tensor.pt',
    'UNSUPPORTED_VALUE',
    'A tensor as a key, which Python tells from others by its address.',
    () => pt(dict(tensor(), number(1))),
  ),
  refused('set-tensor.pt', 'UNSUPPORTED_VALUE', 'A tensor in a tuple in a set.', () =>
    pt(call('builtins set', list(tuple(tensor())))),
  ),
  refused('lone-storage.pt', 'UNSUPPORTED_VALUE', 'A storage that belongs to no tensor.', () =>
    pt(storage()),
  ),
  refused(
    'held-class.pt',
    'UNSUPPORTED_GLOBAL',
    'A class that is known, as a value, for code that calls what it loads.',
    () => pt(list([['GLOBAL', 'collections OrderedDict']])),
  ),
];
