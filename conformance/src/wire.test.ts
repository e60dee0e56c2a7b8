import test from 'ava';
import fc from 'fast-check';
import { Packr } from 'msgpackr';
import type { TensorData } from 'torch-parity';
import type { Description } from './exchange/description.ts';
import type { Program } from './program.ts';
import { smallPrograms } from './testing/programs.ts';
import { tensors, traces, values } from './testing/traces.ts';
import { traceKinds } from './trace.ts';
import { decodeReply, encodeRun, encodeSave } from './wire.ts';

const peer = new Packr({ useRecords: false, int64AsType: 'auto' } as object);
const programs: fc.Arbitrary<Program> = fc
  .tuple(smallPrograms, fc.array(tensors, { maxLength: 6 }))
  .chain(([program, extra]) =>
    values(extra.length).map((value) => ({ ...program, tensors: extra, options: [['x', value]] })),
  );

test('a request is a header and the bytes of every tensor, in order', (t) => {
  fc.assert(
    fc.property(fc.array(programs, { maxLength: 4 }), fc.nat(), (batch, id) => {
      const [head, ...frames] = encodeRun({
        id,
        programs: batch,
        want: ['exact'],
        profile: { root: 2, flush: false },
      });
      const header = peer.unpack(head!) as { programs: Program[] };
      t.like(header, { type: 'run', id, want: ['exact'], profile: { root: 2, flush: false } });
      let next = 0;
      const back = header.programs.map((program) => ({
        ...program,
        tensors: program.tensors.map((tensor) => ({ ...tensor, bytes: new Uint8Array(frames[next++]!) })),
      }));
      t.is(next, frames.length);
      t.deepEqual(
        back as unknown,
        batch.map((program) => ({ ...program, tensors: program.tensors.map((x) => ({ ...x })) })),
      );
    }),
  );
});

test('an int beyond 32 bits stays an int', (t) => {
  fc.assert(
    fc.property(smallPrograms, fc.maxSafeInteger(), (program, int) => {
      const [head] = encodeRun({ id: 1, programs: [{ ...program, options: [['x', int]] }], want: [] });
      const strict = new Packr({ useRecords: false, int64AsType: 'bigint' });
      const [[, value]] = (strict.unpack(head!) as { programs: Program[] }).programs[0]!.options as [
        [string, unknown],
      ];
      t.is(typeof value, Math.abs(int) < 2 ** 31 ? 'number' : 'bigint'); // a float would be a number
      t.is(Number(value), int);
    }),
  );
});

test('what was encoded stays as it is while later messages are', (t) => {
  fc.assert(
    fc.property(programs, programs, (one, other) => {
      const frames = encodeRun({ id: 1, programs: [one, one, one], want: ['exact'] });
      const before = frames.map((frame) => frame.slice());
      encodeRun({ id: 2, programs: [other, other], want: ['torch'] });
      t.deepEqual(
        frames.map((frame) => frame.slice()),
        before,
      );
    }),
  );
});

const results = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record(
        { exact: traces, foreach: traces, torch: traces, truth: traces },
        { requiredKeys: [] },
      ),
    },
    { weight: 1, arbitrary: fc.record({ failed: fc.record({ code: fc.string(), message: fc.string() }) }) },
  ),
  { maxLength: 3 },
);

/** A result message as the oracle writes it. The tensors start at odd places of one buffer. */
function reply(list: typeof results extends fc.Arbitrary<infer T> ? T : never): Uint8Array[] {
  const frames: Uint8Array[] = [];
  const bare = list.map((result) =>
    Object.fromEntries(
      Object.entries(result).map(([kind, trace]) => [
        kind,
        'tensors' in trace
          ? { ...trace, tensors: trace.tensors.map(({ dtype, shape }: TensorData) => ({ dtype, shape })) }
          : trace,
      ]),
    ),
  );
  for (const result of list) {
    for (const kind of traceKinds) {
      const trace = (result as Record<string, { tensors: { bytes: Uint8Array }[] } | undefined>)[kind];
      for (const { bytes } of trace?.tensors ?? [])
        frames.push(Buffer.concat([Buffer.from([7]), bytes]).subarray(1));
    }
  }
  return [peer.pack({ type: 'result', id: 3, results: bare }), ...frames];
}

test('a result comes back with every tensor in its place, as plain bytes of its own', (t) => {
  fc.assert(
    fc.property(results, (list) => {
      const decoded = decodeReply(reply(list));
      t.deepEqual(decoded as unknown, { type: 'result', id: 3, results: list });
      if (decoded.type !== 'result') return;
      for (const result of decoded.results) {
        for (const { bytes } of 'exact' in result ? result.exact!.tensors : [])
          t.is(bytes.constructor, Uint8Array);
      }
    }),
  );
});

test('a message with a frame too few or too many is refused', (t) => {
  fc.assert(
    fc.property(results, (list) => {
      const frames = reply(list);
      t.throws(() => decodeReply([...frames, new Uint8Array(4)]), { message: /frames came with it/ });
      if (frames.length > 1) t.throws(() => decodeReply(frames.slice(0, -1)), { message: /fewer frames/ });
    }),
  );
});

test('files and descriptions cross with every storage in its place', (t) => {
  const frames = ['file', 'first', 'second', 'after'].map((text) => new Uint8Array(Buffer.from(text)));
  const tensors = [0, 1].map((storage) => ({ dtype: 'int8', shape: [], stride: [], offset: 0, storage }));
  const description = { value: [{ tensor: 0 }, { tensor: 1 }], tensors, storages: [5, 6] };
  const after = { value: { tensor: 0 }, tensors: tensors.slice(0, 1), storages: [5] };
  const refused = { refused: { class: 'UnpicklingError', message: 'no' } };

  const saved = { type: 'save result', id: 1, results: [refused, { description }] };
  t.deepEqual(decodeReply([peer.pack(saved), ...frames.slice(0, 3)]) as unknown, {
    ...saved,
    results: [refused, { file: frames[0], description: { ...description, storages: frames.slice(1, 3) } }],
  });
  const read = { type: 'load result', id: 2, results: [{ description, after }, refused] };
  t.deepEqual(decodeReply([peer.pack(read), ...frames.slice(1)]) as unknown, {
    ...read,
    results: [
      {
        description: { ...description, storages: frames.slice(1, 3) },
        after: { ...after, storages: frames.slice(3) },
      },
      refused,
    ],
  });
  t.throws(() => decodeReply([peer.pack(read), ...frames]), { message: /frames came with it/ });
  t.throws(() => decodeReply([peer.pack(read), ...frames.slice(2)]), { message: /fewer frames/ });

  const described = { ...description, storages: frames.slice(1, 3) } as Description;
  const [header, ...sent] = encodeSave(7, 'pt', [{ catalogue: 'Adam()' }, described]);
  t.deepEqual(peer.unpack(header!), {
    ...{ type: 'save', id: 7, format: 'pt' },
    items: [{ catalogue: 'Adam()' }, description],
  });
  t.deepEqual(sent, frames.slice(1, 3));
});
