import test from 'ava';
import fc from 'fast-check';
import { Counter, OrderedDict, Tuple } from './collections.ts';
import { keyTypeOf, pyFloat, pyInt, pythonTypeOf, rememberKey, setNumber } from './number.ts';
import { fromTagged, toTagged, type Tagged } from './tagged.ts';

const leaf: fc.Arbitrary<Tagged> = fc.oneof(
  fc.constantFrom(null, true, false, { float: 'NaN' }, { float: '-0' }, { float: '-Infinity' }),
  fc.string(),
  fc.maxSafeInteger(),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 70n }).map((value) => ({ int: String(value) })),
  fc.double({ noNaN: true }).map((value) => ({ float: Object.is(value, -0) ? '-0' : String(value) })),
  fc.tuple(fc.double({ noNaN: true }), fc.integer()).map(([re, im]): Tagged => ({
    complex: [Object.is(re, -0) ? '-0' : String(re), String(im)],
  })),
  fc.uint8Array({ maxLength: 5 }).map((bytes) => ({ bytes: Buffer.from(bytes).toString('hex') })),
  fc.uint8Array({ maxLength: 5 }).map((bytes) => ({ bytearray: Buffer.from(bytes).toString('hex') })),
  fc.constantFrom<Tagged>(
    { dtype: 'bfloat16' },
    { device: 'cuda:1' },
    { device: 'cpu' },
    { tensor: 3 },
    { parameter: { tensor: 'a.b', requiresGrad: false } },
    { requiringGrad: 0 },
  ),
);

/** Keys that JavaScript keeps apart as Python does. */
const key = fc.oneof(
  fc.string(),
  fc.integer(),
  fc.integer().map((value): Tagged => ({ float: String(value + 0.5) })),
  fc.constant(null),
);

const { tree } = fc.letrec<{ tree: Tagged }>((tie) => {
  const items = fc.array(tie('tree'), { maxLength: 4 });
  const pairs = fc.uniqueArray(fc.tuple(key, tie('tree')), {
    maxLength: 4,
    selector: ([name]) => JSON.stringify(name),
  });
  const members = fc.uniqueArray(key, { maxLength: 4, selector: (member) => JSON.stringify(member) });
  return {
    tree: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf,
      items,
      items.map((tuple): Tagged => ({ tuple })),
      fc.array(fc.nat(9)).map((size): Tagged => ({ size })),
      members.map((set): Tagged => ({ set })),
      pairs.map((dict): Tagged => ({ dict })),
      pairs.map((counter): Tagged => ({ counter })),
      pairs.map((pairs): Tagged => ({ orderedDict: { items: pairs } })),
      pairs.map((pairs): Tagged => ({ orderedDict: { items: pairs, attributes: pairs } })),
    ),
  };
});

/** What stands for a tensor in these tests. */
class Reference {
  readonly tagged: Tagged;
  constructor(tagged: Tagged) {
    this.tagged = tagged;
  }
}

test('a tagged form reads as a value that has the same tagged form', (t) => {
  const decode = (tagged: Tagged): unknown =>
    fromTagged(tagged, (ref, { parameter, requiresGrad }) => {
      const tensor = ref as number;
      if (parameter) return new Reference({ parameter: { tensor, requiresGrad } });
      return new Reference(requiresGrad ? { requiringGrad: tensor } : { tensor });
    });
  const encode = (value: unknown): Tagged =>
    toTagged(value, (item) => (item instanceof Reference ? item.tagged : undefined));
  fc.assert(
    fc.property(tree, (tagged) => t.deepEqual(encode(decode(tagged)), tagged)),
    { numRuns: 500 },
  );
});

test('numbers know their types, wherever they are', (t) => {
  const none = (): undefined => undefined;
  const dict = fromTagged({ dict: [[{ float: '1' }, { tuple: [2, { float: '3' }] }]] }, none) as Map<
    number,
    Tuple<number>
  >;
  t.is(keyTypeOf(dict, 1), 'float');
  const tuple = dict.get(1)!;
  t.true(tuple instanceof Tuple);
  t.deepEqual([pythonTypeOf(tuple, 0), pythonTypeOf(tuple, 1)], ['int', 'float']);
  t.is(pythonTypeOf([2 ** 53], 0), 'float'); // an int would be a bigint
  t.deepEqual(fromTagged(1, none), pyInt(1));
  t.deepEqual(toTagged(-0, none), { float: '-0' });
  t.deepEqual(toTagged([pyFloat(1), pyInt(1), 1, 0.5, -0], none), [
    { float: '1' },
    1,
    1,
    { float: '0.5' },
    { float: '-0' },
  ]);
});

test('a key that is a float is so in its own container alone', (t) => {
  const set = new Set([1]);
  rememberKey(set, pyFloat(1));
  t.is(keyTypeOf(set, 1), 'float');
  t.is(keyTypeOf(new Set([1]), 1), 'int');
  rememberKey(set, pyInt(1));
  t.is(keyTypeOf(set, 1), 'int');
});

test('values of a Map are remembered until they are replaced', (t) => {
  const map = new OrderedDict<unknown, unknown>();
  setNumber(map, 7, pyFloat(1));
  t.is(pythonTypeOf(map, 7), 'float');
  map.set(7, 2);
  t.is(pythonTypeOf(map, 7), 'int');
  t.deepEqual(
    toTagged(new Counter([['a', 2]]), () => undefined),
    { counter: [['a', 2]] },
  );
});

test('what Python has nothing for, and what is no tagged form, is refused', (t) => {
  const none = (): undefined => undefined;
  t.throws(() => toTagged(undefined, none), { message: /undefined/ });
  t.throws(() => toTagged([new Date(0)], none), { message: /Date/ });
  for (const tagged of [
    {},
    { what: 1 },
    { tuple: 1 },
    ...['x', '0', '0g', '00 '].map((bytes) => ({ bytes })),
    { dtype: 'half' },
    { float: 1, int: 2 },
    ...[1.5, 2 ** 53, NaN, undefined],
    ...['abc', '', ' 1', '0x10', '1_0', '.5', '1.', 'infinity', '-NaN'].map((float) => ({ float })),
    ...[['a'], [-5], [1.5], [{ int: '1' }], 'a'].map((size) => ({ size })),
    ...['x:y:z', 'cuda:', 'cuda:-1', ':0', 'cuda:1.5', ''].map((device) => ({ device })),
    ...[{ dict: [['a', 1, 2]] }, { dict: [['a']] }, { complex: ['1', '2', '3'] }, { complex: ['1'] }],
    ...[{ orderedDict: { items: [], atributes: [] } }, { orderedDict: [] }, { orderedDict: null }],
    ...[
      { parameter: { tensor: 1, requiresGrad: 1 } },
      { parameter: { tensor: 1, requiresGrad: true, x: 0 } },
    ],
    ...[1, -1, 0.5, '0', '__proto__', 'push', 'length', [0]].map((same) => [{ same }]),
  ]) {
    t.throws(() => fromTagged(tagged, none), { instanceOf: TypeError, message: /no tagged form/ });
  }
});

test('what stands in two places is one object, where that is allowed', (t) => {
  const none = (): undefined => undefined;
  const tagged: Tagged = [{ dict: [] }, { same: 1 }, { same: 0 }];
  const list = fromTagged(tagged, none) as unknown[];
  t.is(list[0], list[1]);
  t.is(list[2], list);
  t.throws(() => fromTagged(tagged, none, { same: false }), { instanceOf: TypeError });
});

test('bytes and digits may be many', (t) => {
  const none = (): undefined => undefined;
  const bytes = fromTagged({ bytes: '0f'.repeat(10_000_000) }, none) as Uint8Array;
  t.deepEqual([bytes.length, bytes[9_999_999]], [10_000_000, 15]);
  t.deepEqual(fromTagged({ float: `0.${'3'.repeat(20_000_000)}` }, none), pyFloat(1 / 3));
});
