import * as fc from 'fast-check';
import type { DType } from 'torch-parity';
import type { Tagged } from 'torch-parity/checkpoint';
import type { Description } from './description.ts';
import { widthOf, type TensorEntry } from './elements.ts';

/** What the values of a file may consist of. */
export interface TreeFeatures {
  dtypes: readonly DType[];
  /** Views, storages of several tensors, and containers that stand in two places or in themselves. */
  sharing: boolean;
  /** Sets, bytes, complex numbers, Counters, devices: what torch 2.1 reads with weights_only=False alone. */
  rich: boolean;
}

const common: DType[] = [
  ...(['float64', 'float32', 'float16', 'bfloat16', 'int64', 'int32', 'int16', 'int8'] as const),
  ...(['uint8', 'bool', 'complex64'] as const),
];
const float8: DType[] = [
  'float8_e4m3fn',
  'float8_e5m2',
  'float8_e4m3fnuz',
  'float8_e5m2fnuz',
  'float8_e8m0fnu',
];
const unsigned: DType[] = ['uint16', 'uint32', 'uint64'];

/** torch.save's format, as torch 2.15 reads it, and as torch 2.1 does. */
export const ptFeatures: Record<'2.15' | '2.1', TreeFeatures> = {
  '2.15': {
    dtypes: [...common, ...float8, ...unsigned, 'complex128', 'complex32'],
    sharing: true,
    rich: true,
  },
  '2.1': { dtypes: [...common, 'complex128'], sharing: true, rich: false },
};

export const safetensorsFeatures: TreeFeatures = {
  dtypes: [...common, ...unsigned, 'float8_e4m3fn', 'float8_e5m2'],
  sharing: false,
  rich: true,
};

/** Values of any form, told as descriptions. */
export function trees(features: TreeFeatures): fc.Arbitrary<Description> {
  return fc
    .record({
      storages: fc.array(storage(features), { minLength: 1, maxLength: 4 }),
      tensors: fc.array(layout, { minLength: 1, maxLength: 6 }),
      value: values(features),
    })
    .map((made) => {
      const tensors = made.tensors.map((choice, index) => view(choice, index, made.storages, features));
      const value = settled(made.value, features, tensors);
      if (features.sharing) return { value, tensors, storages: made.storages.map(({ bytes }) => bytes) };
      return {
        value,
        tensors: tensors.map((entry, storage) => ({ ...entry, storage })),
        storages: tensors.map(({ storage }) => made.storages[storage]!.bytes),
      };
    });
}

interface Elements {
  dtype: DType;
  bytes: Uint8Array;
}

/** By the bytes of an element: signalling NaNs with payloads, and negative zeros, which a number would not keep. */
const delicate: Record<number, string[]> = {
  1: ['80', '7f', 'ff'],
  2: ['0080', '817f', '01fe', '017c'],
  4: ['0100a07f', '00000080', '010080ff'],
  8: ['010000000000f07f', '0000000000000080', '0100a07f00000080'],
};

function storage({ dtypes }: TreeFeatures): fc.Arbitrary<Elements> {
  const dtype = fc.oneof(fc.constantFrom('float32' as const, 'float64' as const), fc.constantFrom(...dtypes));
  return dtype.chain((dtype) => {
    const width = widthOf(dtype);
    const special = fc
      .constantFrom(...delicate[Math.min(width, 8)]!)
      .map((hex) => [...Buffer.from(hex, 'hex')]);
    const filling = fc.oneof(
      fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 64 }),
      fc.array(special, { minLength: 1, maxLength: 3 }).map((elements) => elements.flat()),
    );
    return fc.record({ size: fc.integer({ min: 0, max: 24 }), filling }).map(({ size, filling }) => {
      const bytes = Uint8Array.from({ length: size * width }, (_, at) => filling[at % filling.length]!);
      return { dtype, bytes: dtype === 'bool' ? bytes.map((byte) => byte & 1) : bytes };
    });
  });
}

interface LayoutChoice {
  storage: number;
  shape: number[];
  stride: number[];
  offset: number;
}

const layout: fc.Arbitrary<LayoutChoice> = fc.record({
  storage: fc.nat(),
  shape: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 }),
  stride: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 3, maxLength: 3 }),
  offset: fc.nat({ max: 8 }),
});

/** The view that was chosen, where it fits into its storage; all of the storage otherwise. */
function view(
  choice: LayoutChoice,
  index: number,
  storages: readonly Elements[],
  { sharing }: TreeFeatures,
): TensorEntry {
  const storage = (sharing ? choice.storage : index) % storages.length;
  const { dtype, bytes } = storages[storage]!;
  const size = bytes.length / widthOf(dtype);
  const { shape, offset } = choice;
  const stride = choice.stride.slice(0, shape.length);
  const last = shape.reduce((at, length, axis) => at + (length - 1) * stride[axis]!, offset);
  const fits = sharing && (shape.includes(0) ? offset <= size : last < size);
  return fits
    ? { dtype, shape, stride, offset, storage }
    : { dtype, shape: [size], stride: [1], offset: 0, storage };
}

const texts = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 6 }),
  fc.constantFrom(
    '',
    '__proto__',
    'constructor',
    'ß',
    '\u{1f600}',
    '\u0000',
    'state',
    '0',
    '1.0',
    'a'.repeat(300),
  ),
);
const ints: fc.Arbitrary<Tagged> = fc
  .oneof(
    fc.constantFrom(
      0n,
      -1n,
      255n,
      256n,
      65535n,
      65536n,
      2n ** 31n,
      2n ** 31n - 1n,
      -(2n ** 31n),
      -(2n ** 31n) - 1n,
    ),
    fc.constantFrom(
      2n ** 53n - 1n,
      2n ** 53n,
      -(2n ** 53n),
      2n ** 63n,
      -(2n ** 63n),
      2n ** 64n,
      -128n,
      -129n,
    ),
    fc.bigInt({ min: -(2n ** 40n), max: 2n ** 40n }),
    fc.bigInt({ min: -(2n ** 600n), max: 2n ** 600n }),
  )
  .map((int) => (Number.isSafeInteger(Number(int)) ? Number(int) : { int: String(int) }));
const doubles = fc.oneof(
  fc.double(),
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(-0, 1e16, 1e22, 2 ** 53, 5e-324, NaN, Infinity, -Infinity, 0.1),
);
const floatOf = (value: number): { float: string } => ({
  float: Object.is(value, -0) ? '-0' : String(value),
});
const floats: fc.Arbitrary<Tagged> = doubles.map(floatOf);
const hex = (least: number): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: least, maxLength: 9 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const sizes = fc.array(fc.nat({ max: 9 }), { maxLength: 3 }).map((size) => ({ size }));

const numbers = fc.double({ noNaN: true });

/** Keys, and members of sets. A Map takes -0 for 0, so that -0 is in tuples alone. */
export const keys: fc.Arbitrary<Tagged> = fc.oneof(
  { weight: 4, arbitrary: texts as fc.Arbitrary<Tagged> },
  { weight: 2, arbitrary: ints },
  {
    weight: 1,
    arbitrary: fc.oneof(
      fc.constant(null),
      fc.boolean(),
      numbers.map((value) => floatOf(value + 0)),
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .array(fc.oneof(texts, ints, numbers.map(floatOf)), { maxLength: 2 })
      .map((tuple) => ({ tuple })),
  },
);

/** Values, whose tensors are `{tensor: any number}`, and whose `{same: any number}` is settled afterwards. */
function values({ rich, dtypes }: TreeFeatures): fc.Arbitrary<Tagged> {
  const scalars: fc.Arbitrary<Tagged>[] = [fc.constant(null), fc.boolean(), texts, ints, floats];
  const others: fc.Arbitrary<Tagged>[] = rich
    ? [
        hex(1).map((bytes) => ({ bytes })), // torch's weights_only reader refuses empty ones
        hex(0).map((bytearray) => ({ bytearray })),
        fc.tuple(doubles, doubles).map(([re, im]) => ({ complex: [floatOf(re).float, floatOf(im).float] })),
        fc.constantFrom(...dtypes).map((dtype) => ({ dtype })),
        fc.constantFrom('cpu', 'cuda:0', 'cuda', 'meta').map((device) => ({ device })),
      ]
    : [];
  const pairs = (items: fc.Arbitrary<Tagged>): fc.Arbitrary<[Tagged, Tagged][]> =>
    fc.uniqueArray(fc.tuple(keys, items), { maxLength: 4, selector: ([key]) => hashOf(key) });
  const tensor: fc.Arbitrary<Tagged> = fc.nat().map((number) => ({ tensor: number }));
  const same: fc.Arbitrary<Tagged> = fc.nat().map((number) => ({ same: number }));
  return fc.letrec<{ value: Tagged; container: Tagged }>((tie) => ({
    container: fc.oneof(
      fc.array(tie('value'), { maxLength: 4 }),
      fc.array(tie('value'), { maxLength: 3 }).map((tuple) => ({ tuple })),
      pairs(tie('value')).map((dict) => ({ dict })),
      fc
        .record({ items: pairs(tie('value')), attributes: fc.option(attributes(tie('value'))) })
        .map(({ items, attributes }) => ({ orderedDict: { items, ...(attributes && { attributes }) } })),
      ...(rich
        ? [
            fc.uniqueArray(keys, { maxLength: 4, selector: hashOf }).map((set) => ({ set })),
            pairs(ints).map((counter) => ({ counter })),
          ]
        : []),
    ),
    value: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      ...scalars,
      ...others,
      sizes,
      tensor,
      tensor,
      same,
      tie('container'),
      tie('container'),
      tie('container'),
    ),
  })).container;
}

function attributes(items: fc.Arbitrary<Tagged>): fc.Arbitrary<[Tagged, Tagged][]> {
  return fc.uniqueArray(fc.tuple(fc.constantFrom<Tagged>('_metadata', 'note'), items), {
    minLength: 1,
    maxLength: 2,
    selector: ([key]) => key,
  });
}

/** Equal for keys that Python takes for one: 1, 1.0 and True. */
function hashOf(key: Tagged): string {
  if (typeof key === 'boolean') return String(Number(key));
  if (key !== null && typeof key === 'object') {
    if ('float' in key) return String(Number(key.float) === 0 ? 0 : integerText(key.float));
    if ('int' in key) return key.int;
    if ('tuple' in key) return `(${key.tuple.map(hashOf).join(',')})`;
  }
  return typeof key === 'number' ? String(key) : JSON.stringify(key);
}

function integerText(float: string): string {
  return Number.isInteger(Number(float)) ? String(BigInt(Number(float))) : float;
}

/**
 * The draft with its references settled. Each tensor is a parameter, requires grad, or neither, wherever it stands; `same`
 * becomes a container that has begun before it.
 */
function settled(draft: Tagged, { sharing }: TreeFeatures, tensors: readonly TensorEntry[]): Tagged {
  let begun = 0;
  const start = <T extends Tagged>(node: () => T): T => {
    begun += 1;
    return node();
  };
  const all = (nodes: readonly Tagged[]): Tagged[] => nodes.map(settle);
  const each = (pairs: readonly [Tagged, Tagged][]): [Tagged, Tagged][] =>
    pairs.map(([key, item]) => [key, settle(item)]);
  const settle = (node: Tagged): Tagged => {
    if (node === null || typeof node !== 'object') return node;
    if (Array.isArray(node)) return start(() => all(node));
    if ('tuple' in node) return { tuple: all(node.tuple) };
    if ('dict' in node) return start(() => ({ dict: each(node.dict) }));
    if ('orderedDict' in node) {
      const { items, attributes } = node.orderedDict;
      return start(() => ({
        orderedDict: { items: each(items), ...(attributes && { attributes: each(attributes) }) },
      }));
    }
    if ('set' in node || 'counter' in node || 'bytearray' in node) return start(() => node);
    if ('same' in node) return sharing && begun > 0 ? { same: node.same % begun } : null;
    if ('tensor' in node) {
      const tensor = Number(node.tensor) % tensors.length;
      return tagged(tensor, tensors[tensor]!.dtype);
    }
    return node;
  };
  return settle(draft);
}

/** Which of its kinds a tensor is: by its number, so that it is the same in all places. */
function tagged(tensor: number, dtype: DType): Tagged {
  // What torch saves of the others with requires_grad it cannot load.
  const canRequireGrad = /^b?float\d\d$|^complex(64|128)$/.test(dtype);
  if (tensor % 4 === 1) return { parameter: { tensor, requiresGrad: canRequireGrad && tensor > 4 } };
  return tensor % 4 === 3 && canRequireGrad ? { requiringGrad: tensor } : { tensor };
}
