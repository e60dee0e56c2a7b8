import { existsSync } from 'node:fs';
import '../../node_util.ts';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-node-gpu';
import test from 'ava';
import { Parameter, SGD, TensorData } from '../../index.ts';

const parameter = (): Parameter => new Parameter(TensorData.from('float32', [1]));

test.serial('without TensorFlow there is no fused engine', async (t) => {
  await tf.setBackend('cpu');
  const p = parameter();
  const optimizer = new SGD([p]);
  t.is(optimizer.engine, 'reference');
  const message = /since tfjs does not run on TensorFlow: import .* and call tf\.setBackend\('tensorflow'\)$/;
  t.regex(optimizer.fallback!, message);
  t.is(new SGD([p], { engine: 'reference' }).fallback, undefined);
  t.throws(() => new SGD([p], { engine: 'fused' }), {
    name: 'RuntimeError',
    code: 'NO_FUSED_ENGINE',
    message,
  });
  await tf.setBackend('tensorflow');
  t.is(new SGD([p]).fallback, undefined);
});

test.serial('a parameter can be read after the backend was changed, and a step is refused', async (t) => {
  const p = new Parameter<tf.Tensor>(TensorData.from('float32', [1]));
  const optimizer = new SGD([p], { lr: 1, momentum: 0.5, engine: 'fused' });
  p.grad = TensorData.from('float32', [1]);
  optimizer.step();
  await tf.setBackend('cpu');
  t.deepEqual(optimizer.stateDict().state.get(0)!.momentum_buffer, TensorData.from('float32', [1]));
  t.throws(() => optimizer.step(), { name: 'RuntimeError', code: 'NEEDS_TENSORFLOW' });
  t.deepEqual([...tf.add(p.data, 5).dataSync()], [5]);
  await tf.setBackend('tensorflow');
  optimizer.step();
  t.deepEqual([...p.data.dataSync()], [-1.5]);
});

test.serial('on a GPU without the CUDA libraries it is said what is missing', (t) => {
  if (existsSync('/dev/nvidiactl')) {
    t.log('not tested, since this machine has a driver of NVIDIA');
    return t.pass();
  }
  const backend = tf.backend() as unknown as { isUsingGpuDevice: boolean };
  backend.isUsingGpuDevice = true;
  t.teardown(() => (backend.isUsingGpuDevice = false));
  t.is(new SGD([parameter()]).engine, 'reference');
  t.throws(() => new SGD([parameter()], { engine: 'fused' }), {
    code: 'NO_FUSED_ENGINE',
    message:
      /since CUDA's driver libcuda\.so\.1 is not found, and TensorFlow runs on a GPU: run `TF_FLAVOR=gpu npx torch-parity setup-tensorflow`/,
  });
});
