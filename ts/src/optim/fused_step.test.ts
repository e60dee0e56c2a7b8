import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import '../node_util.ts';
import * as tf from '@tensorflow/tfjs-node-gpu';
import test from 'ava';
import fc from 'fast-check';
import {
  Adadelta,
  countNativeTensors,
  NativeTensor,
  Parameter,
  parameterOf,
  SGD,
  TensorData,
  type StateDict,
} from '../index.ts';

interface Setting {
  optimizer: Adadelta | SGD;
  params: Parameter[];
  engine: 'reference' | 'fused';
  /** Sets the gradients, other ones each time. */
  fill(): void;
  step(): void;
}

/** What happens between two steps, by which the second is no repetition of the first. */
const changes: Record<string, (setting: Setting) => void> = {
  nothing() {},
  'an option': ({ optimizer }) => void (optimizer.paramGroups[0]!.lr = 0.5),
  'an option that takes another kernel': ({ optimizer }) =>
    void (optimizer.paramGroups[0]!.weightDecay = 0.1),
  'an option that leaves state alone'({ optimizer: { paramGroups } }) {
    if ('momentum' in paramGroups[0]!) paramGroups[0].momentum = 0;
    if ('rho' in paramGroups[0]!) paramGroups[0].rho = 0.5;
  },
  'an option that is wrong for a while'({ optimizer: { paramGroups }, step }) {
    paramGroups[0]!.lr = 'fast' as never;
    try {
      step();
    } catch {}
    paramGroups[0]!.lr = 0.25;
  },
  'a learning rate that float32 cannot hold, for a while'({ optimizer: { paramGroups }, step }) {
    paramGroups[0]!.lr = 1e300;
    try {
      step();
    } catch {}
    paramGroups[0]!.lr = 0.25;
  },
  'a gradient less'({ optimizer, params, fill }) {
    fill();
    params[1]!.grad = null;
    optimizer.step();
  },
  'no gradients'({ optimizer }) {
    optimizer.zeroGrad();
    optimizer.step();
  },
  'gradients on the host'({ optimizer, params }) {
    for (const p of params) p.grad = TensorData.from('float32', [3, -4]);
    optimizer.step();
  },
  'a gradient that is disposed, for a while'({ params, fill, step }) {
    fill();
    const grad = tf.tensor1d([1, 2]);
    params[1]!.grad = grad;
    grad.dispose();
    try {
      step();
    } catch {}
  },
  "a parameter's tensor as a gradient"({ optimizer, params, fill }) {
    fill();
    params[0]!.grad = params[1]!.data;
    optimizer.step();
  },
  'a state tensor as a gradient'({ optimizer, params, fill }) {
    fill();
    params[0]!.grad = Object.values(optimizer.state.get(params[1]!)!).find(
      (value) => value instanceof NativeTensor || value instanceof tf.Tensor,
    ) as tf.Tensor;
    optimizer.step();
  },
  'a group more'({ optimizer, params }) {
    params.push(new Parameter(TensorData.from('float32', [5, 6])));
    optimizer.addParamGroup({ params: params.at(-1)!, lr: 0.1 });
  },
  'a group less': ({ optimizer }) => void optimizer.paramGroups.pop(),
  'parameters in another order': ({ optimizer }) => void optimizer.paramGroups[0]!.params.reverse(),
  'a parameter less': ({ optimizer }) => void optimizer.paramGroups[0]!.params.pop(),
  'another parameter in its place'({ optimizer, params }) {
    optimizer.paramGroups[0]!.params[1] = params[1] = new Parameter(TensorData.from('float32', [5, 6]));
  },
  'a parameter more'({ optimizer, params }) {
    params.push(new Parameter(TensorData.from('float32', [5, 6])));
    optimizer.paramGroups[0]!.params.push(params.at(-1)!);
  },
  'a parameter that stands twice': ({ optimizer: { paramGroups }, params }) =>
    void paramGroups[0]!.params.push(params[0]!),
  'state that is gone': ({ optimizer, params }) => void optimizer.state.delete(params[0]!),
  'all state gone': ({ optimizer }) => void (optimizer.state = new Map()),
  'another map of the same state': ({ optimizer }) => void (optimizer.state = new Map(optimizer.state)),
  'a state tensor that is gone'({ optimizer, params }) {
    delete optimizer.state.get(params[1]!)!['momentum_buffer'];
  },
  'another state tensor'({ optimizer, params }) {
    const entry = optimizer.state.get(params[1]!)!;
    const key = 'momentum_buffer' in entry ? 'momentum_buffer' : 'acc_delta';
    entry[key] = tf.tensor1d([7, 8]);
  },
  'another count'({ optimizer, params }) {
    const entry = optimizer.state.get(params[0]!)!;
    if ('step' in entry) entry['step'] = TensorData.from('float32', [100], []);
  },
  'two parameters with one state'({ optimizer: { state }, params: [p, q] }) {
    const entry = state.get(q!);
    if (entry !== undefined) state.set(p!, entry);
  },
  'a state tensor that is disposed, for a while'({ optimizer, params, fill, step }) {
    const entry = optimizer.state.get(params[1]!)!;
    const [key, value] = Object.entries(entry).findLast(([, tensor]) => !(tensor instanceof TensorData))!;
    (value as tf.Tensor).dispose();
    fill();
    try {
      step();
    } catch {}
    entry[key] = tf.tensor1d([7, 8]);
  },
  'a state dict'({ optimizer, step }) {
    const saved: StateDict = optimizer.stateDict();
    step();
    optimizer.loadStateDict(saved);
  },
  'another optimizer of the same parameters'({ params, engine, fill }) {
    for (const other of ['reference', 'fused'] as const) {
      const one = new SGD(params, { lr: 0.5, engine: engine === 'fused' ? other : 'reference' });
      fill();
      one.step();
      one.dispose();
    }
  },
  'an optimizer that was disposed': ({ optimizer }) => optimizer.dispose(),
};

/** Every bit of the parameters and of the state after some steps with a change between them. */
function run(engine: 'reference' | 'fused', kind: 'Adadelta' | 'SGD', change: (setting: Setting) => void) {
  const params = [1, 2, 3].map((i) => new Parameter(TensorData.from('float32', [i, -i])));
  const groups = [{ params: params.slice(0, 2) }, { params: params[2]!, lr: 0.3 }];
  const optimizer =
    kind === 'SGD' ? new SGD(groups, { lr: 0.1, momentum: 0.9, engine }) : new Adadelta(groups, { engine });
  let count = 0;
  const grads: tf.Tensor[] = [];
  const fill = (): void => {
    for (const p of params) {
      p.grad = tf.tensor1d([Math.sin(++count), Math.cos(count)]);
      grads.push(p.grad);
    }
  };
  const step = (): void => {
    fill();
    optimizer.step();
  };
  step();
  step();
  step();
  change({ optimizer, params, engine, fill, step });
  step();
  step();
  // A state dict has no place for what is in no group.
  const all = new Set<unknown>(optimizer.paramGroups.flatMap((group) => group.params));
  for (const key of optimizer.state.keys()) if (!all.has(key)) optimizer.state.delete(key);
  const result = {
    params: params.map((p) => p.toTensorData().bytes),
    state: optimizer.stateDict(),
  };
  optimizer.dispose();
  for (const tensor of [...params, ...grads]) tensor.dispose();
  return result;
}

for (const [name, change] of Object.entries(changes)) {
  test(`after ${name}, both engines go on alike`, (t) => {
    const { emitWarning } = process;
    process.emitWarning = () => {};
    for (const kind of ['Adadelta', 'SGD'] as const) {
      t.deepEqual(run('fused', kind, change), run('reference', kind, change), kind);
    }
    process.emitWarning = emitWarning;
  });
}

test('after any changes, both engines go on alike, also after errors', (t) => {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  const sequence = fc.array(fc.constantFrom(...Object.keys(changes)), { maxLength: 12, size: 'max' });
  const kinds = fc.constantFrom('Adadelta' as const, 'SGD' as const);
  const outcome = (engine: 'reference' | 'fused', kind: 'Adadelta' | 'SGD', names: string[]) => {
    const errors: string[] = [];
    const attempt = <R>(body: () => R): R | undefined => {
      try {
        return body();
      } catch (error) {
        errors.push(String(error));
        return undefined;
      }
    };
    const change = (setting: Setting): void => {
      for (const name of names) {
        attempt(() => changes[name]!(setting));
        attempt(setting.step);
      }
    };
    return { result: attempt(() => run(engine, kind, change)), errors };
  };
  fc.assert(
    fc.property(kinds, sequence, (kind, names) => {
      t.deepEqual(outcome('fused', kind, names), outcome('reference', kind, names));
    }),
    { numRuns: 200 },
  );
  process.emitWarning = emitWarning;
});

/** What must be refused at the step, and undone for the next. */
const wrongs: Record<string, { code: string; change: (optimizer: Adadelta, params: Parameter[]) => void }> = {
  'a tensor that two parameters have': {
    code: 'SHARED_STATE',
    change({ state }, [p, q]) {
      state.get(p!)!['acc_delta'] = state.get(q!)!['acc_delta'];
    },
  },
  'a tensor under two keys': {
    code: 'SHARED_STATE',
    change({ state }, [p]) {
      const entry = state.get(p!)!;
      entry['acc_delta'] = entry['square_avg'] = tf.tensor1d([7, 8]);
    },
  },
  "a parameter's tensor": {
    code: 'SHARED_STATE',
    change({ state }, [p, q]) {
      q!.grad = null;
      state.get(p!)!['acc_delta'] = q!.data;
    },
  },
  'a count in half precision': {
    code: 'STEP_TYPE',
    change({ state }, [, q]) {
      state.get(q!)!['step'] = TensorData.from('float16', [1], []);
    },
  },
};

for (const engine of ['reference', 'fused'] as const) {
  for (const [name, { code, change }] of Object.entries(wrongs)) {
    test(`engine '${engine}' refuses ${name} as state, and nothing has changed`, (t) => {
      const params = [1, 2].map((i) => new Parameter(TensorData.from('float32', [i, -i])));
      const optimizer = new Adadelta(params, { engine });
      const step = (): void => {
        for (const p of params) p.grad ??= TensorData.from('float32', [1, 2]);
        optimizer.step();
      };
      for (let i = 0; i < 3; i++) step();
      change(optimizer, params);
      const before = [optimizer.stateDict(), ...params.map((p) => p.toTensorData())];
      t.throws(() => optimizer.step(), { code });
      t.deepEqual([optimizer.stateDict(), ...params.map((p) => p.toTensorData())], before);
      optimizer.state = new Map();
      t.notThrows(step);
    });
  }
}

test('the state is in the order of the parameters, also where a group has several dtypes', (t) => {
  const params = (['float32', 'float64', 'float32'] as const).map(
    (dtype) => new Parameter(TensorData.from(dtype, [1])),
  );
  const optimizer = new Adadelta(params, { engine: 'fused' });
  for (const p of params) p.grad = TensorData.from(p.dtype as 'float32', [1]);
  optimizer.step();
  t.deepEqual([...optimizer.state.keys()], params);
});

test("an optimizer of either engine goes on with the fused engine's state", (t) => {
  const run = (engine: 'reference' | 'fused') => {
    const p = new Parameter(TensorData.from('float32', [1, 2]));
    const [fused, other] = (['fused', engine] as const).map((each) => new Adadelta([p], { engine: each }));
    p.grad = TensorData.from('float32', [3, 4]);
    for (let i = 0; i < 3; i++) fused!.step();
    other!.state = fused!.state;
    for (const optimizer of [other, fused, other]) optimizer!.step();
    return [p.toTensorData(), other!.stateDict()];
  };
  t.deepEqual(run('reference'), run('fused'));
});

test('a state tensor that was read is disposed by the next step, and what stands there is the new one', (t) => {
  const p = new Parameter(TensorData.from('float32', [1]));
  const optimizer = new SGD([p], { lr: 1, momentum: 0.5, engine: 'fused' });
  const values: number[] = [];
  let before: NativeTensor | undefined;
  for (let i = 0; i < 5; i++) {
    p.grad = TensorData.from('float32', [1]);
    optimizer.step();
    if (i < 2) continue;
    const buffer = optimizer.state.get(p)!['momentum_buffer'] as NativeTensor;
    t.not(buffer, before);
    t.not(before?.isDisposed, false);
    values.push(Number(buffer.toTensorData().toTypedArray()[0]));
    before = buffer;
  }
  t.deepEqual(values, [1.75, 1.875, 1.9375]);
});

/** Who may hold the memory of a tf.Variable. */
const holders: Record<string, (variable: tf.Variable) => tf.Tensor> = {
  'a clone': (variable) => variable.clone(),
  'a view': (variable) => tf.reshape(variable, [2, 1]),
  'another variable': (variable) => tf.variable(variable),
  'a parameter': (variable) => new Parameter<tf.Tensor>(variable).data,
  'a parameter that was stepped'(variable) {
    const p = new Parameter<tf.Tensor>(variable);
    p.grad = TensorData.from('float32', [0, 0]);
    new SGD([p], { engine: 'fused' }).step();
    return p.data;
  },
};

for (const [name, hold] of Object.entries(holders)) {
  test(`${name} of a tf.Variable does not change with it`, (t) => {
    const variable = tf.tidy(() => tf.variable(tf.tensor1d([1, 2])));
    const optimizer = new SGD([variable], { lr: 1, engine: 'fused' });
    const p = parameterOf(variable);
    const kept: tf.Tensor[] = [];
    const grad = tf.tensor1d([1, 1]);
    for (let i = 0; i < 4; i++) {
      kept.push(hold(variable));
      for (let j = 0; j < 2; j++) {
        p.grad = grad;
        optimizer.step();
      }
    }
    t.deepEqual(
      kept.map((tensor) => [...tensor.dataSync()]),
      [0, 2, 4, 6].map((steps) => [1 - steps, 2 - steps]),
    );
    t.deepEqual([...variable.dataSync()], [-7, -6]);
  });
}

test('a tf.Variable that nobody shares keeps its memory, and so its tensor', (t) => {
  const variable = tf.variable(tf.tensor1d([1, 2]));
  const optimizer = new SGD([variable], { lr: 1, engine: 'fused' });
  const step = (): void => {
    parameterOf(variable).grad = TensorData.from('float32', [1, 1]);
    optimizer.step();
  };
  step();
  const { dataId } = variable;
  step();
  t.is(variable.dataId, dataId);
  t.deepEqual([...variable.dataSync()], [-1, 0]);
});

test('the memory of a tf.Variable is freed with it, once its optimizer or its parameter is disposed', (t) => {
  const before = countNativeTensors();
  for (const end of ['optimizer', 'parameter'] as const) {
    const variable = tf.tidy(() => tf.variable(tf.tensor1d([1, 2])));
    const optimizer = new SGD([variable], { lr: 1, engine: 'fused' });
    const p = parameterOf(variable);
    const step = (): void => {
      p.grad = TensorData.from('float32', [1, 1]);
      optimizer.step();
    };
    for (let i = 0; i < 3; i++) step();
    // Who is disposed may go on, and be disposed again.
    (end === 'optimizer' ? optimizer : p).dispose();
    step();
    t.deepEqual([...variable.dataSync()], [-3, -2]);
    optimizer.dispose();
    variable.dispose();
    t.is(countNativeTensors(), before, end);
  }
});

test('a tf.Variable as the gradient of another, and of itself', (t) => {
  const [v, w] = [tf.variable(tf.tensor1d([1, 2])), tf.variable(tf.tensor1d([10, 20]))];
  const optimizer = new SGD([w, v], { lr: 0.5, engine: 'fused' });
  for (let i = 0; i < 3; i++) {
    parameterOf(v).grad = w;
    parameterOf(w).grad = w;
    optimizer.step();
  }
  t.deepEqual([...v.dataSync()], [1 - 8.75, 2 - 17.5]);
  t.deepEqual([...w.dataSync()], [1.25, 2.5]);
});

test('a tf.Variable of another dtype than float32 is refused, and the cure works', (t) => {
  const variable = tf.variable(tf.complex([1, 2], [3, 4]));
  t.throws(() => new SGD([variable]), { message: /pass new Parameter\(variable\)/ });
  t.is(new Parameter(variable).dtype, 'complex64');
});

test('tf.Variables are trained as parameters are', (t) => {
  const train = (p: Parameter): number[] => {
    const optimizer = new Adadelta([p], { lr: 2, engine: 'fused' });
    for (let i = 0; i < 20; i++) {
      optimizer.minimize(() => tf.sum(tf.square(tf.sub(p.data as tf.Tensor, [3, 5]))) as tf.Scalar).dispose();
    }
    return [...(p.data as tf.Tensor).dataSync()];
  };
  const variable = tf.variable(tf.tensor1d([1, 2]));
  t.deepEqual(train(parameterOf(variable)), train(new Parameter(tf.tensor1d([1, 2]))));
});

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

for (const kind of ['parameters', 'variables'] as const) {
  test.serial(`${kind}: no tensor and no memory is kept over 20,000 steps that are read`, (t) => {
    const params = [3, 5].map((size) =>
      kind === 'variables'
        ? parameterOf(tf.tidy(() => tf.variable(tf.ones([size]))))
        : new Parameter(TensorData.from('float32', new Float32Array(size))),
    );
    const optimizer = new Adadelta(params, { engine: 'fused' });
    const gradients = params.map((p) => tf.ones([...p.shape]));
    const steps = (from: number, to: number): number => {
      for (let i = from; i < to; i++) {
        params.forEach((p, j) => (p.grad = gradients[j]!));
        optimizer.paramGroups[0]!.lr = 1 / (i + 1);
        optimizer.step();
        // What is read is the parameter's; what is made of it is disposed here.
        if (i % 10 === 0) for (const { data } of params) tf.dispose((data as tf.Tensor).clone());
      }
      collect();
      return process.memoryUsage.rss();
    };
    const memory = steps(0, 2000);
    const before = [tf.memory().numTensors, tf.memory().numDataBuffers, countNativeTensors()];
    const grown = steps(2000, 22_000) - memory;
    t.deepEqual([tf.memory().numTensors, tf.memory().numDataBuffers, countNativeTensors()], before);
    // 200 bytes a step; a kernel of TensorFlow's for each learning rate takes ten times as much.
    t.true(grown < 4e6, `${grown} bytes`);
    optimizer.dispose();
    for (const p of params) p.dispose();
  });
}
