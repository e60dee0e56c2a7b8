import '../node_util.ts';
import '@tensorflow/tfjs-node-gpu';
import test from 'ava';
import { itemSizes } from '../dtype.ts';
import { LoadedTensor, MemoryStorage } from '../checkpoint/index.ts';
import { OrderedDict, Tuple } from '../python/collections.ts';
import { Adadelta, cast, Parameter, pyFloat, pyInt, SGD, TensorData, type StateDict } from '../index.ts';
import { put, PythonNumber, pythonTypeOf, setNumber } from '../python/number.ts';

function stepped(): Adadelta {
  const params = [1, 2].map((value) => new Parameter(TensorData.from('float32', [value, value])));
  const groups = params.map((param, i) => ({
    params: [param],
    lr: 1 + i,
    epoch: pyInt(3),
    factor: pyFloat(3),
  }));
  const optimizer = new Adadelta(groups, { weightDecay: 0.5 });
  for (const param of params) param.grad = TensorData.from('float32', [0.5, -0.25]);
  optimizer.step();
  return optimizer;
}

function setEntry(container: object, key: unknown, value: unknown): void {
  if (value instanceof PythonNumber) setNumber(container, key, value);
  else put(container, key, value);
}

/** A tensor as `load` gives it: a view of a storage. */
function loaded({ dtype, shape, bytes, size }: TensorData): LoadedTensor {
  const all = new Uint8Array(2 * bytes.length);
  all.set(bytes, bytes.length);
  const layout = { storage: new MemoryStorage(all), offset: size, stride: shape.map(() => 1) };
  return new LoadedTensor(dtype, shape, all.subarray(bytes.length), {
    ...layout,
    requiresGrad: false,
    parameter: false,
  });
}

/** A state dict as `load` gives it: dicts are Maps that know which numbers are floats. */
function asLoaded(value: unknown): unknown {
  if (value instanceof TensorData) return loaded(value);
  if (Array.isArray(value)) return value.map(asLoaded);
  if (value instanceof Map) return new Map(Array.from(value, ([key, entry]) => [key, asLoaded(entry)]));
  if (typeof value !== 'object' || value === null) return value;
  const map = new Map();
  for (const [key, entry] of Object.entries(value)) {
    const typed =
      typeof entry === 'number' ? new PythonNumber(pythonTypeOf(value, key), entry) : asLoaded(entry);
    setEntry(map, key, typed);
  }
  return map;
}

test('what load gives, Maps and tensors that are views, is taken as it is, and copied', (t) => {
  const source = stepped();
  const saved = source.stateDict();
  saved.state.get(0)!.extra = TensorData.from('float32', [1, 2]);
  const checkpoint = asLoaded(saved) as Map<string, Map<number, Map<string, LoadedTensor>>>;
  const target = stepped();
  target.step();
  target.loadStateDict(checkpoint);
  t.deepEqual(target.stateDict(), saved);
  t.is(String(target), String(source));
  t.regex(String(target), /epoch: 3\n.*factor: 3\.0\n.*lr: 2\.0\n/s);

  for (const entry of checkpoint.get('state')!.values()) {
    for (const { storage } of entry.values()) storage.bytes.fill(0);
  }
  t.deepEqual(target.stateDict(), saved);
});

test('hooks see objects, and may return Maps', (t) => {
  const optimizer = stepped();
  const saved = optimizer.stateDict();
  optimizer.registerLoadStateDictPreHook((_, { param_groups: [first] }) => {
    first!.lr = 7;
  });
  optimizer.registerLoadStateDictPreHook((_, stateDict) => asLoaded(stateDict) as StateDict);
  optimizer.loadStateDict(asLoaded(saved) as Map<string, unknown>);
  t.deepEqual(
    optimizer.paramGroups.map(({ lr }) => lr),
    [7, 2],
  );
});

test("torch 2.1's state, whose step is an int, and ids that became strings", (t) => {
  const optimizer = stepped();
  const checkpoint = asLoaded(optimizer.stateDict()) as Map<string, unknown>;
  const state = checkpoint.get('state') as Map<unknown, Map<string, unknown>>;
  setNumber(state.get(0)!, 'step', pyInt(3));
  state.set('1', state.get(1)!);
  state.delete(1);
  optimizer.loadStateDict(checkpoint);
  const after = optimizer.stateDict().state;
  t.deepEqual([...after.keys()], [0, '1']);
  t.deepEqual(after.get(0)!.step, TensorData.from('float32', [3], []));
  t.true(after.get('1')!.step instanceof TensorData);
  t.is(optimizer.state.get(optimizer.paramGroups[1]!.params[0]!), undefined);
});

test('tuples and dicts of other kinds are kept in groups; in state, tensors inside them are cast, and dicts are plain', (t) => {
  const optimizer = stepped();
  const saved = optimizer.stateDict();
  const wide = TensorData.from('float64', [0.1]);
  const tuple = new Tuple();
  setEntry(tuple, 0, pyFloat(1));
  setEntry(tuple, 1, wide);
  const dict = new OrderedDict<string, unknown>([
    ['step', wide],
    ['other', wide],
  ]);
  saved.state.get(0)!.extra = Tuple.of<unknown>(dict, tuple);
  saved.param_groups = Tuple.from(saved.param_groups);
  saved.param_groups[0]!.betas = tuple;
  saved.param_groups[0]!.more = dict;
  optimizer.loadStateDict(saved);
  const after = optimizer.stateDict();
  const narrow = cast(wide, 'float32');
  const extra = after.state.get(0)!.extra as [Map<string, unknown>, Tuple];
  t.true(extra instanceof Tuple && extra[1] instanceof Tuple);
  t.is(pythonTypeOf(extra[1], 0), 'float');
  t.deepEqual([...extra[1]], [1, narrow]);
  t.deepEqual(extra[0], new Map(Object.entries({ step: wide as TensorData, other: narrow })));
  const { betas, more } = after.param_groups[0]!;
  t.deepEqual([betas, more], [tuple, dict]);
  t.is(pythonTypeOf(betas as Tuple, 0), 'float');
  t.not((betas as Tuple)[1], wide);
});

test('what stands in two places, or in itself, does so in the copies, and takes no longer', (t) => {
  const optimizer = stepped();
  const saved = optimizer.stateDict();
  let shared: unknown[] = [1];
  for (let depth = 0; depth < 100; depth++) shared = [shared, shared];
  const cycle: unknown[] = [];
  cycle.push(cycle);
  saved.param_groups[0]!.note = [shared, cycle];
  saved.state.get(0)!.extra = [shared, cycle];
  optimizer.loadStateDict(saved);
  const after = optimizer.stateDict();
  for (const copy of [after.param_groups[0]!.note, after.state.get(0)!.extra] as unknown[][][]) {
    t.is(copy[0]![0], copy[0]![1]);
    t.not(copy[0], shared);
    t.is(copy[1]![0], copy[1]);
    t.not(copy[1], cycle);
  }
});

test('what cannot be loaded is refused with its cure, and nothing changes', (t) => {
  const optimizer = stepped();
  const before = optimizer.stateDict();
  class LazyTensor {
    dtype = 'float32';
    storage = {};
  }
  const entry = before.state.get(0)!;
  const refused: [unknown, object][] = [
    [new Map([[1, 2]]), { name: 'TypeError', message: /is an object, but got dict/ }],
    [new Map(), { name: 'KeyError', message: "'param_groups'" }],
    [
      {
        ...before,
        param_groups: before.param_groups.map(
          (group) => new Map([...Object.entries(group), [1, 2]] as never),
        ),
      },
      { name: 'TypeError', message: /dicts with string keys/ },
    ],
    [
      { ...before, state: new Map<number, unknown>([[0, new Map([[1, 2]])]]) },
      { name: 'TypeError', message: /state\[0\] must be a dict with string keys/ },
    ],
    [
      { ...before, state: new Map([[0, { ...entry, square_avg: new LazyTensor() }]]) },
      { name: 'TypeError', code: 'LAZY_TENSOR', message: /take load\(file\) instead of open\(file\)/ },
    ],
    [
      {
        ...before,
        state: new Map([[0, { ...entry, step: new TensorData('float16', [], new Uint8Array(2)) }]]),
      },
      { name: 'TypeError', code: 'STEP_TYPE', message: /cast\(step, 'float32'\)/ },
    ],
  ];
  for (const [stateDict, expected] of refused) {
    t.throws(() => optimizer.loadStateDict(stateDict as StateDict), expected);
    t.deepEqual(optimizer.stateDict(), before);
  }
  t.throws(() => optimizer.loadStateDict(before, { match: 'name' as never }), {
    name: 'ValueError',
    message: "match must be 'order' or 'names', but got 'name'",
  });
});

test('a parameter is made of a loaded tensor of its dtypes, or the refusal names the cast', (t) => {
  for (const dtype of ['float16', 'bfloat16', 'float32', 'float64', 'complex64'] as const) {
    const data = new TensorData(
      dtype,
      [1, 3],
      Uint8Array.from({ length: 3 * itemSizes[dtype] }, (_, i) => i),
    );
    const tensor = loaded(data);
    const parameter = new Parameter(tensor);
    tensor.storage.bytes.fill(0);
    t.deepEqual(parameter.toTensorData(), data);
  }
  const small = loaded(new TensorData('float8_e5m2', [1], Uint8Array.of(0x3c)));
  t.throws(() => new Parameter(small), {
    code: 'UNSUPPORTED_DTYPE',
    message: /got float8_e5m2: cast it, new Parameter\(cast\(data, 'float32'\)\)/,
  });
  t.deepEqual(new Parameter(cast(small, 'float32')).toTensorData(), TensorData.from('float32', [1]));
});

test('SGD takes what load gives, a missing momentum_buffer included', (t) => {
  const p = new Parameter(TensorData.from('float32', [1]));
  const optimizer = new SGD([p], { momentum: 0.9 });
  p.grad = TensorData.from('float32', [1]);
  optimizer.step();
  const saved = optimizer.stateDict();
  saved.state.get(0)!.momentum_buffer = null;
  optimizer.loadStateDict(asLoaded(saved) as Map<string, unknown>);
  t.is(optimizer.stateDict().state.get(0)!.momentum_buffer, null);
  optimizer.step();
  t.deepEqual(optimizer.stateDict().state.get(0)!.momentum_buffer, TensorData.from('float32', [1]));
});
