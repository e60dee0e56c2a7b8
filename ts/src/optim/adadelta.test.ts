import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import test from 'ava';
import fc from 'fast-check';
import { Adadelta, Parameter, RuntimeError, SGD, TensorData } from '../index.ts';

/** Laws that hold on every backend, here on tfjs's own, without TensorFlow. */
test.before(() => tf.setBackend('cpu'));

const f = Math.fround;
const gradients = fc.array(fc.float({ noNaN: true, min: -1e3, max: 1e3 }), { minLength: 1, maxLength: 12 });

function run(values: number[], options: object, zeroAt = -1): Float32Array {
  const p = new Parameter(TensorData.from('float32', [0.5]));
  const optimizer = new Adadelta([p], options);
  values.forEach((value, i) => {
    p.grad = i === zeroAt ? null : TensorData.from('float32', [value]);
    optimizer.step();
  });
  const result = p.toTensorData().toTypedArray() as Float32Array;
  optimizer.dispose();
  p.dispose();
  return result;
}

test('equals its equation in float32, one rounding an operation', (t) => {
  fc.assert(
    fc.property(gradients, (values) => {
      const [rho, eps, lr] = [f(0.9), f(1e-6), f(1)];
      const oneMinusRho = f(1 - 0.9);
      let [p, v, u] = [0.5, 0, 0];
      for (const g of values) {
        v = f(f(v * rho) + f(f(oneMinusRho * g) * g));
        const d = f(f(f(Math.sqrt(f(u + eps))) / f(Math.sqrt(f(v + eps)))) * g);
        u = f(f(u * rho) + f(f(oneMinusRho * d) * d));
        p = f(p - f(lr * d));
      }
      t.deepEqual(run(values, {}), Float32Array.of(p));
    }),
  );
});

test('maximize is the step of the negated gradient', (t) => {
  fc.assert(
    fc.property(gradients, (values) => {
      t.deepEqual(
        run(values, { maximize: true }),
        run(
          values.map((g) => -g),
          {},
        ),
      );
    }),
  );
});

test('a skipped step is as if it had not been', (t) => {
  fc.assert(
    fc.property(gradients, fc.nat(11), (values, at) => {
      t.deepEqual(
        run(values, {}, at),
        run(
          values.filter((_, i) => i !== at),
          {},
        ),
      );
    }),
  );
});

test('the first step has the size that the equation gives, not that of tf.train.adadelta', (t) => {
  const moved = 0.5 - run([0.5], {})[0]!;
  t.true(Math.abs(moved - (Math.sqrt(1e-6) / Math.sqrt(0.1 * 0.25 + 1e-6)) * 0.5) < 1e-6);
});

test('float64 needs TensorFlow, and says so', (t) => {
  t.throws(() => new Parameter(TensorData.from('float64', [1])), {
    instanceOf: RuntimeError,
    code: 'NEEDS_TENSORFLOW',
  });
});

test('SGD: the first momentum buffer is the gradient, whatever the dampening', (t) => {
  const p = new Parameter(TensorData.from('float32', [1]));
  const optimizer = new SGD([p], { lr: 1, momentum: 0.5, dampening: 0.75 });
  p.grad = TensorData.from('float32', [2]);
  optimizer.step();
  t.deepEqual(p.toTensorData().toTypedArray(), Float32Array.of(-1));
  optimizer.step();
  t.deepEqual(p.toTensorData().toTypedArray(), Float32Array.of(-1 - (0.5 * 2 + 0.25 * 2)));
});
