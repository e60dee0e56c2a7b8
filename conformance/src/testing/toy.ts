import { TensorData } from 'torch-parity';
import type { Oracle } from '../oracle.ts';
import type { Program } from '../program.ts';
import type { Subject } from '../subject.ts';
import type { Trace, TraceRecord } from '../trace.ts';
import { toNumber } from '../value.ts';
import type { Hello, Result } from '../wire.ts';

/** A change to the toy's arithmetic: the new parameter, given the old one, the gradient, lr and the number of the step. */
export type Rule = (theta: number, grad: number, lr: number, step: number) => number;

const descent: Rule = (theta, grad, lr) => theta - lr * grad;

/**
 * Runs one of {@link smallPrograms} as gradient descent, which is all that this toy knows.
 *
 * @param dtype - of the arithmetic; float64 gives the truth with its bounds
 */
export function toyTrace(
  program: Program,
  dtype: 'float32' | 'float64' = 'float32',
  rule: Rule = descent,
): Trace {
  const lr = toNumber(program.options.find(([key]) => key === 'lr')![1]);
  const tensors: TensorData[] = [];
  const add = (values: ArrayLike<number>): number => tensors.push(TensorData.from(dtype, values)) - 1;
  let theta = program.tensors[0]!.toFloat32Array() as Float32Array | Float64Array;
  if (dtype === 'float64') theta = Float64Array.from(theta);
  let grad: Float32Array = new Float32Array();
  let steps = 0;
  const snapshot = (): Pick<TraceRecord, 'snapshot' | 'bounds'> => ({
    snapshot: { params: [add(theta)], state: [[0, { dict: [['step', { tensor: add([steps]) }]] }]] },
    ...(dtype === 'float64' && {
      bounds: {
        params: [add(theta.map((x) => (Math.abs(x) + 2000) * 2 ** -20))],
        state: [[0, { dict: [['step', { tensor: add([0]) }]] }]],
      },
    }),
  });
  const records: TraceRecord[] = [snapshot()];
  for (const command of program.commands) {
    if (command.op === 'grad') {
      grad = program.tensors[command.tensor!]!.toFloat32Array();
      records.push({});
    } else {
      steps += 1;
      theta = theta.map((x, index) => rule(x, grad[index]!, lr, steps));
      records.push({ result: null, ...snapshot() });
    }
  }
  return { tensors, records };
}

/** An exact subject that runs the toy, by its own rule if it has one. */
export function toySubject(rule?: Rule): Subject {
  return {
    name: 'toy',
    claim: 'exact',
    device: 'memory',
    run: (program) => toyTrace(program, 'float32', rule),
  };
}

const hello: Hello = {
  ...{
    protocol: 1,
    torch: '0.0.0',
    python: '3',
    numpy: '2',
    capability: 'DEFAULT',
    device: 'memory',
    threads: 1,
  },
  ...{ workers: 1, exact: ['float32'], checks: {}, optimizers: ['Adadelta'], catalogue: [] },
};

/** An oracle over the toy, which counts its requests. */
export class ToyOracle implements Pick<Oracle, 'hello' | 'run'> {
  readonly hello: Hello = hello;
  requests = 0;

  async run(programs: readonly Program[]): Promise<Result[]> {
    this.requests += 1;
    return programs.map((program) => this.result(program));
  }

  result(program: Program): Result {
    const [exact, foreach, torch] = [toyTrace(program), toyTrace(program), toyTrace(program)];
    return { exact, foreach, torch, truth: toyTrace(program, 'float64') };
  }
}
