// Trains a small network with SGD, and leaves a checkpoint from which finish_in_torch.py goes on.
import { Parameter, SGD } from 'torch-parity';
import { save } from 'torch-parity/checkpoint';
import * as tf from '@tensorflow/tfjs-node-gpu';

// nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1)), by torch's names and in its layout
const model = {
  '0.weight': new Parameter(tf.randomUniform<tf.Rank.R2>([8, 1], -1, 1, 'float32', 0)),
  '0.bias': new Parameter(tf.randomUniform<tf.Rank.R1>([8], -1, 1, 'float32', 1)),
  '2.weight': new Parameter(tf.randomUniform<tf.Rank.R2>([1, 8], -0.35, 0.35, 'float32', 2)),
  '2.bias': new Parameter(tf.zeros<tf.Rank.R1>([1])),
};

// Pairs of name and parameter: the names are saved, and later found again. Weights decay, biases do not.
const [weights, biases] = ['.weight', '.bias'].map((ending) =>
  Object.entries(model).filter(([name]) => name.endsWith(ending)),
);
const optimizer = new SGD([{ params: weights!, weightDecay: 1e-4 }, { params: biases! }], {
  lr: 0.1,
  momentum: 0.9,
});

const x = tf.linspace(-1, 1, 64).reshape<tf.Tensor2D>([64, 1]);
const y = tf.sin(tf.mul(x, 3));
for (let step = 1; step <= 100; step++) {
  const loss = optimizer.minimize(() => {
    const hidden = tf.tanh(tf.matMul(x, model['0.weight'].data, false, true).add(model['0.bias'].data));
    const predicted = tf
      .matMul(hidden as tf.Tensor2D, model['2.weight'].data, false, true)
      .add(model['2.bias'].data);
    return tf.losses.meanSquaredError(y, predicted);
  });
  if (step % 50 === 0) console.log(`TypeScript, step ${step}: loss ${loss.dataSync()[0]!.toExponential(6)}`);
  loss.dispose();
}

await save({ model, optimizer: optimizer.stateDict(), steps: 100 }, 'network.pt');
