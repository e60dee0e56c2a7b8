import { createInterface } from 'node:readline';
import {
  Adadelta,
  assignGrads,
  cast,
  Parameter,
  parameterOf,
  SGD,
  TensorData,
  type Optimizer,
} from 'torch-parity';
import * as tf from '@tensorflow/tfjs-node-gpu';
import { sizeOf, type Case } from './cases.ts';
import type { Shape } from './models.ts';

// The sides of the benchmark that run on tfjs: node_worker.js fused|reference|tf.train. It answers the requests that
// bench/optimizer/serve.py describes.

/** What takes the steps. */
interface Side {
  /** Computes the gradients of the model. */
  backward(): void;
  step(): void;
  element(tensor: number, index: number): number;
  dispose(): void;
}

type Request = ({ do: 'prepare' } & Case) | { do: 'turn'; steps: number } | { do: 'drop' };

const factors = { parameters: 2_654_435_761, gradients: 2_246_822_519 } as const;

/** Numbers in [-1/16, 1/16], the same bits on every side: i * factor as an int32, times 2**-35. */
function values(start: number, size: number, factor: number): Float32Array {
  const array = new Float32Array(size);
  for (let i = 0; i < size; i += 1) array[i] = Math.fround(Math.imul(start + i, factor)) * 2 ** -35;
  return array;
}

/** A parameter for each shape, of the values with this factor; an owner of gradients is one as well. */
function parametersOf({ shapes, dtype }: Case, factor: number): Parameter[] {
  let start = 0;
  return shapes.map((shape) => {
    const size = sizeOf([shape]);
    const array = values(start, size, factor);
    start += size;
    const data = new TensorData('float32', shape, new Uint8Array(array.buffer));
    return new Parameter(dtype === 'float32' ? data : cast(data, dtype as Parameters<typeof cast>[1]));
  });
}

function variablesOf(given: Case): tf.Variable[] {
  return parametersOf(given, factors.parameters).map((parameter, i) => {
    const variable = tf.variable(parameter.data as tf.Tensor, true, `parameter.${i}`);
    parameter.dispose();
    return variable;
  });
}

/** The gradients of the model's loss by its variables' names. */
function modelOf({ shapes, batch }: Case, variables: readonly tf.Variable[]): () => tf.NamedTensorMap {
  const width = shapes[0]![0]!;
  const inputs = tf.mul(tf.tensor(values(0, batch! * width, factors.gradients), [batch!, width]), 32);
  const loss = (): tf.Scalar => {
    let outputs = inputs;
    for (let i = 0; i < variables.length; i += 2)
      outputs = tf.relu(tf.add(tf.matMul(outputs, variables[i]!), variables[i + 1]!));
    return tf.mean(tf.square(outputs));
  };
  return () => {
    const { value, grads } = tf.variableGrads(loss, [...variables]);
    value.dispose();
    return grads;
  };
}

function makeOptimizer(
  { optimizer }: Case,
  params: Parameter[] | tf.Variable[],
  engine: 'fused' | 'reference',
): Optimizer<object> {
  return optimizer === 'Adadelta'
    ? new Adadelta(params, { engine })
    : new SGD(params, { lr: 1e-3, momentum: 0.9, engine });
}

/** torch-parity, with gradients that were there before. */
function ours(given: Case, engine: 'fused' | 'reference'): Side {
  const parameters = parametersOf(given, factors.parameters);
  const gradients = parametersOf(given, factors.gradients);
  parameters.forEach((parameter, i) => (parameter.grad = gradients[i]!.data));
  const optimizer = makeOptimizer(given, parameters, engine);
  return {
    backward() {},
    step: () => void optimizer.step(),
    element: (tensor, index) => elementOf(parameters[tensor]!, index),
    dispose() {
      optimizer.dispose();
      for (const parameter of [...parameters, ...gradients]) parameter.dispose();
    },
  };
}

/** torch-parity in training: tf.Variables, and gradients of tf.variableGrads. */
function oursInTraining(given: Case, engine: 'fused' | 'reference'): Side {
  const variables = variablesOf(given);
  const gradients = modelOf(given, variables);
  const optimizer = makeOptimizer(given, variables, engine);
  let grads: tf.NamedTensorMap = {};
  return {
    backward() {
      tf.dispose(grads);
      assignGrads(variables, (grads = gradients()));
    },
    step: () => void optimizer.step(),
    element: (tensor, index) => elementOf(parameterOf(variables[tensor]!), index),
    dispose: () => optimizer.dispose(),
  };
}

/** tfjs's own optimizer of that name. */
function tfTrain(given: Case): Side {
  const variables = variablesOf(given);
  const gradients = given.batch === undefined ? undefined : modelOf(given, variables);
  const fixed = gradients === undefined ? parametersOf(given, factors.gradients) : [];
  let grads: tf.NamedTensorMap = Object.fromEntries(
    fixed.map(({ data }, i) => [`parameter.${i}`, data as tf.Tensor]),
  );
  const optimizer: tf.Optimizer =
    given.optimizer === 'Adadelta' ? tf.train.adadelta(1, 0.9, 1e-6) : tf.train.momentum(1e-3, 0.9);
  return {
    backward() {
      tf.dispose(grads);
      grads = gradients!();
    },
    step: () => optimizer.applyGradients(grads),
    element: (tensor, index) => variables[tensor]!.dataSync()[index]!,
    dispose() {
      optimizer.dispose();
      tf.dispose(variables);
      for (const parameter of fixed) parameter.dispose();
    },
  };
}

function elementOf(parameter: Parameter, index: number): number {
  return cast(parameter.toTensorData(), 'float64').toTypedArray()[index] as number;
}

function makeSide(mode: string, given: Case): Side {
  if (mode === 'tf.train') return tfTrain(given);
  const engine = mode as 'fused' | 'reference';
  return given.batch === undefined ? ours(given, engine) : oursInTraining(given, engine);
}

/** Waits until a GPU is done; on a CPU every operation is, when its call returns. */
function finish(): void {
  const { isUsingGpuDevice } = tf.backend() as unknown as { isUsingGpuDevice: boolean };
  if (isUsingGpuDevice) tf.tidy(() => tf.add(1, 1).dataSync());
}

/** The milliseconds of the backward pass, if there is one, and of a step. */
function turnOnce(side: Side, { batch }: Case): [backward: number, step: number] {
  const start = performance.now();
  if (batch !== undefined) {
    side.backward();
    finish();
  }
  const middle = performance.now();
  side.step();
  finish();
  return [middle - start, performance.now() - middle];
}

function prepare(side: Side, given: Case): object {
  const [first] = [1, 2, 3].map(() => turnOnce(side, given)[1]);
  const sample = Array.from({ length: 16 }, (_, k) => {
    const tensor = Math.floor((k * (given.shapes.length - 1)) / 15);
    return side.element(tensor, Math.floor((k * (sizeOf([given.shapes[tensor] as Shape]) - 1)) / 15));
  });
  return { firstMs: first, sample };
}

function turn(side: Side, given: Case, steps: number): object {
  turnOnce(side, given); // fetches again what another side drove out of the caches
  if (given.batch !== undefined) {
    const taken = Array.from({ length: steps }, () => turnOnce(side, given));
    const sum = (of: (each: [number, number]) => number): number =>
      taken.reduce((total, each) => total + of(each), 0);
    return {
      ms: sum(([, step]) => step) / steps,
      wholeMs: sum(([backward, step]) => backward + step) / steps,
    };
  }
  const start = performance.now();
  for (let i = 0; i < steps; i += 1) side.step();
  finish();
  return { ms: (performance.now() - start) / steps };
}

let side: Side | undefined;
let given: Case | undefined;

function answer(request: Request): object {
  switch (request.do) {
    case 'prepare':
      given = request;
      side = makeSide(process.argv[2]!, given);
      return prepare(side, given);
    case 'turn':
      return turn(side!, given!, request.steps);
    case 'drop':
      side?.dispose();
      side = undefined;
      return {};
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  let reply: object;
  try {
    reply = answer(JSON.parse(line) as Request);
  } catch (error) {
    reply = { error: String(error) };
  }
  console.log(JSON.stringify(reply));
}
