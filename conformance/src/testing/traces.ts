import fc from 'fast-check';
import { TensorData, type DType } from 'torch-parity';
import { widthOf } from '../elements.ts';
import { parameterDTypes } from '../program.ts';
import type { Snapshot, Trace, TraceRecord } from '../trace.ts';
import { float, type Value } from '../value.ts';

/** Any bits, of any dtype, shapes with no element and no dimension among them. */
export const tensors: fc.Arbitrary<TensorData> = fc
  .tuple(
    fc.constantFrom<DType[]>(...parameterDTypes, 'int32', 'int64', 'uint8'),
    fc.array(fc.nat({ max: 3 }), { maxLength: 3 }),
    fc.boolean(),
  )
  .chain(([dtype, shape, wide]) => {
    const form = wide ? [...shape, 17] : shape;
    const length = form.reduce((a, b) => a * b, 1) * itemSize(dtype);
    return fc
      .uint8Array({ minLength: length, maxLength: length })
      .map((bytes) => new TensorData(dtype, form, bytes));
  });

function itemSize(dtype: DType): number {
  return dtype === 'complex64' ? 8 : widthOf(dtype) / 8;
}

const texts = fc.oneof(fc.string(), fc.constantFrom('lr', 'foreach', 'square_avg', '__proto__', '0'));
const floats = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(0, -0, 1, NaN, Infinity, -Infinity, 5e-324),
);

/** Any value of PROTOCOL.md, over the tensors 0 to `count` - 1. */
export function values(count: number): fc.Arbitrary<Value> {
  const leaf: fc.Arbitrary<Value>[] = [
    fc.constant(null),
    fc.boolean(),
    texts,
    fc.maxSafeInteger(),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 70n }).map((int) => ({ int: String(int) })),
    floats.map(float),
    ...(count > 0 ? [fc.nat({ max: count - 1 }).map((tensor) => ({ tensor }))] : []),
  ];
  return fc.letrec<{ value: Value }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3, depthSize: 'small' },
      ...leaf,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.array(tie('value'), { maxLength: 3 }).map((tuple) => ({ tuple })),
      dicts(tie('value')),
    ),
  })).value;
}

function dicts(items: fc.Arbitrary<Value>): fc.Arbitrary<{ dict: [Value, Value][] }> {
  const keys = fc.oneof(texts, fc.integer());
  return fc
    .uniqueArray(fc.tuple(keys, items), { maxLength: 4, selector: ([key]) => key })
    .map((dict) => ({ dict }));
}

/** Any trace: the tensors at random places of its records. */
export const traces: fc.Arbitrary<Trace> = fc
  .array(tensors, { minLength: 1, maxLength: 5 })
  .chain((list) =>
    fc
      .array(records(list.length), { minLength: 1, maxLength: 4 })
      .map((all) => ({ tensors: list, records: all })),
  );

function records(count: number): fc.Arbitrary<TraceRecord> {
  const index = fc.nat({ max: count - 1 });
  const key = fc.oneof(
    fc.nat({ max: 3 }),
    texts.map((text) => ({ key: text as Value })),
  );
  const snapshot: fc.Arbitrary<Snapshot> = fc.record({
    params: fc.array(index, { maxLength: 3 }),
    state: fc.uniqueArray(fc.tuple(key, dicts(values(count))), {
      maxLength: 3,
      selector: ([name]) => JSON.stringify(name),
    }) as fc.Arbitrary<Snapshot['state']>,
  });
  const lines = fc.array(fc.string(), { minLength: 1, maxLength: 2 });
  return fc.record(
    {
      events: lines,
      warnings: lines,
      error: fc.record({ class: fc.constantFrom('ValueError', 'KeyError'), message: fc.string() }),
      result: values(count),
      snapshot,
    },
    { requiredKeys: [] },
  );
}
