import { Parameter, TensorData, type Closure, type Optimizer } from 'torch-parity';
import { mixed, steps, type Fault } from './fault.ts';
import { numbersOf } from '../elements.ts';
import { isDeviceTensor, readTensor } from './host.ts';

/** Faults of `step` and `zeroGrad` around the update: which parameters are stepped, what is counted, the closure. */
export const steppingFaults: readonly Fault[] = [
  steps('zero-gradient-skipped', 'a zero gradient were a null gradient', (optimizer, step, closure) =>
    withGradients(optimizer, step, closure, (grad) => (grad?.every((x) => x === 0) ? null : undefined)),
  ),
  steps('null-gradient-stepped', 'a null gradient were a zero gradient', (optimizer, step, closure) =>
    withGradients(optimizer, step, closure, (grad) => (grad === null ? 0 : undefined)),
  ),
  steps(
    'nonfinite-gradient-skipped',
    'a parameter were skipped where its gradient is not finite',
    (optimizer, step, closure) =>
      withGradients(optimizer, step, closure, (grad) =>
        grad?.every(Number.isFinite) === false ? null : undefined,
      ),
  ),
  steps('closure-after-step', 'the closure were called after the step', (_, step, closure) => {
    const loss = step();
    return closure === undefined ? loss : closure();
  }),
  steps('closure-twice', 'the closure were called twice', (_, step, closure) =>
    step(
      closure &&
        (() => {
          closure();
          return closure();
        }),
    ),
  ),
  steps('loss-dropped', 'the loss of the closure were not returned', (_, step, closure) => {
    step(closure);
    return null;
  }),
  ...counting(),
  mixed(
    'zero-grad-zeroes',
    'zeroGrad set gradients to zero whatever setToNone says',
    (base) =>
      class extends base {
        override zeroGrad(): void {
          super.zeroGrad({ setToNone: false });
        }
      },
  ),
  mixed(
    'zero-grad-clears',
    'zeroGrad set gradients to null whatever setToNone says',
    (base) =>
      class extends base {
        override zeroGrad(): void {
          super.zeroGrad({ setToNone: true });
        }
      },
  ),
  mixed(
    'zero-grad-first-group',
    'zeroGrad reached the first group alone',
    (base) =>
      class extends base {
        override zeroGrad(options?: { setToNone?: boolean }): void {
          const groups = this.paramGroups;
          this.paramGroups = groups.slice(0, 1);
          super.zeroGrad(options);
          this.paramGroups = groups;
        }
      },
  ),
];

/** What `step` of the state becomes, given what it was before (0 at first), where the parameter was stepped or not. */
type Count = (before: number, stepped: boolean, calls: number) => number;

function counting(): Fault[] {
  const faults: [name: string, claim: string, count: Count][] = [
    ['step-not-counted', 'step were never counted', (before) => before],
    ['step-counted-twice', 'step were counted twice', (before, stepped) => before + (stepped ? 2 : 0)],
    ['step-counted-for-all', 'step were counted for skipped parameters too', (before) => before + 1],
    [
      'one-step-for-all',
      'all parameters shared one count of steps',
      (before, stepped, calls) => (stepped ? calls : before),
    ],
  ];
  return faults.map(([name, claim, count]) => {
    const calls = new WeakMap<Optimizer<object>, number>();
    return steps(name, claim, (optimizer, step, closure) => {
      const before = new Map(Array.from(optimizer.state, ([key, { step }]) => [key, step]));
      const result = step(closure);
      calls.set(optimizer, (calls.get(optimizer) ?? 0) + 1);
      for (const [key, entry] of optimizer.state) {
        if (!(key instanceof Parameter)) continue;
        const [old, now] = [before.get(key), entry.step];
        // Other dtypes of `step` come from checkpoints; a fault that leaves them alone is one still.
        if (!(now instanceof TensorData) || now.dtype !== 'float32') continue;
        const number = old instanceof TensorData ? old.toFloat32Array()[0]! : 0;
        entry.step = TensorData.from(
          'float32',
          [count(number, old !== now, calls.get(optimizer)!)],
          now.shape,
        );
      }
      return result;
    });
  });
}

/**
 * Takes a step with other gradients, and puts the real ones back.
 *
 * @param change - given the elements of a gradient, says what it should be: null, filled with a number, or as it is
 */
function withGradients(
  optimizer: Optimizer<object>,
  step: (closure?: Closure) => unknown,
  closure: Closure | undefined,
  change: (elements: readonly number[] | null) => null | number | undefined,
): unknown {
  const real = new Map<Parameter, TensorData | null>();
  const replace = (): void => {
    for (const parameter of new Set(optimizer.paramGroups.flatMap(({ params }) => params))) {
      const grad = gradientOf(parameter);
      if (grad === undefined) continue;
      const other = change(grad && numbersOf(grad).map(Number));
      if (other === undefined) continue;
      real.set(parameter, grad);
      const size = parameter.shape.reduce((product, dim) => product * dim, 1);
      parameter.grad =
        other === null
          ? null
          : TensorData.from(
              parameter.dtype as 'float32' | 'float64',
              new Array<number>(size).fill(other),
              parameter.shape,
            );
    }
  };
  try {
    if (closure === undefined) {
      replace();
      return step();
    }
    return step(() => {
      const loss = closure();
      replace();
      return loss;
    });
  } finally {
    for (const [parameter, grad] of real) parameter.grad = grad;
  }
}

/** A copy of a dense gradient; undefined for any other. */
function gradientOf({ grad }: Parameter): TensorData | null | undefined {
  if (grad === null) return null;
  if (grad instanceof TensorData) return grad.clone();
  return isDeviceTensor(grad) ? readTensor(grad) : undefined;
}
