import test from 'ava';
import fc from 'fast-check';
import { TensorData } from 'torch-parity';
import { compare, distance } from './compare.ts';
import { numbersOf, widthOf } from './elements.ts';
import { traces } from './testing/traces.ts';
import type { Trace, TraceRecord } from './trace.ts';
import { float, type Value } from './value.ts';

function copy(trace: Trace): Trace {
  return { tensors: trace.tensors.map((tensor) => tensor.clone()), records: structuredClone(trace.records) };
}

test('a trace equals a copy of itself, whatever number its tensors have', (t) => {
  fc.assert(
    fc.property(traces, (trace) => {
      t.is(compare(trace, copy(trace)), undefined);
      const { elementsThatDiffer, bitsThatDiffer, elementsBeyondOneUlp } = distance(trace, copy(trace));
      t.deepEqual([elementsThatDiffer, bitsThatDiffer, elementsBeyondOneUlp], [0, 0, 0]);
    }),
  );
});

test('a flipped bit of any tensor that is shown is found, and counted', (t) => {
  fc.assert(
    fc.property(traces, fc.nat(), fc.nat(), (trace, which, where) => {
      const shown = [...new Set(JSON.stringify(trace.records.map(indices)).match(/\d+/g)?.map(Number))];
      const full = shown.filter((index) => trace.tensors[index]!.size > 0);
      fc.pre(full.length > 0);
      const index = full[which % full.length]!;
      const changed = copy(trace);
      const { bytes, dtype } = changed.tensors[index]!;
      bytes[(where >> 3) % bytes.length]! ^= 1 << (where & 7);
      const number = Math.floor(((where >> 3) % bytes.length) / (widthOf(dtype) / 8));
      const isNaN = (tensor: TensorData): boolean => Number.isNaN(numbersOf(tensor)[number]);
      const payloadOnly = isNaN(trace.tensors[index]!) && isNaN(changed.tensors[index]!);
      t.is(compare(changed, trace) === undefined, payloadOnly);
      t.is(distance(changed, trace).bitsThatDiffer > 0, !payloadOnly);
    }),
  );
});

/** The tensors that a record shows. */
function indices({ result, snapshot }: TraceRecord): number[] {
  const inside = (value: Value | undefined): number[] => {
    if (value === null || typeof value !== 'object') return [];
    if (Array.isArray(value)) return value.flatMap(inside);
    if ('tuple' in value) return value.tuple.flatMap(inside);
    if ('dict' in value) return value.dict.flatMap(([, item]) => inside(item));
    return 'tensor' in value ? [value.tensor] : [];
  };
  return [
    ...inside(result),
    ...(snapshot?.params ?? []),
    ...(snapshot?.state ?? []).flatMap(([, value]) => inside(value)),
  ];
}

/** Ways to change a record that must not go unseen; each gives undefined where the record has nothing to change. */
const mutations: Record<string, (record: TraceRecord) => TraceRecord | undefined> = {
  'an event more': (record) => ({ ...record, events: [...(record.events ?? []), 'closure'] }),
  'an event less': (record) => record.events && { ...record, events: record.events.slice(1) },
  'a warning more': (record) => ({ ...record, warnings: [...(record.warnings ?? []), 'w'] }),
  'another warning': (record) =>
    record.warnings && { ...record, warnings: [`${record.warnings[0]}!`, ...record.warnings.slice(1)] },
  'no error': ({ error, ...rest }) => error && rest,
  'an error': (record) =>
    record.error ? undefined : { ...record, error: { class: 'no error', message: '' } },
  'another class': (record) =>
    record.error && { ...record, error: { ...record.error, class: 'RuntimeError' } },
  'another message': (record) =>
    record.error && { ...record, error: { ...record.error, message: `${record.error.message} ` } },
  'no result': ({ result, ...rest }) => (result === undefined ? undefined : rest),
  'a result': (record) => (record.result === undefined ? { ...record, result: null } : undefined),
  'no snapshot': ({ snapshot, ...rest }) => snapshot && rest,
  'a parameter less': (record) =>
    record.snapshot?.params.length
      ? { ...record, snapshot: { ...record.snapshot, params: record.snapshot.params.slice(1) } }
      : undefined,
  'state in another order': (record) =>
    record.snapshot && record.snapshot.state.length > 1
      ? { ...record, snapshot: { ...record.snapshot, state: record.snapshot.state.toReversed() } }
      : undefined,
  'state of another parameter': (record) =>
    record.snapshot?.state.length
      ? {
          ...record,
          snapshot: { ...record.snapshot, state: record.snapshot.state.map(([, value]) => [9, value]) },
        }
      : undefined,
};

for (const [name, mutate] of Object.entries(mutations)) {
  test(`a difference is found: ${name}`, (t) => {
    let tried = 0;
    fc.assert(
      fc.property(traces, fc.nat(), (trace, which) => {
        const index = which % trace.records.length;
        const mutated = mutate(trace.records[index]!);
        fc.pre(mutated !== undefined);
        tried += 1;
        const changed = { ...trace, records: trace.records.with(index, mutated) };
        t.is(compare(changed, trace)?.record, index);
        t.is(compare(trace, changed)?.record, index);
      }),
      { maxSkipsPerRun: 1000 },
    );
    t.true(tried > 0);
  });
}

test('a missing record is found', (t) => {
  fc.assert(
    fc.property(traces, (trace) => {
      const shorter = { ...trace, records: trace.records.slice(0, -1) };
      t.is(compare(shorter, trace)?.record, shorter.records.length);
      t.is(compare(trace, shorter)?.record, shorter.records.length);
    }),
  );
});

const different: [string, Value, Value][] = [
  ['an int and a float', 1, float(1)],
  ['zeros of different sign', float(0), float(-0)],
  ['False and 0', false, 0],
  ['None and its name', null, 'None'],
  ['an int and its text', 3, '3'],
  ['a list and a tuple', [1], { tuple: [1] }],
  ['an empty list and an empty tuple', [], { tuple: [] }],
  ['an empty list and an empty dict', [], { dict: [] }],
  ['keys of different type', { dict: [[0, 'a']] }, { dict: [['0', 'a']] }],
  [
    'keys in another order',
    {
      dict: [
        ['a', 1],
        ['b', 2],
      ],
    },
    {
      dict: [
        ['b', 2],
        ['a', 1],
      ],
    },
  ],
  ['nesting', [[1], 2], [[1, 2]]],
  ['big ints', { int: '9007199254740993' }, { int: '9007199254740992' }],
];

for (const [name, one, other] of different) {
  test(`these are not equal: ${name}`, (t) => {
    const trace = (result: Value): Trace => ({ tensors: [], records: [{ result }] });
    t.truthy(compare(trace(one), trace(other)));
    t.truthy(compare(trace([one]), trace([other])));
    t.is(compare(trace(one), trace(structuredClone(one))), undefined);
  });
}

test('the same double in another spelling is equal', (t) => {
  const trace = (text: string): Trace => ({ tensors: [], records: [{ result: { float: text } }] });
  t.is(compare(trace('1e-05'), trace('0.00001')), undefined);
  t.is(compare(trace('nan'), trace('NaN')), undefined);
});

test('a dtype or a shape that differs is told from the elements', (t) => {
  const trace = (tensor: TensorData): Trace => ({
    tensors: [tensor],
    records: [{ snapshot: { params: [0], state: [] } }],
  });
  const one = trace(TensorData.from('float32', [0, 0]));
  t.like(compare(one, trace(TensorData.from('float32', [0, 0], [2, 1]))), {
    path: 'params[0]',
    theirs: 'a float32 tensor of shape [2, 1]',
  });
  t.truthy(compare(one, trace(TensorData.from('int32', [0, 0]))));
  t.truthy(compare(one, trace(TensorData.from('float64', [0, 0])), 'form'));
  t.is(compare(one, trace(TensorData.from('float32', [1, 2])), 'form'), undefined);
  t.truthy(compare(trace(TensorData.from('int32', [1])), trace(TensorData.from('int32', [2])), 'form'));
});

test('any NaN equals any NaN, and nothing else', (t) => {
  const trace = (bits: number): Trace => ({
    tensors: [new TensorData('float32', [1], new Uint8Array(new Uint32Array([bits]).buffer))],
    records: [{ result: { tensor: 0 } }],
  });
  t.is(compare(trace(0x7fc00000), trace(0xffc01234)), undefined);
  t.is(distance(trace(0x7fc00000), trace(0xffc01234)).elementsThatDiffer, 0);
  t.truthy(compare(trace(0x7fc00000), trace(0x7f800000)));
});

test('an element that differs comes with its bits and the distance in ulps', (t) => {
  const trace = (x: number): Trace => ({
    tensors: [TensorData.from('float32', [1, x])],
    records: [{ result: { tensor: 0 } }],
  });
  const next = 1 + 2 ** -23;
  t.like(compare(trace(next), trace(1)), {
    record: 0,
    path: 'result[1]',
    element: { index: 1, oursBits: 0x3f800001, ulps: 1n },
  });
  t.like(compare(trace(-0), trace(0)), { element: { oursBits: 0x80000000, ulps: 0n } });
  t.like(compare(trace(-(2 ** -149)), trace(2 ** -149)), { element: { ulps: 2n } });
  t.truthy(compare(trace(NaN), trace(1)));
  t.is(compare(trace(NaN), trace(1))?.element?.ulps, undefined);
  t.deepEqual(distance(trace(-next), trace(next)), {
    elements: 2,
    elementsThatDiffer: 1,
    bitsThatDiffer: 1,
    elementsBeyondOneUlp: 1,
  });
});

test('halves differ in ulps of their own, complex numbers in their parts', (t) => {
  const trace = (dtype: 'float16' | 'bfloat16' | 'complex64', bits: ArrayBufferView): Trace => {
    const bytes = new Uint8Array(bits.buffer as ArrayBuffer);
    const shape = [bytes.length / (dtype === 'complex64' ? 8 : 2)];
    return { tensors: [new TensorData(dtype, shape, bytes)], records: [{ result: { tensor: 0 } }] };
  };
  const half = (...bits: number[]): Trace => trace('float16', new Uint16Array(bits));
  t.like(compare(half(0, 0x3c01), half(0, 0x3c00)), {
    path: 'result[1]',
    ours: '1.0009765625',
    element: { oursBits: 0x3c01, width: 16, ulps: 1n },
  });
  t.like(compare(half(0x8001), half(1)), { element: { ulps: 2n } });
  t.is(compare(half(0x7e00), half(0xfe01)), undefined);
  t.like(
    compare(trace('bfloat16', new Uint16Array([0x3f80])), trace('bfloat16', new Uint16Array([0x3f82]))),
    {
      element: { ours: 1, ulps: 2n },
    },
  );
  const complex = (...parts: number[]): Trace => trace('complex64', new Float32Array(parts));
  t.like(compare(complex(1, 2, 3, -0), complex(1, 2, 3, 0)), {
    path: 'result[1].imag',
    element: { ulps: 0n },
  });
  t.like(compare(complex(1, 2, 3, 4), complex(1, 2, NaN, 4)), { path: 'result[1].real' });
  t.is(compare(complex(NaN, 1), complex(NaN, 1)), undefined);
  t.is(distance(complex(1, 2), complex(1, 2)).elements, 2);
});
