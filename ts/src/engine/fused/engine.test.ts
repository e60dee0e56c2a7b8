import { createHash } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import '../../node_util.ts';
import * as tf from '@tensorflow/tfjs-node-gpu';
import test from 'ava';
import { itemSizes } from '../../dtype.ts';
import {
  Adadelta,
  countNativeTensors,
  NativeTensor,
  Parameter,
  SGD,
  TensorData,
  type ParameterDType,
} from '../../index.ts';

const dtypes: readonly ParameterDType[] = ['float32', 'float64', 'float16', 'bfloat16', 'complex64'];
const wide = ['float32', 'float64'] as const;

/** Numbers from the whole range of a dtype, the special ones among them; the same for the same seed. */
function numbers(dtype: ParameterDType, size: number, seed: number): TensorData {
  const words = new Uint32Array(Math.ceil((size * itemSizes[dtype]) / 4));
  let state = seed;
  for (let i = 0; i < words.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    words[i] = state ^ (state >>> 15);
  }
  return new TensorData(dtype, [size], new Uint8Array(words.buffer, 0, size * itemSizes[dtype]));
}

/** A digest of the bits of a tensor, with one NaN for all: AVA takes seconds to compare long arrays. */
function bits(data: TensorData): string {
  const isHalf = itemSizes[data.dtype] === 2;
  const array = isHalf ? data.toFloat32Array() : (data.toTypedArray() as Float32Array | Float64Array);
  return createHash('sha256')
    .update(array.map((x) => (Number.isNaN(x) ? NaN : x)))
    .digest('hex');
}

/** The parameters and the state after some steps with other options and gradients each. */
function run(
  engine: 'reference' | 'fused',
  kind: typeof Adadelta | typeof SGD,
  dtype: ParameterDType,
): string[] {
  // More than one share of elements for each thread, and sizes that no vector divides.
  const params = [1, 0, 7, 100_003].map((size, i) => new Parameter(numbers(dtype, size, i)));
  const options = kind === SGD ? { lr: 0.1, momentum: 0.9 } : {};
  const optimizer = new kind(params, { ...options, engine } as object);
  for (let step = 0; step < 4; step++) {
    const group = optimizer.paramGroups[0]!;
    group.lr = 0.1 + step;
    group.weightDecay = step % 2 && 0.01;
    group.maximize = step === 2;
    params.forEach((p, i) => (p.grad = numbers(dtype, p.shape[0]!, 10 * step + i)));
    if (step === 1) params[2]!.grad = null;
    optimizer.step();
  }
  const state = [...optimizer.stateDict().state.values()];
  const tensors = state.flatMap((entry) =>
    Object.values(entry).filter((value) => value instanceof TensorData),
  );
  const results = [...params.map((p) => p.toTensorData()), ...tensors].map(bits);
  optimizer.dispose();
  for (const p of params) p.dispose();
  return results;
}

for (const dtype of dtypes) {
  for (const kind of [Adadelta, SGD]) {
    test(`${kind.name}, ${dtype}: both engines give the same bits over the whole range of numbers`, (t) => {
      t.deepEqual(run('fused', kind, dtype), run('reference', kind, dtype));
    });
  }
}

for (const dtype of wide) {
  test(`${dtype}: a tensor that someone kept does not change`, (t) => {
    const p = new Parameter(TensorData.from(dtype, [1, 2, 3, 4], [2, 2]));
    const optimizer = new SGD([p], { lr: 1, momentum: 0.5, engine: 'fused' });
    const step = (): void => {
      p.grad = TensorData.from(dtype, [1, 1, 1, 1], [2, 2]);
      optimizer.step();
    };
    step();
    const clone = (p.data as tf.Tensor).clone();
    const buffer = (optimizer.state.get(p)!.momentum_buffer as NativeTensor).clone();
    const read = p.data;
    step();
    t.true(read.isDisposed);
    const values = (tensor: tf.Tensor | NativeTensor): number[] =>
      tensor instanceof NativeTensor
        ? [...(tensor.toTensorData().toTypedArray() as Float64Array)]
        : [...tensor.dataSync()];
    t.deepEqual(values(clone), [0, 1, 2, 3]);
    t.deepEqual(values(buffer), [1, 1, 1, 1]);
    t.deepEqual(values(p.data), [-1.5, -0.5, 0.5, 1.5]);
    step();
    t.deepEqual(values(p.data), [-3.25, -2.25, -1.25, -0.25]);
  });

  test(`${dtype}: one parameter of two optimizers, of either engine`, (t) => {
    const p = new Parameter(TensorData.from(dtype, [8]));
    const optimizers = (['fused', 'reference', 'fused'] as const).map(
      (engine) => new SGD([p], { lr: 1, engine }),
    );
    for (const optimizer of [...optimizers, ...optimizers]) {
      p.grad = TensorData.from(dtype, [1]);
      optimizer.step();
    }
    t.deepEqual([...p.toTensorData().toTypedArray()], [2]);
  });

  test(`${dtype}: nothing leaks over 20,000 steps with another learning rate each`, (t) => {
    const params = [3, 5].map((size) => new Parameter(TensorData.from(dtype, new Float64Array(size))));
    const optimizer = new Adadelta(params, { engine: 'fused' });
    const gradients = params.map((p) =>
      dtype === 'float32' ? tf.ones([...p.shape]) : NativeTensor.from(p.toTensorData() as never),
    );
    const p0 = params[0]!;
    const steps = (from: number, to: number): void => {
      for (let i = from; i < to; i++) {
        params.forEach((p, j) => (p.grad = gradients[j]!));
        optimizer.paramGroups[0]!.lr = 1 / (i + 1);
        optimizer.step();
        if (i % 100 === 0) t.false(p0.data.isDisposed);
      }
    };
    steps(0, 1000);
    const outsideV8 = (): number => process.memoryUsage().rss - process.memoryUsage().heapTotal;
    const before = [tf.memory().numTensors, countNativeTensors()];
    const memory = outsideV8();
    steps(1000, 20_000);
    t.deepEqual([tf.memory().numTensors, countNativeTensors()], before);
    // Learning rates as attributes of the operation would take 36 MB.
    t.true(outsideV8() - memory < 18e6, `${outsideV8() - memory}`);
    optimizer.dispose();
    for (const p of params) p.dispose();
  });
}

test('views that tfjs makes of a parameter do not change either', (t) => {
  const p = new Parameter<tf.Tensor>(tf.tensor2d([1, 2, 3, 4], [2, 2]));
  const optimizer = new SGD([p], { lr: 1, engine: 'fused' });
  p.grad = TensorData.from('float32', [1, 1, 1, 1], [2, 2]);
  optimizer.step();
  const views = [tf.reshape(p.data, [4]), tf.slice(p.data, 0, 1), ...tf.unstack(p.data)];
  const before = views.map((view) => [...view.dataSync()]);
  optimizer.step();
  t.deepEqual(
    views.map((view) => [...view.dataSync()]),
    before,
  );
});

test('a tf.Variable is updated, and one that was assigned since is taken as it is', (t) => {
  const variable = tf.variable(tf.tensor1d([1, 2]));
  const optimizer = new SGD([variable], { lr: 1, engine: 'fused' });
  const p = optimizer.paramGroups[0]!.params[0]!;
  const step = (): void => {
    p.grad = TensorData.from('float32', [1, 1]);
    optimizer.step();
  };
  step();
  t.deepEqual([...variable.dataSync()], [0, 1]);
  const kept = variable.clone();
  variable.assign(tf.tensor1d([10, 20]));
  step();
  step();
  t.deepEqual([...variable.dataSync()], [8, 18]);
  t.deepEqual([...kept.dataSync()], [0, 1]);
});

test('a parameter that stands twice in a group steps twice', (t) => {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  const results = (['reference', 'fused'] as const).map((engine) => {
    const p = new Parameter(TensorData.from('float32', [1, 2]));
    const optimizer = new SGD([p, p], { lr: 0.1, momentum: 0.9, engine });
    for (let i = 0; i < 3; i++) {
      p.grad = TensorData.from('float32', [0.3, 0.7]);
      optimizer.step();
    }
    return p.toTensorData().toTypedArray();
  });
  process.emitWarning = emitWarning;
  t.deepEqual(results[1], results[0]);
});

test('state moves between the engines through a state dict', (t) => {
  const p = new Parameter(TensorData.from('float32', [1, 2]));
  const q = new Parameter(TensorData.from('float32', [1, 2]));
  let [one, other] = [new Adadelta([p], { engine: 'fused' }), new Adadelta([q], { engine: 'reference' })];
  for (let i = 0; i < 4; i++) {
    p.grad = q.grad = TensorData.from('float32', [0.3, -0.7]);
    one.step();
    other.step();
    const [saved, otherSaved] = [one.stateDict(), other.stateDict()];
    t.deepEqual(saved, otherSaved);
    one = new Adadelta([p], { engine: i % 2 ? 'fused' : 'reference' });
    other = new Adadelta([q], { engine: i % 2 ? 'reference' : 'fused' });
    one.loadStateDict(otherSaved);
    other.loadStateDict(saved);
  }
  t.deepEqual(p.toTensorData(), q.toTensorData());
});

test('what is forgotten, and not disposed, is freed with the garbage', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const before = countNativeTensors()!;
  for (let i = 0; i < 10; i++) {
    const p = new Parameter(TensorData.from('float32', [1]));
    p.grad = TensorData.from('float32', [1]);
    new Adadelta([p], { engine: 'fused' }).step();
  }
  // The parameter and its two tensors, what TensorFlow was given to step them, and its scalars.
  t.true(countNativeTensors()! >= before + 50);
  for (let i = 0; i < 20 && countNativeTensors()! > before; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  t.true(countNativeTensors()! <= before + 5);
});
