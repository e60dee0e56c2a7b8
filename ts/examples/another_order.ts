// The network of start_in_typescript.ts, written anew: its parameters have another order, and its groups, too. By order, as
// torch loads it, each would get the momentum of another one, or the sizes would not fit; by name, it is its own.
import { Parameter, SGD } from 'torch-parity';
import { load, type Dict } from 'torch-parity/checkpoint';
import '@tensorflow/tfjs-node-gpu';

const checkpoint = await load<Dict>('network.pt');
const model: Dict = checkpoint.get('model');
const named = ['2.bias', '2.weight', '0.bias', '0.weight'].map((name): [string, Parameter] => [
  name,
  new Parameter(model.get(name)),
]);

// torch's optimizer has names, too, where it was made of model.named_parameters() (torch 2.6 or newer).
const weights = named.filter(([name]) => name.endsWith('.weight'));
const biases = named.filter(([name]) => name.endsWith('.bias'));
const optimizer = new SGD([{ params: biases }, { params: weights }]);
optimizer.loadStateDict(checkpoint.get('optimizer'), { match: 'names' });

for (const { params, paramNames, weightDecay } of optimizer.paramGroups) {
  for (const [i, parameter] of params.entries()) {
    const momentum = optimizer.state.get(parameter)!.momentum_buffer as { shape: number[] };
    console.log(
      `${paramNames![i]}: momentum [${momentum.shape}] for [${parameter.shape}], weight decay ${weightDecay}`,
    );
  }
}

// Where a group would be made of saved groups with different options, nothing is loaded, and the error says why.
try {
  new SGD(named).loadStateDict(checkpoint.get('optimizer'), { match: 'names' });
} catch (error) {
  console.log((error as Error).message);
}
