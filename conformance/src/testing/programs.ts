import fc from 'fast-check';
import { TensorData } from 'torch-parity';
import type { Command, Program } from '../program.ts';
import { float } from '../value.ts';

/** Small programs of a parameter with a few elements and a few steps: what the harness itself is tested with. */
export const smallPrograms: fc.Arbitrary<Program> = fc
  .record({
    values: fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 6 }),
    grads: fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 5 }),
    lr: fc.integer({ min: 1, max: 64 }),
  })
  .map(({ values, grads, lr }) => smallProgram(values, grads, lr / 32));

/** A step with each gradient, which all elements share. */
export function smallProgram(values: number[], grads: number[], lr: number): Program {
  const commands = grads.flatMap((_, index): Command[] => [
    { op: 'grad', param: 0, tensor: index + 1 },
    { op: 'step' },
  ]);
  const filled = (value: number): TensorData =>
    TensorData.from(
      'float32',
      values.map(() => value / 16),
    );
  return {
    version: 1,
    optimizer: 'Adadelta',
    dtype: 'float32',
    tensors: [
      TensorData.from(
        'float32',
        values.map((value) => value / 16),
      ),
      ...grads.map(filled),
    ],
    params: [{ tensor: 0 }],
    argument: { list: [{ param: 0 }] },
    options: [['lr', float(lr)]],
    commands,
  };
}
