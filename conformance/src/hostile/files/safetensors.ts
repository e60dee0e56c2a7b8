import { bytes } from '../bytes.ts';
import { harmless, refused, type Code, type HostileFile } from '../hostile_file.ts';
import { entry, safetensors } from '../safetensors.ts';

const two = new Uint8Array(32);
const raw = '{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}';

const badEntries: [file: string, code: Code, fields: Record<string, unknown>, what: string][] = [
  ['dtype-unknown', 'UNSUPPORTED_DTYPE', { dtype: 'F33' }, 'A dtype that is none'],
  ['dtype-f4', 'UNSUPPORTED_DTYPE', { dtype: 'F4', shape: [32] }, 'A dtype of half a byte'],
  ['dtype-number', 'HEADER_ENTRY', { dtype: 32 }, 'A number for the dtype'],
  [
    'dtype-constructor',
    'UNSUPPORTED_DTYPE',
    { dtype: 'constructor' },
    'A dtype that every JavaScript object has',
  ],
  ['dtype-lie', 'DATA_OFFSETS', { dtype: 'F64' }, 'A dtype of twice the bytes'],
  ['shape-missing', 'HEADER_ENTRY', { shape: undefined }, 'No shape'],
  ['shape-negative', 'HEADER_ENTRY', { shape: [-2, -2] }, 'Two negative sizes, with a product that fits'],
  ['shape-fraction', 'HEADER_ENTRY', { shape: [0.5, 8] }, 'A size of one half, with a product that fits'],
  ['shape-text', 'HEADER_ENTRY', { shape: ['4'] }, 'A string for a size'],
  ['shape-object', 'HEADER_ENTRY', { shape: { 0: 4, length: 1 } }, 'An object for the shape'],
  ['shape-lie', 'DATA_OFFSETS', { shape: [5] }, 'A shape of more elements than there are'],
  [
    'shape-product',
    'DATA_OFFSETS',
    { shape: [2 ** 32, 2 ** 32] },
    'Sizes whose product is 2^64, and so 0 in 64 bits',
  ],
  ['offsets-missing', 'HEADER_ENTRY', { data_offsets: undefined }, 'No offsets'],
  ['offsets-one', 'HEADER_ENTRY', { data_offsets: [16] }, 'One offset'],
  ['offsets-fraction', 'HEADER_ENTRY', { data_offsets: [0, 15.5] }, 'An offset of half a byte'],
  [
    'offsets-negative',
    'HEADER_ENTRY',
    { data_offsets: [-16, 0] },
    'A negative offset, to reach into the header',
  ],
  ['offsets-swapped', 'DATA_OFFSETS', { data_offsets: [16, 0] }, 'An end before its start'],
  [
    'offsets-beyond',
    'DATA_OFFSETS',
    { data_offsets: [0, 2 ** 40], shape: [2 ** 38] },
    'A terabyte that is not there',
  ],
  [
    'hole-start',
    'DATA_OFFSETS',
    { data_offsets: [4, 16], shape: [3] },
    'Bytes before the first tensor, to smuggle something',
  ],
  ['hole-end', 'DATA_OFFSETS', { data_offsets: [0, 12], shape: [3] }, 'Bytes behind the last tensor'],
  ['extra-field', 'HEADER_ENTRY', { code: 'x' }, 'A field that no entry has'],
];

const badHeaders: [file: string, code: Code, header: string | Uint8Array, what: string][] = [
  ['json-cut', 'HEADER_JSON', raw, 'JSON that ends too early'],
  ['json-trailing', 'HEADER_JSON', `${raw}}{}`, 'JSON with something behind it'],
  ['json-comma', 'HEADER_JSON', `${raw},}`, 'JSON with a comma too much'],
  ['json-no-value', 'HEADER_JSON', '{"a":}', 'JSON without a value'],
  [
    'json-no-name',
    'HEADER_JSON',
    '{1:{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}',
    'JSON with a number for a name',
  ],
  [
    'json-nan',
    'HEADER_JSON',
    '{"a":{"dtype":"F32","shape":[NaN],"data_offsets":[0,16]}}',
    'NaN, which is no JSON',
  ],
  ['json-bytes', 'HEADER_JSON', bytes('{"', Uint8Array.of(0xff), '":1}'), 'JSON that is not UTF-8'],
  [
    'json-duplicate',
    'HEADER_JSON',
    `${raw},${raw.slice(1)}}`,
    'One name twice: readers see different tensors',
  ],
  [
    'json-duplicate-escaped',
    'HEADER_JSON',
    `${raw},"\\u0061":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}`,
    'One name twice, once spelled by an escape',
  ],
  [
    'json-duplicate-field',
    'HEADER_JSON',
    '{"a":{"dtype":"F32","dtype":"I32","shape":[4],"data_offsets":[0,16]}}',
    'A field twice: readers see different dtypes',
  ],
  ['entry-null', 'HEADER_ENTRY', '{"a":null}', 'A tensor that is null'],
  ['entry-array', 'HEADER_ENTRY', '{"a":["F32",[4],[0,16]]}', 'A tensor that is an array'],
  [
    'metadata-number',
    'HEADER_ENTRY',
    `{"__metadata__":{"step":1},${raw.slice(1)}}`,
    'Metadata that is a number',
  ],
  ['metadata-array', 'HEADER_ENTRY', `{"__metadata__":["x"],${raw.slice(1)}}`, 'Metadata that is an array'],
  [
    'json-huge-number',
    'HEADER_ENTRY',
    '{"a":{"dtype":"F32","shape":[1e400],"data_offsets":[0,16]}}',
    'A size of 10^400',
  ],
];

/** The header of one tensor with a tree of ours. */
function withTree(tree: string): Uint8Array {
  return safetensors({ __metadata__: { format: 'pt', 'torch_parity.tree': tree }, a: entry() });
}

const badTrees: [file: string, tree: string, what: string][] = [
  ['tree-json', '{"dict":', 'is no JSON'],
  ['tree-missing', '{"dict":[["w",{"tensor":"b"}]]}', 'names a tensor that is not there'],
  ['tree-grad', '{"parameter":{"tensor":"a","requiresGrad":1}}', 'has a number for a boolean'],
  ['tree-unused', '{"dict":[]}', 'names no tensor, and hides the one that is there'],
  ['tree-tag', '{"call":["os.system"]}', 'has a tag that is none'],
  ['tree-two-tags', '{"int":"1","float":"1"}', 'has two tags in one'],
  ['tree-int', '{"dict":[["a",{"tensor":"a"}],["n",{"int":"1e9"}]]}', 'has an integer that is none'],
  ['tree-key', '{"dict":[[[1],{"tensor":"a"}]]}', 'has a list as a key'],
  ['tree-same', '[{"tensor":"a"},{"same":0}]', 'has a list that contains itself'],
  ['tree-same-prototype', '[{"tensor":"a"},{"same":"__proto__"}]', 'names what every array has'],
  ['tree-fraction', '[{"tensor":"a"},1.5]', 'has an integer of one and a half'],
  ['tree-rounded', '[{"tensor":"a"},9007199254740993]', 'has an integer that JSON rounds'],
  ['tree-float', '[{"tensor":"a"},{"float":"0x10"}]', 'has a float that is none'],
  ['tree-size', '[{"tensor":"a"},{"size":[-5]}]', 'has a negative size'],
  ['tree-device', '[{"tensor":"a"},{"device":"x:y:z"}]', 'has a device that is none'],
  ['tree-triple', '{"dict":[["a",{"tensor":"a"},1]]}', 'has a third part in an entry of a dict'],
  ['tree-complex', '[{"tensor":"a"},{"complex":["1","2","3"]}]', 'has a complex number of three parts'],
  [
    'tree-ordered',
    '{"orderedDict":{"items":[["a",{"tensor":"a"}]],"class":"x"}}',
    'has a field that no OrderedDict has',
  ],
  [
    'tree-nan-keys',
    '{"dict":[[{"float":"NaN"},{"tensor":"a"}],[{"float":"NaN"},1]]}',
    'has two keys NaN, of which a Map holds one',
  ],
];

/** A list of a JSON text, so many times. */
const many = (text: string, count: number): string => `[${Array.from({ length: count }, () => text).join()}]`;

/** safetensors files that lie. */
export const safetensorsFiles: HostileFile[] = [
  ...badEntries.map(([name, code, fields, what]) =>
    refused(`${name}.safetensors`, code, `${what}.`, () => safetensors({ a: entry(fields) })),
  ),
  ...badHeaders.map(([name, code, header, what]) =>
    refused(`${name}.safetensors`, code, `${what}.`, () => safetensors(header)),
  ),
  ...badTrees.map(([name, tree, what]) =>
    refused(`${name}.safetensors`, 'TREE', `Our own description of the tree ${what}.`, () => withTree(tree)),
  ),
  refused('header-2-60.safetensors', 'HEADER_SIZE', 'A header of 2^60 bytes.', () =>
    safetensors({ a: entry() }, two, 2n ** 60n),
  ),
  refused('header-beyond.safetensors', 'HEADER_SIZE', 'A header that is longer than the file.', () =>
    safetensors({ a: entry() }, '', 1000),
  ),
  refused('header-0.safetensors', 'HEADER_SIZE', 'A header of no bytes.', () => safetensors('{', two, 0)),
  refused('header-array.safetensors', 'NOT_A_CHECKPOINT', 'A header that is an array.', () =>
    safetensors('[]'),
  ),
  refused(
    'header-space.safetensors',
    'NOT_A_CHECKPOINT',
    'A header that starts with a space, which the format forbids.',
    () => safetensors(` ${raw}}`),
  ),
  refused('data-cut.safetensors', 'DATA_OFFSETS', 'The data end too early.', () =>
    safetensors({ a: entry() }, new Uint8Array(15)),
  ),
  refused(
    'data-trailing.safetensors',
    'DATA_OFFSETS',
    'An archive stands behind the data, for readers of zip.',
    () => safetensors({ a: entry() }, bytes(new Uint8Array(16), 'PK\x05\x06', new Uint8Array(18))),
  ),
  refused('overlap.safetensors', 'DATA_OFFSETS', 'Two tensors share bytes.', () =>
    safetensors({ a: entry(), b: entry({ data_offsets: [8, 24] }) }, new Uint8Array(24)),
  ),
  refused(
    'shape-empty.safetensors',
    'DATA_OFFSETS',
    'No elements, and strides that a double cannot hold.',
    () => safetensors({ a: entry({ shape: [0, 2 ** 53 - 1], data_offsets: [0, 0] }) }, ''),
  ),
  refused(
    'same-place.safetensors',
    'DATA_OFFSETS',
    'A thousand tensors of the same bytes: small here, and large in memory.',
    () => safetensors(Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`t${i}`, entry()]))),
  ),
  refused('hole.safetensors', 'DATA_OFFSETS', 'A hole between two tensors, to smuggle something.', () =>
    safetensors({ a: entry(), b: entry({ data_offsets: [20, 36] }) }, new Uint8Array(36)),
  ),
  refused('deep.safetensors', 'LIMIT', 'Arrays in arrays, 100,000 deep, against readers that recurse.', () =>
    safetensors(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
  ),
  refused('tree-deep.safetensors', 'LIMIT', 'Our own tree, 100,000 lists deep.', () =>
    withTree('['.repeat(100_000) + ']'.repeat(100_000)),
  ),
  refused('tree-set.safetensors', 'UNSUPPORTED_VALUE', 'Our own tree, with a tensor in a set.', () =>
    withTree('{"set":[{"tensor":"a"}]}'),
  ),
  refused('tree-tensor-key.safetensors', 'UNSUPPORTED_VALUE', 'Our own tree, with a tensor in a key.', () =>
    withTree('{"dict":[[{"tuple":[{"tensor":"a"}]},1]]}'),
  ),
  refused(
    'header-items.safetensors',
    'LIMIT',
    'More objects than the limit, three bytes each.',
    () => safetensors(`{"a":${many('{}', 2_000)}}`),
    { items: 10_000 },
  ),
  refused(
    'tree-items.safetensors',
    'LIMIT',
    'Our own tree, with more dicts than the limit.',
    () => withTree(many('{"dict":[]}', 1_000)),
    { items: 10_000 },
  ),
  refused(
    'entries.safetensors',
    'LIMIT',
    'More tensors than the limit.',
    () =>
      safetensors(
        Object.fromEntries(
          Array.from({ length: 200 }, (_, i) => [`t${i}`, entry({ shape: [0], data_offsets: [0, 0] })]),
        ),
        '',
      ),
    { entries: 100 },
  ),
  refused(
    'index.safetensors',
    'LIMIT',
    'A header of more bytes than the limit.',
    () => safetensors({ __metadata__: { x: 'x'.repeat(20_000) }, a: entry() }),
    { indexBytes: 10_000 },
  ),
  harmless(
    'prototype.safetensors',
    'Tensors named __proto__ and constructor.',
    () =>
      safetensors(
        '{"__proto__":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"constructor":{"dtype":"F32","shape":[4],"data_offsets":[16,32]}}',
        two,
      ),
    (value) => [...value.keys()].join() === '__proto__,constructor',
  ),
  harmless(
    'prototype-metadata.safetensors',
    'Metadata named __proto__.',
    () => safetensors(`{"__metadata__":{"__proto__":"x"},${raw.slice(1)}}`),
    (value) => value.get('a').shape[0] === 4,
  ),
];
