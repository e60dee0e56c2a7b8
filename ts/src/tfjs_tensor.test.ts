import './node_util.ts';
import * as tf from '@tensorflow/tfjs-node-gpu';
import test from 'ava';
import { open, saveToBytes, type LazyTensor } from './checkpoint/index.ts';
import { itemSizes, type DType } from './dtype.ts';
import { cast, fromTensor, Parameter, TensorData, toTensor } from './index.ts';

/** Elements of any bits, which no dtype's NaN must lose. */
function noise(dtype: DType, shape: readonly number[]): TensorData {
  const bytes = new Uint8Array(itemSizes[dtype] * shape.reduce((product, size) => product * size, 1));
  bytes.forEach((_, i) => (bytes[i] = dtype === 'bool' ? i & 1 : (i * 89 + 127) & 255));
  return new TensorData(dtype, shape, bytes);
}

const direct = ['float32', 'int32', 'bool', 'complex64'] as const;

test('what tfjs has a dtype for goes there and back with its bits, and nothing is shared or left behind', (t) => {
  const before = tf.memory().numTensors;
  for (const dtype of direct) {
    for (const shape of [[], [0, 3], [2, 3]]) {
      const data = noise(dtype, shape);
      const expected = data.clone();
      const tensor = toTensor(data);
      data.bytes.fill(0);
      t.deepEqual([tensor.dtype, tensor.shape], [dtype, shape]);
      t.deepEqual(fromTensor(tensor), expected);
      fromTensor(tensor).bytes.fill(0);
      t.deepEqual(fromTensor(tensor), expected);
      tensor.dispose();
    }
  }
  t.is(tf.memory().numTensors, before);
});

test('another dtype needs leave to be rounded', (t) => {
  const others = (Object.keys(itemSizes) as DType[]).filter((dtype) => !direct.includes(dtype as never));
  const { emitWarning } = process;
  t.teardown(() => (process.emitWarning = emitWarning));
  process.emitWarning = () => {}; // of imaginary parts
  for (const dtype of others) {
    const data = noise(dtype, [16]);
    t.throws(() => toTensor(data), {
      name: 'TypeError',
      message: `tfjs has no ${dtype}: toTensor(data, {dtype: 'float32'}) rounds each element to float32`,
    });
    const tensor = toTensor(data, { dtype: 'float32' });
    t.deepEqual(tensor.dataSync(), cast(data, 'float32').toTypedArray());
    tensor.dispose();
  }
  t.throws(() => toTensor(noise('int64', [1]), { dtype: 'int32' as never }), {
    name: 'TypeError',
    message: /'float32' alone/,
  });
});

test('a float64 parameter comes back as it is; strings and disposed tensors are refused', (t) => {
  const data = TensorData.from('float64', [0.1, -0]);
  t.deepEqual(fromTensor(new Parameter(data).data), data);
  t.throws(() => fromTensor(tf.tensor1d(['text'])), { name: 'TypeError', code: 'UNSUPPORTED_DTYPE' });
  const gone = tf.scalar(1);
  gone.dispose();
  t.throws(() => fromTensor(gone), { name: 'RuntimeError', code: 'DISPOSED' });
});

test('signalling NaNs stay so', (t) => {
  const bits = Uint32Array.of(0x7fa00001, 0xffa12345, 0x3f800000, 0x7f800001);
  for (const [dtype, shape] of [
    ['float32', [4]],
    ['complex64', [2]],
  ] as const) {
    const data = new TensorData(dtype, shape, new Uint8Array(bits.slice().buffer));
    const tensor = toTensor(data);
    t.deepEqual(fromTensor(tensor), data);
    tensor.dispose();
  }
});

test('what is no tensor of the right kind is refused, with what to do about it', async (t) => {
  const data = TensorData.from('float32', [1]);
  await using checkpoint = await open<Map<string, LazyTensor>>(await saveToBytes({ data }));
  const lazy = checkpoint.value.get('data')!;
  const tensor = tf.scalar(1);
  for (const [value, message] of [
    [lazy, 'toTensor takes TensorData, but got LazyTensor: await its data(), which is TensorData'],
    [tensor, 'toTensor takes TensorData, but got Tensor: fromTensor(tensor) makes it'],
    [null, 'toTensor takes TensorData, but got NoneType'],
  ] as const) {
    t.throws(() => toTensor(value as never), { name: 'TypeError', code: 'NOT_A_TENSOR', message });
  }
  tensor.dispose();
  t.throws(() => toTensor(data, null as never), { name: 'TypeError', code: 'OPTIONS' });
  const taken = 'fromTensor takes a tf.Tensor or a NativeTensor, but got';
  for (const [value, message] of [
    [lazy, `${taken} LazyTensor: await its data(), which is TensorData`],
    [data, `${taken} TensorData: it is on the host already`],
    [new Parameter(data), `${taken} Parameter: take its toTensorData()`],
    [[1], `${taken} list`],
  ] as const) {
    t.throws(() => fromTensor(value as never), { name: 'TypeError', code: 'NOT_A_TENSOR', message });
  }
});
