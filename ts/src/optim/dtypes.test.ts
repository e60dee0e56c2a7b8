import '../node_util.ts';
import * as tf from '@tensorflow/tfjs-node-gpu';
import test from 'ava';
import type { DType } from '../dtype.ts';
import {
  Adadelta,
  assignGrads,
  backward,
  countNativeTensors,
  NativeTensor,
  Parameter,
  SGD,
  TensorData,
  type ParameterDType,
} from '../index.ts';
import { load } from '../checkpoint/index.ts';
import { runPython } from '../testing/python.ts';

const dtypes = ['float16', 'bfloat16', 'complex64'] as const;
const engines = ['reference', 'fused'] as const;

/** These numbers, rounded to a dtype; of complex64, the parts one after the other. */
function data(dtype: ParameterDType, values: number[]): TensorData {
  if (dtype !== 'complex64') return TensorData.from(dtype, values);
  return new TensorData(dtype, [values.length / 2], TensorData.from('float32', values).bytes);
}

function made(
  kind: typeof Adadelta | typeof SGD,
  params: Parameter[],
  engine: 'reference' | 'fused',
): Adadelta | SGD {
  return kind === SGD
    ? new SGD(params, { lr: 0.5, momentum: 0.9, engine })
    : new Adadelta(params, { engine });
}

for (const dtype of dtypes) {
  for (const engine of engines) {
    for (const kind of [Adadelta, SGD]) {
      test(`${dtype}, ${engine}: ${kind.name} goes on from a state dict as if it had not stopped`, (t) => {
        const before = countNativeTensors();
        const p = new Parameter(data(dtype, [1, 0.1, 2, -0.3]));
        const first = made(kind, [p], engine);
        const step = (optimizer: Adadelta | SGD, parameter: Parameter, scale: number): void => {
          parameter.grad = data(dtype, [scale, -0.01, 3e-4, scale]);
          optimizer.step();
        };
        step(first, p, 0.5);
        const saved = first.stateDict();
        const tensors = Object.entries(saved.state.get(0)!).filter(([name]) => name !== 'step');
        t.is(tensors.length, kind === SGD ? 1 : 2);
        for (const [, value] of tensors) {
          t.is((value as TensorData).dtype, dtype);
          t.true((value as TensorData).bytes.some((byte) => byte !== 0));
        }
        const moved = new Parameter(p.toTensorData());
        const second = made(kind, [moved], engine);
        second.loadStateDict(saved);
        t.deepEqual(second.stateDict(), saved);
        for (const scale of [2, -0.25]) {
          step(first, p, scale);
          step(second, moved, scale);
        }
        t.deepEqual(moved.toTensorData(), p.toTensorData());
        t.deepEqual(second.stateDict(), first.stateDict());
        t.notDeepEqual(first.stateDict(), saved);
        for (const each of [first, second, p, moved]) each.dispose();
        t.is(countNativeTensors(), before);
      });
    }

    test(`${dtype}, ${engine}: a parameter without a gradient is skipped, and one with zeros steps`, (t) => {
      const params = [1, 2].map((x) => new Parameter(data(dtype, [x, -x])));
      const optimizer = new SGD(params, { lr: 1, momentum: 0.5, engine });
      const [p, q] = params as [Parameter, Parameter];
      p.grad = data(dtype, [1, 2]);
      optimizer.step();
      t.deepEqual(q.toTensorData(), data(dtype, [2, -2]));
      t.false(optimizer.state.has(q));
      optimizer.zeroGrad({ setToNone: false });
      t.is(q.grad, null);
      t.deepEqual((p.grad as unknown as NativeTensor).toTensorData(), data(dtype, [0, 0]));
      optimizer.step();
      t.deepEqual(p.toTensorData(), data(dtype, [-0.5, -4]));
      optimizer.zeroGrad();
      t.is<unknown, null>(p.grad, null);
      optimizer.step();
      t.deepEqual(p.toTensorData(), data(dtype, [-0.5, -4]));
    });

    test(`${dtype}, ${engine}: a clone of a parameter's tensor outlives steps and the parameter`, (t) => {
      const p = new Parameter<NativeTensor>(data(dtype, [1, 2]));
      const optimizer = new SGD([p], { lr: 1, engine });
      const [clone, read] = [p.data.clone(), p.data];
      p.grad = data(dtype, [1, 1]);
      optimizer.step();
      t.true(read.isDisposed);
      t.throws(() => read.toTensorData(), { code: 'DISPOSED' });
      p.dispose();
      t.true(p.isDisposed);
      t.deepEqual(clone.toTensorData(), data(dtype, [1, 2]));
      clone.dispose();
    });
  }

  test(`${dtype}: what tfjs does not differentiate is refused with the cure, and the cure works`, (t) => {
    const p = new Parameter(data(dtype, [1, 2]), { name: 'p' });
    const q = new Parameter(tf.tensor1d([3]), { name: 'q' });
    const optimizer = new SGD([q, p], { lr: 1 });
    const loss = (): tf.Scalar => tf.sum(q.data as tf.Tensor);
    const refusal = {
      name: 'TypeError',
      code: 'UNSUPPORTED_DTYPE',
      message: `tfjs differentiates float32 alone, but a parameter is ${dtype}: assign its gradient to .grad`,
    };
    t.throws(() => backward(loss, [q, p]), refusal);
    t.throws(() => optimizer.minimize(loss), refusal);
    t.is(q.grad, null);
    const ones = tf.ones(p.shape as number[]);
    t.throws(() => assignGrads([q, p], { q: tf.tensor1d([1]), p: ones }), {
      name: 'RuntimeError',
      code: 'GRAD_DTYPE',
      message: /The gradient must match the tensor's grad_dtype/,
    });
    t.is(q.grad, null);
    assignGrads([q, p], { q: tf.tensor1d([1]), p: data(dtype, [1, 0.5]) });
    optimizer.step();
    t.deepEqual(p.toTensorData(), data(dtype, [0, 1.5]));
    t.deepEqual(q.toTensorData(), data('float32', [2]));
  });
}

for (const engine of engines) {
  test(`${engine}: complex tensors of tfjs are parameters and gradients, and stay their owner's`, (t) => {
    const value = tf.complex([1, 2], [3, -4]);
    const grad = tf.complex([0.5, -1], [2, 0.25]);
    const before = countNativeTensors();
    const [p, q] = [new Parameter(value), new Parameter(data('complex64', [1, 3, 2, -4]))];
    t.is(p.dtype, 'complex64');
    const optimizer = new Adadelta([p, q], { lr: 0.5, weightDecay: 0.25, maximize: true, engine });
    for (let i = 0; i < 3; i++) {
      p.grad = grad;
      q.grad = data('complex64', [0.5, 2, -1, 0.25]);
      optimizer.step();
    }
    t.deepEqual(p.toTensorData(), q.toTensorData());
    t.notDeepEqual(p.toTensorData(), data('complex64', [1, 3, 2, -4]));
    t.deepEqual([...value.dataSync()], [1, 3, 2, -4]);
    t.deepEqual([...grad.dataSync()], [0.5, 2, -1, 0.25]);
    for (const each of [optimizer, p, q]) each.dispose();
    t.is(countNativeTensors(), before);
    grad.dispose();
    const other = new Parameter(value);
    other.grad = grad;
    t.throws(() => new SGD([other], { engine }).step(), { name: 'RuntimeError', code: 'DISPOSED' });
  });
}

const saved: readonly DType[] = [
  'float16',
  'bfloat16',
  'float32',
  'float64',
  'complex64',
  'complex128',
  'int64',
];

/** What torch makes of a state of each dtype where it is loaded for a parameter of each. */
const casts = `
import io, sys, torch, warnings
warnings.simplefilter("ignore")
values = torch.tensor([0.1, -1.5, 65519.9, 65520.0, 1e-8, 3.4e38, 2.0**-25, 1.00048828125], dtype=torch.float64)
result = {}
for target in ${JSON.stringify(dtypes)}:
    for name in ${JSON.stringify(saved)}:
        parameter = torch.nn.Parameter(torch.ones(8, dtype=getattr(torch, target)))
        parameter.grad = parameter.detach().clone()
        optimizer = torch.optim.Adadelta([parameter])
        optimizer.step()
        state = values.clamp(-1e18, 1e18) if name == "int64" else values
        state = (state * (1 + 2j) if name.startswith("complex") else state).to(getattr(torch, name))
        saved = optimizer.state_dict()
        saved["state"][0] = {"step": torch.tensor(3.0), "square_avg": state, "acc_delta": state, "other": state}
        optimizer.load_state_dict(saved)
        entry = optimizer.state[parameter]
        result[f"{target} {name}"] = [state, entry["square_avg"].clone(), entry["other"].clone()]
file = io.BytesIO()
torch.save(result, file)
sys.stdout.buffer.write(file.getvalue())
`;

test('state is cast as torch casts it where it is loaded', async (t) => {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  t.teardown(() => (process.emitWarning = emitWarning));
  const fromTorch = (await load(new Uint8Array(await runPython(casts)))) as Map<string, TensorData[]>;
  t.is(fromTorch.size, dtypes.length * saved.length);
  const plain = ({ dtype, shape, bytes }: TensorData): TensorData =>
    new TensorData(dtype, shape, bytes.slice());
  for (const [names, [state, used, other]] of fromTorch) {
    const dtype = names.split(' ')[0] as (typeof dtypes)[number];
    const size = dtype === 'complex64' ? 16 : 8;
    const p = new Parameter(
      data(
        dtype,
        Array.from({ length: size }, () => 1),
      ),
    );
    const optimizer = new Adadelta([p]);
    p.grad = p.toTensorData();
    optimizer.step();
    const dict = optimizer.stateDict();
    const entry = {
      step: TensorData.from('float32', [3], []),
      square_avg: state,
      acc_delta: state,
      other: state,
    };
    dict.state.set(0, entry);
    optimizer.loadStateDict(dict);
    const loaded = optimizer.stateDict().state.get(0)!;
    t.deepEqual(loaded.square_avg, plain(used!), `square_avg for ${names}`);
    t.deepEqual(loaded.other, plain(other!), `other for ${names}`);
    t.deepEqual(loaded.step, entry.step, `step for ${names}`);
    // State of a complex parameter keeps its dtype.
    const usable = dtype !== 'complex64' || state!.dtype === 'complex64';
    if (usable) t.notThrows(() => optimizer.step(), names);
    else t.throws(() => optimizer.step(), undefined, names);
    for (const each of [optimizer, p]) each.dispose();
  }
});
