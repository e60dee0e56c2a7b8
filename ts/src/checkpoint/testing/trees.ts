import fc from 'fast-check';
import { itemSizes, type DType } from '../../dtype.ts';
import { ByteArray, Complex, Counter, OrderedDict, Size, Tuple } from '../../python/collections.ts';
import { PythonNumber } from '../../python/number.ts';
import { Device, TorchDType } from '../../python/torch_values.ts';
import { gather } from '../gather.ts';
import { MemoryStorage } from '../storage.ts';
import { LoadedTensor } from '../tensor.ts';
import { contiguousStride } from '../writable.ts';

const elements = 12;

/** Shapes and strides that fit into a storage of {@link elements} elements, from some offset on. */
const layouts: { shape: number[]; stride: number[]; offset: number }[] = [
  ...[[], [1], [12], [2, 3], [2, 2, 3], [0], [2, 0, 3]].map((shape) => ({
    shape,
    stride: contiguousStride(shape),
    offset: 0,
  })),
  { shape: [], stride: [], offset: 11 },
  { shape: [3, 4], stride: [1, 3], offset: 0 },
  { shape: [2, 2], stride: [4, 2], offset: 3 },
  { shape: [5, 2], stride: [0, 1], offset: 10 },
];

function storageOf(dtype: DType): fc.Arbitrary<MemoryStorage> {
  const length = elements * itemSizes[dtype];
  return fc
    .uint8Array({ minLength: length, maxLength: length, max: dtype === 'bool' ? 1 : 0xff })
    .map((bytes) => new MemoryStorage(bytes));
}

/** Some tensors of one storage. */
function views(dtypes: readonly DType[]): fc.Arbitrary<LoadedTensor[]> {
  return fc.constantFrom(...dtypes).chain((dtype) =>
    fc
      .tuple(
        storageOf(dtype),
        fc.array(
          fc.record({ layout: fc.constantFrom(...layouts), parameter: fc.boolean(), grad: fc.boolean() }),
          {
            minLength: 1,
            maxLength: 3,
          },
        ),
      )
      .map(([storage, tensors]) =>
        tensors.map(({ layout, parameter, grad }) => {
          const requiresGrad = grad && /float(16|32|64)|complex(64|128)/.test(dtype);
          return viewOf(storage, dtype, layout, parameter, requiresGrad);
        }),
      ),
  );
}

function viewOf(
  storage: MemoryStorage,
  dtype: DType,
  { shape, stride, offset }: (typeof layouts)[number],
  parameter: boolean,
  requiresGrad: boolean,
): LoadedTensor {
  const size = shape.reduce((product, length) => product * length, 1) * itemSizes[dtype];
  const bytes = new Uint8Array(size);
  if (size > 0) gather({ dtype, shape, stride }, storage.bytes.subarray(offset * itemSizes[dtype]), bytes);
  return new LoadedTensor(dtype, shape, bytes, { storage, offset, stride, requiresGrad, parameter });
}

/** Where Python and its pickles change how an int is held. */
const edges = [0n, 2n ** 8n, 2n ** 16n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n, 2n ** 2000n];
const integer = fc
  .tuple(fc.constantFrom(...edges), fc.constantFrom(1n, -1n), fc.integer({ min: -2, max: 2 }))
  .map(([edge, sign, step]) => plain(sign * edge + BigInt(step)));
/** As readers give it. */
function plain(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
const float = fc.double().map((value) => new PythonNumber('float', value));
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 5 }),
  fc.constantFrom('a', '0', '__proto__', 'weight'),
);
const bytes = fc.uint8Array({ minLength: 2, maxLength: 9 }); // Python has shorter ones but once

function leaf(dtypes: readonly DType[]): fc.Arbitrary<unknown> {
  return fc.oneof(
    fc.constantFrom<unknown>(null, true, false),
    integer,
    float,
    text,
    bytes,
    bytes.map((content) => new ByteArray(content)),
    fc.tuple(fc.double(), fc.double()).map(([re, im]) => new Complex(re, im)),
    fc.array(fc.nat(2 ** 40), { maxLength: 5 }).map((sizes) => Size.from(sizes)),
    fc.constantFrom(...dtypes).map((dtype) => new TorchDType(dtype)),
    fc
      .constantFrom(['cpu', null] as const, ['cuda', 1] as const)
      .map(([type, index]) => new Device(type, index)),
    // Python orders a set by hashes: these are in order.
    fc.subarray([0, 1, 2, 3, 4, 5, 6], { maxLength: 4 }).map((members) => new Set(members)),
  );
}

const keys = fc.uniqueArray(
  fc.oneof(text, fc.integer(), fc.double({ noInteger: true, noNaN: true }), fc.constantFrom(null, 2n ** 70n)),
  { maxLength: 5 },
);

/** Values of the neutral form that torch keeps as they are, with views, shared tensors and shared containers. */
export function trees(dtypes: readonly DType[]): fc.Arbitrary<unknown> {
  return fc.array(views(dtypes), { minLength: 1, maxLength: 3 }).chain((tensors) => {
    const node = fc.letrec<{ tree: unknown }>((tie) => {
      const items = fc.array(tie('tree'), { maxLength: 4 });
      const entries = keys.chain((names) =>
        fc
          .tuple(...names.map(() => tie('tree')))
          .map((values) => names.map((name, i) => [name, values[i]] as const)),
      );
      return {
        tree: fc.oneof(
          { maxDepth: 4, depthSize: 'small' },
          { arbitrary: fc.oneof(leaf(dtypes), fc.constantFrom(...tensors.flat())), weight: 3 },
          { arbitrary: items, weight: 1 },
          { arbitrary: items.map((values) => Tuple.from(values)), weight: 1 },
          { arbitrary: tie('tree').map((shared) => [shared, new Tuple(shared, shared)]), weight: 1 },
          { arbitrary: entries.map((list) => new Map(list)), weight: 1 },
          {
            arbitrary: fc.tuple(entries, fc.boolean()).map(([list, attributes]) => {
              const dict = new OrderedDict(list);
              if (attributes) dict.attributes = new Map([['_metadata', new OrderedDict(list)]]);
              return dict;
            }),
            weight: 1,
          },
          { arbitrary: entries.map((list) => new Counter(list as [unknown, number][])), weight: 1 },
        ),
      };
    });
    // All tensors are in it, if only at the end.
    return node.tree.map((tree) => [tree, tensors.flat()]);
  });
}
