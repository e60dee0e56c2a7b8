import '../node_util.ts';
import * as tf from '@tensorflow/tfjs-node-gpu';
import test from 'ava';
import {
  Adadelta,
  countNativeTensors,
  Parameter,
  pyFloat,
  pyInt,
  registerOptimizerStepPostHook,
  SGD,
  SparseTensor,
  TensorData,
  type StateDict,
} from '../index.ts';

const dtypes = ['float32', 'float64'] as const;

function parameter(dtype: (typeof dtypes)[number], values: number[], shape = [values.length]): Parameter {
  return new Parameter(TensorData.from(dtype, values, shape));
}

/** All that a step can change, as bytes. */
function everything(optimizer: Adadelta | SGD): unknown {
  const { state, param_groups } = optimizer.stateDict();
  return {
    params: optimizer.paramGroups.flatMap(({ params }) => params.map((p) => p.toTensorData())),
    state: [...state],
    param_groups,
  };
}

for (const dtype of dtypes) {
  test(`${dtype}: nothing leaks over 1,000 steps`, (t) => {
    const params = [
      parameter(dtype, [1, 2, 3, 4], [2, 2]),
      parameter(dtype, [5], []),
      parameter(dtype, [], [0, 3]),
    ];
    const gradients = params.map((p) =>
      TensorData.from(dtype, new Float64Array(p.toTensorData().size).fill(0.5), p.shape),
    );
    const adadelta = new Adadelta(params, { weightDecay: 0.1, maximize: true });
    const sgd = new SGD(params, { momentum: 0.9, nesterov: true });
    const step = (): void => {
      params.forEach((p, i) => (p.grad = gradients[i]!));
      adadelta.step();
      sgd.step();
      sgd.loadStateDict(sgd.stateDict());
      adadelta.zeroGrad({ setToNone: false });
    };
    step();
    const before = [tf.memory().numTensors, countNativeTensors()];
    for (let i = 1; i < 1000; i++) step();
    t.deepEqual([tf.memory().numTensors, countNativeTensors()], before);
    t.is(adadelta.state.size, 3);

    adadelta.dispose();
    sgd.dispose();
    for (const p of params) p.dispose();
    t.deepEqual([tf.memory().numTensors, countNativeTensors()], [0, 0]);
  });
}

test('a step inside tf.tidy keeps parameters and state', (t) => {
  const p = parameter('float32', [1, 2]);
  const optimizer = new Adadelta([p]);
  tf.tidy(() => {
    p.grad = tf.tensor1d([0.5, -0.5]);
    optimizer.step();
  });
  p.grad = TensorData.from('float32', [0.5, -0.5]);
  optimizer.step();
  t.is(optimizer.stateDict().state.get(0)?.step instanceof TensorData, true);
  t.false(p.data.isDisposed);
});

test('a tensor that was read earlier never changes under its holder', (t) => {
  const p = parameter('float32', [1, 2]);
  const held = tf.clone(p.data as tf.Tensor);
  const given = tf.tensor1d([1, 2]);
  const copy = new Parameter(given);
  const optimizer = new SGD([p, copy], { lr: 1 });
  for (const one of [p, copy]) one.grad = TensorData.from('float32', [1, 1]);
  optimizer.step();
  t.deepEqual([...held.dataSync()], [1, 2]);
  t.deepEqual([...given.dataSync()], [1, 2]);
  t.deepEqual([...copy.toTensorData().toTypedArray()], [0, 1]);
});

test('a null gradient skips the parameter, a zero gradient does not', (t) => {
  const params = [parameter('float32', [1]), parameter('float32', [1])];
  const optimizer = new Adadelta(params, { weightDecay: 1 });
  params[1]!.grad = TensorData.from('float32', [0]);
  optimizer.step();
  t.deepEqual([...optimizer.stateDict().state.keys()], [1]);
  t.is(params[0]!.toTensorData().toTypedArray()[0], 1);
  t.true(Number(params[1]!.toTensorData().toTypedArray()[0]) < 1);
});

test('a tf.Variable is updated in place of its value, and shared by all who hold it', (t) => {
  const variable = tf.variable(tf.tensor1d([1, 2]));
  const optimizer = new SGD([variable], { lr: 0.25 });
  const loss = optimizer.minimize(() => tf.sum(tf.square(variable)));
  t.is(loss.dataSync()[0], 5);
  t.deepEqual([...variable.dataSync()], [0.5, 1]);
  t.is(optimizer.paramGroups[0]!.params[0]!.data, variable);
  t.throws(() => new SGD([variable], { differentiable: true }), { name: 'TypeError', code: 'VARIABLE' });
  optimizer.zeroGrad();
  optimizer.dispose();
  t.false(variable.isDisposed);
});

test('what torch refuses in the middle of a step changes nothing here', (t) => {
  const params = [parameter('float32', [1, 2]), parameter('float32', [3])];
  const optimizer = new Adadelta([{ params: [params[0]!] }, { params: [params[1]!] }]);
  const disposed = tf.tensor1d([1]);
  disposed.dispose();
  const second = params[1]!;
  const group = optimizer.paramGroups[1]!;
  params[0]!.grad = TensorData.from('float32', [1, 1]);
  second.grad = TensorData.from('float32', [1]);
  optimizer.step();
  const cases: [change: () => void, restore: () => void, expected: object][] = [
    [
      () => (second.grad = disposed),
      () => (second.grad = TensorData.from('float32', [1])),
      { name: 'RuntimeError', code: 'DISPOSED' },
    ],
    [
      () =>
        (second.grad = new SparseTensor(
          new TensorData('int64', [1, 1], new Uint8Array(8)),
          TensorData.from('float32', [1]),
          [1],
        )),
      () => (second.grad = TensorData.from('float32', [1])),
      { name: 'RuntimeError', message: 'Adadelta does not support sparse gradients' },
    ],
    [
      () => (group.lr = 1e39),
      () => (group.lr = 1),
      { name: 'RuntimeError', message: 'value cannot be converted to type float without overflow' },
    ],
    [
      () => (group.rho = '0.9' as never),
      () => (group.rho = 0.9),
      { name: 'TypeError', message: 'rho must be a number, but got str' },
    ],
    [
      () => delete (group as { eps?: number }).eps,
      () => (group.eps = 1e-6),
      { name: 'KeyError', message: "'eps'" },
    ],
    [
      () => (group.differentiable = true),
      () => (group.differentiable = false),
      { name: 'RuntimeError', code: 'UNSUPPORTED' },
    ],
    [() => (group.capturable = true), () => (group.capturable = false), { name: 'AssertionError' }],
  ];
  for (const [change, restore, expected] of cases) {
    const before = everything(optimizer);
    change();
    t.throws(() => optimizer.step(), expected);
    restore();
    t.deepEqual(everything(optimizer), before);
  }
});

test('a closure that returns a promise is a TypeError', (t) => {
  const p = parameter('float32', [1]);
  const optimizer = new SGD([p], { lr: 1 });
  p.grad = TensorData.from('float32', [1]);
  t.throws(() => optimizer.step(async () => 1), { name: 'TypeError', code: 'ASYNC_CLOSURE' });
  t.is(p.toTensorData().toTypedArray()[0], 1);
});

test('a gradient of another shape, dtype or kind is refused where it is set', (t) => {
  const p = parameter('float32', [1, 2]);
  const grad = TensorData.from('float32', [1, 1]);
  p.grad = grad;
  t.throws(() => (p.grad = TensorData.from('float32', [1])), { name: 'RuntimeError', code: 'GRAD_SHAPE' });
  t.throws(() => (p.grad = TensorData.from('float64', [1, 1])), { name: 'RuntimeError', code: 'GRAD_DTYPE' });
  t.throws(() => (p.grad = tf.tensor1d([1, 2], 'int32')), { name: 'RuntimeError', code: 'GRAD_DTYPE' });
  t.throws(() => (p.grad = [1, 1] as never), { name: 'TypeError', code: 'NOT_A_TENSOR' });
  t.is(p.grad, grad);
});

test('constructor options of another name or type throw and name the cure', (t) => {
  const p = parameter('float32', [1]);
  const make = (options: object) => () => new Adadelta([p], options as never);
  t.throws(make({ weight_decay: 1 }), {
    name: 'TypeError',
    message: 'unknown option weight_decay: use weightDecay',
  });
  t.throws(make({ weightdecay: 1 }), { name: 'TypeError', message: /use weightDecay/ });
  t.throws(make({ beta: 1 }), {
    name: 'TypeError',
    message: /unexpected keyword argument 'beta'.*weightDecay/,
  });
  t.throws(make({ lr: '1' }), { name: 'TypeError', message: 'lr must be a number, but got str' });
  t.throws(make({ maximize: 1 }), {
    name: 'TypeError',
    message: 'maximize must be true or false, but got int',
  });
  t.throws(make({ rho: NaN }), { name: 'ValueError', message: 'Invalid rho value: nan' });
  t.throws(() => new SGD([p], 0.1 as never), {
    name: 'TypeError',
    message: /as in \{lr: 0\.1\}, but got float/,
  });
  t.throws(() => new SGD([p], { lr: NaN }), { name: 'ValueError', message: /lr is NaN/ });
  t.throws(() => new Adadelta([{ params: [p], weight_decay: 1 }]), { message: /use weightDecay/ });
  t.throws(() => new Adadelta([tf.tensor1d([1])] as never), {
    name: 'TypeError',
    message: /new Parameter\(tensor\)/,
  });
});

test('a state dict of the wrong form is refused and nothing changes', (t) => {
  const p = parameter('float32', [1, 2]);
  const optimizer = new Adadelta([p]);
  p.grad = TensorData.from('float32', [1, 1]);
  optimizer.step();
  const good = optimizer.stateDict();
  const entry = good.state.get(0)!;
  const before = everything(optimizer);
  const tensors = [tf.memory().numTensors, countNativeTensors()];
  const cases: [unknown, object][] = [
    [5, { name: 'TypeError' }],
    [{ state: good.state }, { name: 'KeyError', message: "'param_groups'" }],
    [{ param_groups: good.param_groups }, { name: 'KeyError', message: "'state'" }],
    [
      { ...good, state: { 0: entry } },
      { name: 'TypeError', message: /must be a Map/ },
    ],
    [{ ...good, state: new Map([[0, 5]]) }, { name: 'TypeError' }],
    [{ ...good, param_groups: {} }, { name: 'TypeError' }],
    [{ ...good, param_groups: [{ params: 0 }] }, { name: 'TypeError' }],
    [
      { ...good, param_groups: [] },
      { name: 'ValueError', message: /different number of parameter groups/ },
    ],
    [
      { ...good, param_groups: [{ params: [] }] },
      { name: 'ValueError', message: /doesn't match the size/ },
    ],
    [
      { ...good, state: new Map([[0, { square_avg: entry.square_avg, acc_delta: entry.acc_delta }]]) },
      { name: 'KeyError', message: "'step'" },
    ],
    [
      { ...good, state: new Map([[0, { ...entry, step: 'three' }]]) },
      { name: 'TypeError', code: 'STEP_TYPE' },
    ],
  ];
  for (const [stateDict, expected] of cases) {
    t.throws(() => optimizer.loadStateDict(stateDict as StateDict), expected);
    t.deepEqual(everything(optimizer), before);
  }
  const options = { name: 'TypeError', code: 'OPTIONS', message: /as in {match: 'names'}, but got NoneType/ };
  t.throws(() => optimizer.loadStateDict(good, null as never), options);
  t.deepEqual([tf.memory().numTensors, countNativeTensors()], tensors);
});

test('a loaded state dict is not aliased', (t) => {
  const p = parameter('float32', [1]);
  const optimizer = new Adadelta([p]);
  p.grad = TensorData.from('float32', [1]);
  optimizer.step();
  const saved = optimizer.stateDict();
  const copy = structuredClone([...(saved.state.get(0)!.square_avg as TensorData).bytes]);
  optimizer.loadStateDict(saved);
  optimizer.step();
  t.deepEqual([...(saved.state.get(0)!.square_avg as TensorData).bytes], copy);
  t.is((saved.state.get(0)!.step as TensorData).toTypedArray()[0], 1);
});

test('Python types of numbers survive: the defaults, what is loaded, what is written by hand', (t) => {
  const p = parameter('float32', [1]);
  const optimizer = new Adadelta([{ params: [p], epoch: pyInt(3), factor: pyFloat(3) }]);
  t.regex(optimizer.toString(), /epoch: 3\n.*factor: 3\.0\n.*lr: 1\.0\n.*weight_decay: 0\n/s);
  optimizer.loadStateDict(optimizer.stateDict());
  t.regex(optimizer.toString(), /epoch: 3\n.*factor: 3\.0\n.*lr: 1\.0\n.*weight_decay: 0\n/s);
  optimizer.paramGroups[0]!.weightDecay = 2;
  optimizer.paramGroups[0]!.lr = 2;
  t.regex(optimizer.toString(), /lr: 2\.0\n.*weight_decay: 2\.0\n/s);
});

test('a handle removes its hook, also at the end of a using block', (t) => {
  const p = parameter('float32', [1]);
  const optimizer = new SGD([p]);
  const calls: string[] = [];
  const handle = optimizer.registerStepPostHook(() => void calls.push('own'));
  const global = registerOptimizerStepPostHook(() => void calls.push('global'));
  optimizer.step();
  handle.remove();
  handle.remove();
  optimizer.step();
  global[Symbol.dispose]();
  optimizer.step();
  t.deepEqual(calls, ['own', 'global', 'global']);
});

test('the engine is chosen in the constructor, and no part of the state dict', (t) => {
  const p = parameter('float32', [1]);
  t.is(new SGD([p]).engine, 'fused');
  for (const engine of ['reference', 'fused'] as const) {
    const optimizer = new SGD([p], { engine });
    t.is(optimizer.engine, engine);
    t.false('engine' in optimizer.stateDict().param_groups[0]!);
  }
  t.throws(() => new SGD([p], { engine: 'fast' as never }), { name: 'ValueError', message: /got 'fast'/ });
});

test('two saved ids of one parameter leave one state, the later one, and leak nothing', (t) => {
  const p = parameter('float32', [1]);
  const { emitWarning } = process;
  process.emitWarning = () => {};
  const optimizer = new Adadelta([p, p]);
  process.emitWarning = emitWarning;
  p.grad = TensorData.from('float32', [1]);
  optimizer.step();
  const saved = optimizer.stateDict();
  const [entry] = saved.state.values();
  saved.param_groups[0]!.params = ['first', 'second'];
  saved.state = new Map([
    ['first', { ...entry, step: 1 }],
    ['second', { ...entry, step: 5 }],
  ]);
  optimizer.loadStateDict(saved);
  const before = tf.memory().numTensors;
  optimizer.loadStateDict(saved);
  t.is(tf.memory().numTensors, before);
  t.is((optimizer.stateDict().state.get(1)!.step as TensorData).toTypedArray()[0], 5);
});

test('a gradient may be the tensor of another parameter, as it was before the step', (t) => {
  for (const dtype of dtypes) {
    const [first, second] = [parameter(dtype, [1, 2]), parameter(dtype, [3, 4])];
    const optimizer = new SGD([first, second], { lr: 0.5, momentum: 0.5 });
    first.grad = TensorData.from(dtype, [1, 1]);
    second.grad = first.data;
    optimizer.step();
    t.deepEqual([...second.toTensorData().toTypedArray()], [2.5, 3]);
    const count = (): unknown =>
      [first.data, second.data, tf.memory().numTensors, countNativeTensors()].slice(2);
    const before = count();
    second.grad = first.data;
    optimizer.step();
    t.deepEqual(count(), before);
  }
});

test('another spelling of an option on a live or a loaded group is refused', (t) => {
  const p = parameter('float32', [1]);
  const optimizer = new SGD([p]);
  const saved = optimizer.stateDict();
  saved.param_groups[0]!.weightDecay = 0.5;
  t.throws(() => optimizer.loadStateDict(saved), {
    name: 'TypeError',
    message: /rename it, to weight_decay/,
  });
  optimizer.paramGroups[0]!.weight_decay = 0.5;
  t.throws(() => optimizer.step(), {
    name: 'TypeError',
    message: 'unknown option weight_decay: use weightDecay',
  });
  t.throws(() => optimizer.stateDict(), { name: 'TypeError', code: 'SPELLING' });
});

test('state that is no tensor, or disposed, is refused', (t) => {
  const p = parameter('float32', [1]);
  const optimizer = new SGD([p], { momentum: 0.9 });
  p.grad = TensorData.from('float32', [1]);
  optimizer.step();
  const entry = optimizer.state.get(p)!;
  const buffer = entry.momentum_buffer as tf.Tensor;
  entry.momentum_buffer = [5];
  t.throws(() => optimizer.step(), { name: 'TypeError', code: 'STATE_TYPE' });
  entry.momentum_buffer = buffer;
  buffer.dispose();
  t.throws(() => optimizer.step(), { name: 'RuntimeError', code: 'DISPOSED' });
});

test('keys of any name are kept, and what is copied is not shared', (t) => {
  const values = Float32Array.of(1);
  const group = JSON.parse('{"__proto__": {"lr": 7}, "constructor": 1}') as Record<string, unknown>;
  const optimizer = new SGD([
    { ...group, ['__proto__']: group['__proto__'], values, params: [parameter('float32', [1])] },
  ]);
  const saved = optimizer.stateDict().param_groups[0]!;
  t.deepEqual(Object.keys(saved).slice(0, 3), ['__proto__', 'constructor', 'values']);
  t.is(optimizer.paramGroups[0]!.lr, 1e-3);
  (saved.values as Float32Array)[0] = 2;
  t.deepEqual([...values, ...(optimizer.paramGroups[0]!.values as Float32Array)], [1, 1]);
});

test('tensors inside lists and dicts of a loaded state are cast, too', (t) => {
  const p = parameter('float32', [1]);
  const optimizer = new Adadelta([p]);
  p.grad = TensorData.from('float32', [1]);
  optimizer.step();
  const saved = optimizer.stateDict();
  const wide = TensorData.from('float64', [0.1]);
  saved.state.get(0)!.extra = [{ inner: wide, step: wide }, pyFloat(2)];
  optimizer.loadStateDict(saved);
  const extra = optimizer.stateDict().state.get(0)!.extra as [
    { inner: TensorData; step: TensorData },
    number,
  ];
  t.deepEqual([extra[0].inner.dtype, extra[0].step.dtype, wide.dtype], ['float32', 'float64', 'float64']);
});

test('minimize leaves nothing behind when its step fails', (t) => {
  const p = parameter('float32', [1]);
  const optimizer = new Adadelta([p], { capturable: true });
  const loss = (): tf.Scalar => tf.sum(p.data as tf.Tensor);
  t.throws(() => optimizer.minimize(loss), { name: 'AssertionError' });
  const before = tf.memory().numTensors;
  t.throws(() => optimizer.minimize(loss), { name: 'AssertionError' });
  t.is(tf.memory().numTensors, before);
});

test('a pre hook that returns something else is refused', (t) => {
  const optimizer = new SGD([parameter('float32', [1])]);
  optimizer.registerStepPreHook(() => [null, null] as never);
  t.throws(() => optimizer.step(), {
    name: 'RuntimeError',
    message: /must return None or a tuple.*got \[None, None\]/,
  });
});
