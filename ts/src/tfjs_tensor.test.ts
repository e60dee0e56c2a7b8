import './node_util.ts';
import * as tf from '@tensorflow/tfjs-node-gpu';
import test from 'ava';
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
