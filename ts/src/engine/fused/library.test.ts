import '../../node_util.ts';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-node-gpu';
import test from 'ava';
import { adadelta, Optimizer, Parameter, SGD, sgd, TensorData, type Definition } from '../../index.ts';
import { loadLibrary, registerDefinitions } from './library.ts';

const parameter = (): Parameter => new Parameter(TensorData.from('float32', [1]));
const definition = sgd as unknown as Definition<object>;

test.serial('without TensorFlow there is no fused engine', async (t) => {
  await tf.setBackend('cpu');
  const p = parameter();
  t.is(new SGD([p]).engine, 'reference');
  t.throws(() => new SGD([p], { engine: 'fused' }), {
    name: 'RuntimeError',
    code: 'NO_FUSED_ENGINE',
    message: /since tfjs does not run on TensorFlow: import .* and call tf\.setBackend\('tensorflow'\)$/,
  });
  await tf.setBackend('tensorflow');
});

test.serial('kernels of other updates count as none', (t) => {
  const other = { ...definition, update: definition.update.bind(definition), zeros: ['another'] };
  registerDefinitions(other);
  t.throws(() => loadLibrary(), {
    code: 'NO_FUSED_ENGINE',
    message: /not compiled for this version and this processor: run `npx torch-parity setup-tensorflow`$/,
  });
  registerDefinitions(adadelta as unknown as Definition<object>, definition);
  t.notThrows(() => loadLibrary());
});

test.serial('an optimizer that is not in the table runs on the reference engine', (t) => {
  const own = { ...definition };
  t.is(new Optimizer(own, [parameter()]).engine, 'reference');
  t.throws(() => new Optimizer(own, [parameter()], { engine: 'fused' }), { code: 'NO_FUSED_ENGINE' });
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
