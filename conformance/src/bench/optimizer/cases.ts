import { dense, gpt2Small, resnet50, type Shape } from './models.ts';

export type DType = 'float32' | 'float64' | 'bfloat16';

/** What every side is asked to step: the request `prepare`. */
export interface Case {
  name: string;
  optimizer: 'Adadelta' | 'SGD';
  dtype: DType;
  shapes: readonly Shape[];
  /**
   * The parameters are weights and biases of dense layers, and each step has gradients from a backward pass with so
   * many inputs; without it gradients are there and stay the same.
   */
  batch?: number;
}

const equal = (count: number, size: number): Shape[] => Array.from({ length: count }, () => [size]);

const shapes: Readonly<Record<string, Shape[]>> = {
  '1 x 100M': equal(1, 100_000_000),
  '1 x 10M': equal(1, 10_000_000),
  '1 x 1M': equal(1, 1_000_000),
  '100 x 10k': equal(100, 10_000),
  '500 x 256': equal(500, 256),
  '2,000 x 16': equal(2000, 16),
  'ResNet-50': resnet50(),
  'GPT-2 small': gpt2Small(),
};

const float32: Case[] = Object.entries(shapes).map(([name, shapes]) => ({
  ...{ name, optimizer: 'Adadelta', dtype: 'float32', shapes },
}));

/** In which all dtypes, and SGD with momentum, are measured, too. */
const both = float32.filter(({ name }) => ['1 x 10M', '100 x 10k'].includes(name));

export const cases: readonly Case[] = [
  ...float32,
  ...(['float64', 'bfloat16'] as const).flatMap((dtype) => both.map((each) => ({ ...each, dtype }))),
  ...both.map((each) => ({ ...each, optimizer: 'SGD' as const })),
  {
    ...{ name: 'training', optimizer: 'Adadelta', dtype: 'float32', batch: 32 },
    shapes: dense(784, 1024, 1024, 1024, 10),
  },
];

/** One case of each kind with little work in it: whether it runs, not how fast. */
export const smallCases: readonly Case[] = cases
  .filter(({ name }) => ['1 x 10M', '2,000 x 16', 'training'].includes(name))
  .map((each) => ({
    ...each,
    shapes: each.batch === undefined ? each.shapes.slice(0, 3).map(() => [32]) : dense(8, 4, 2),
  }));

export function textOf({ name, optimizer, dtype }: Pick<Case, 'name' | 'optimizer' | 'dtype'>): string {
  return [name, ...(optimizer === 'SGD' ? ['SGD'] : []), ...(dtype === 'float32' ? [] : [dtype])].join(', ');
}

/** How many elements all parameters have. */
export function sizeOf(shapes: readonly Shape[]): number {
  return shapes.reduce((sum, shape) => sum + shape.reduce((product, size) => product * size, 1), 0);
}
