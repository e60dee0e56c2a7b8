import '../node_util.ts';
import * as tf from '@tensorflow/tfjs-node-gpu';
import test from 'ava';
import { assignGrads, backward, Parameter, parameterOf, SGD, TensorData } from '../index.ts';

const numbers = (tensor: unknown): number[] => [...(tensor as tf.Tensor).dataSync()];

test('backward adds to the gradients, as torch does, and leaves what the loss does not depend on', (t) => {
  const [x, y, unused] = [[1, 2], [3, 4], [5]].map((values) => new Parameter(tf.tensor1d(values)));
  const loss = (): tf.Scalar => tf.sum(tf.mul(x!.data as tf.Tensor, y!.data as tf.Tensor));
  t.is(backward(loss, [x!, y!, unused!, x!]).dataSync()[0], 11);
  t.deepEqual(numbers(x!.grad), [3, 4]);
  t.deepEqual(numbers(y!.grad), [1, 2]);
  t.is(unused!.grad, null);
  backward(loss, [x!]);
  t.deepEqual(numbers(x!.grad), [6, 8]);
});

test('backward frees the gradients that it made when they are replaced', (t) => {
  const p = new Parameter(tf.tensor1d([1, 2]));
  const optimizer = new SGD([p], { lr: 0.1 });
  optimizer.minimize(() => tf.sum(p.data as tf.Tensor)).dispose();
  const before = tf.memory().numTensors;
  for (let i = 0; i < 10; i++) optimizer.minimize(() => tf.sum(p.data as tf.Tensor)).dispose();
  t.is(tf.memory().numTensors, before);
});

test('two parameters of one gradient tensor each own theirs', (t) => {
  const [x, y] = [new Parameter(tf.tensor1d([1])), new Parameter(tf.tensor1d([2]))];
  backward(() => tf.sum(tf.add(x.data as tf.Tensor, y.data as tf.Tensor)), [x, y]).dispose();
  x.zeroGrad(true);
  t.deepEqual(numbers(y.grad), [1]);
});

test("backward adds to a gradient that is an optimizer's state", (t) => {
  for (const engine of ['reference', 'fused'] as const) {
    const [p, q] = [new Parameter(tf.tensor1d([1, 2])), new Parameter(tf.tensor1d([3, 4]))];
    const optimizer = new SGD([q], { momentum: 0.5, engine });
    q.grad = TensorData.from('float32', [5, 6]);
    optimizer.step();
    p.grad = optimizer.state.get(q)!['momentum_buffer'] as tf.Tensor;
    backward(() => tf.sum(p.data as tf.Tensor), [p]).dispose();
    t.deepEqual(numbers(p.grad), [6, 7], engine);
  }
});

test('a loss that is not a scalar, and float64, are refused', (t) => {
  const p = new Parameter(tf.tensor1d([1, 2]));
  t.throws(() => backward(() => p.data as tf.Tensor as tf.Scalar, [p]), {
    name: 'RuntimeError',
    code: 'LOSS_NOT_SCALAR',
  });
  const wide = new Parameter(TensorData.from('float64', [1]));
  t.throws(() => backward(() => tf.scalar(1), [wide]), { name: 'TypeError', code: 'UNSUPPORTED_DTYPE' });
});

test('assignGrads takes what tf.variableGrads gives, and borrows it', (t) => {
  const variables = [tf.variable(tf.scalar(2), true, 'two'), tf.variable(tf.scalar(3), true, 'three')];
  const { value, grads } = tf.variableGrads(() => tf.mul(variables[0]!, variables[1]!));
  value.dispose();
  assignGrads(variables, grads);
  t.deepEqual(
    variables.map((v) => numbers(parameterOf(v).grad)),
    [[3], [2]],
  );
  parameterOf(variables[0]!).grad = null;
  t.false(grads.two!.isDisposed);
  t.throws(() => assignGrads([variables[0]!], grads), {
    name: 'ValueError',
    message: /no parameter is named three/,
  });
  t.is(parameterOf(variables[0]!).grad, null);
});

test('backward adds to a gradient that is TensorData, and refuses what it cannot add to, before it changes any', (t) => {
  const [x, y] = [new Parameter(tf.tensor1d([1])), new Parameter(tf.tensor1d([2]))];
  const loss = (): tf.Scalar => tf.sum(tf.add(x.data as tf.Tensor, y.data as tf.Tensor));
  x.grad = TensorData.from('float32', [10]);
  backward(loss, [x, y]).dispose();
  t.deepEqual([numbers(x.grad), numbers(y.grad)], [[11], [1]]);
  const before = tf.memory().numTensors;
  const disposed = tf.tensor1d([1]);
  disposed.dispose();
  y.grad = disposed;
  const grad = x.grad;
  t.throws(() => backward(loss, [x, y]), { name: 'RuntimeError', code: 'DISPOSED' });
  t.is(x.grad, grad);
  t.throws(() => backward((async () => tf.scalar(1)) as never, [x]), {
    name: 'TypeError',
    code: 'ASYNC_CLOSURE',
  });
  t.is(tf.memory().numTensors, before - 1); // y's own gradient went when another took its place
});

test('assignGrads changes nothing where one gradient does not fit', (t) => {
  const [x, y] = ['x', 'y'].map((name) => new Parameter(tf.tensor1d([1]), { name })) as [
    Parameter,
    Parameter,
  ];
  t.throws(() => assignGrads([x, y], { x: tf.tensor1d([1]), y: tf.tensor1d([1, 2]) }), {
    code: 'GRAD_SHAPE',
  });
  t.is(x.grad, null);
});
