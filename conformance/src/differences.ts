import { TensorData } from 'torch-parity';
import type { Command, Edit, Options, Program } from './program.ts';
import type { Trace, TraceRecord } from './trace.ts';
import { float, type Value } from './value.ts';

/**
 * A trace without what older versions of torch are known to do in another way, to be compared with one that was treated
 * alike. Since 2.4 a trace is compared as it is. Before that:
 * - `step` is an int, and not yet a float32 tensor: a scalar tensor counts as its number, whatever its type;
 * - Adadelta has no option `capturable`: where it is False, it is left out;
 * - an error calls a C++ type `at::BFloat16`, which is `c10::BFloat16` since.
 *
 * @param torch - the oracle's version
 */
export function comparable(trace: Trace, torch: string): Trace {
  const [major = 0, minor = 0] = torch.split('.').map(Number);
  if (major > 2 || (major === 2 && minor >= 4)) return trace;
  return { ...trace, records: trace.records.map((record) => oldRecord(record, trace.tensors)) };
}

function oldRecord(record: TraceRecord, tensors: readonly TensorData[]): TraceRecord {
  const { error, result, snapshot } = record;
  return {
    ...record,
    ...(error && { error: { ...error, message: error.message.replaceAll('at::', 'c10::') } }),
    ...(result !== undefined && { result: oldValue(result, tensors) }),
    ...(snapshot && {
      snapshot: { ...snapshot, state: snapshot.state.map(([key, value]) => [key, oldValue(value, tensors)]) },
    }),
  };
}

function oldValue(value: Value, tensors: readonly TensorData[]): Value {
  if (typeof value === 'string') return value.replaceAll(/^ +capturable: False\n/gm, '');
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item) => oldValue(item, tensors));
  if (!('dict' in value)) return value;
  const pairs = value.dict.filter(([key, item]) => !(key === 'capturable' && item === false));
  return {
    dict: pairs.map(([key, item]) => [
      key,
      key === 'step' ? stepCount(item, tensors) : oldValue(item, tensors),
    ]),
  };
}

function stepCount(step: Value, tensors: readonly TensorData[]): Value {
  if (typeof step === 'number') return float(step);
  if (step === null || typeof step !== 'object' || !('tensor' in step)) return step;
  const tensor = tensors[step.tensor]!;
  return tensor.shape.length === 0 ? float(Number(tensor.toTypedArray()[0])) : step;
}

/** Where torch-parity does another thing than torch on purpose. Sampled programs keep out of these. */
export interface DeliberateDifference {
  ours: string;
  torchs: string;
  /** A program that shows it, and where its traces differ first. */
  program: Program;
  record: number;
  path: string;
}

export const deliberateDifferences: readonly DeliberateDifference[] = [
  {
    ours: 'a text in a state dict is loaded as it is',
    torchs: 'turned into the text of a generator object',
    ...{
      program: loading({ edit: 'setState', id: 0, key: 'note', value: 'text' }),
      record: 4,
      path: 'state[0].note',
    },
  },
  {
    ours: 'an option that is misspelled in a group is refused',
    torchs: 'kept and ignored',
    ...{ program: grouped([['weightdecay', float(0.1)]]), record: 0, path: 'error' },
  },
  {
    ours: 'a key of a saved group that is our spelling of an option is refused',
    torchs: 'kept as any foreign key',
    ...{
      program: loading({ edit: 'setOption', group: 0, key: 'weightDecay', value: float(0.5) }),
      record: 4,
      path: 'error',
    },
  },
  {
    ours: 'the refusal of an unknown option names those there are',
    torchs: 'it does not',
    ...{ program: constructed([['nonsense', 1]]), record: 0, path: 'error' },
  },
  {
    ours: 'an option of another type is refused in words of its own',
    torchs: 'in those of the operator that failed',
    ...{ program: constructed([['lr', 'fast']]), record: 0, path: 'error' },
  },
  {
    ours: 'True is no learning rate',
    torchs: 'it is 1',
    ...{ program: constructed([['lr', true]]), record: 0, path: 'error' },
  },
  {
    ours: 'a learning rate is a number',
    torchs: 'or a tensor of one element',
    ...{ program: constructed([['lr', { tensor: 1 }]]), record: 0, path: 'error' },
  },
  {
    ours: 'a switch is true or false',
    torchs: 'or whatever Python takes for that',
    ...{ program: constructed([['maximize', 1]]), record: 0, path: 'error' },
  },
  {
    ours: 'state that is no tensor is refused at the step, in words of its own',
    torchs: 'in those of the operation that failed',
    ...{
      program: loading({ edit: 'setState', id: 0, key: 'square_avg', value: 5 }),
      record: 5,
      path: 'error',
    },
  },
  {
    ours: 'state of a complex64 parameter that is complex128 is refused at the step',
    torchs: 'computed with in complex128',
    ...{ program: withComplex128(), record: 5, path: 'error' },
  },
  {
    ours: 'a step with differentiable is refused',
    torchs: 'only where a parameter is a leaf',
    ...{ program: constructed([['differentiable', true]]), record: 2, path: 'error' },
  },
];

function constructed(options: Options): Program {
  const step: Command[] = [{ op: 'grad', param: 0, tensor: 0 }, { op: 'step' }];
  return {
    version: 1,
    optimizer: 'Adadelta',
    dtype: 'float32',
    tensors: [TensorData.from('float32', [1, 2]), TensorData.from('float32', [0.5], [])],
    params: [{ tensor: 0 }],
    argument: { list: [{ param: 0 }] },
    options,
    commands: step,
  };
}

function grouped(options: Options): Program {
  return {
    ...constructed([]),
    argument: { list: [{ group: { params: { list: [{ param: 0 }] }, options } }] },
  };
}

function loading(edit: Edit): Program {
  const program = constructed([]);
  const load: Command[] = [
    { op: 'stateDict', as: 'saved' },
    { op: 'load', from: 'saved', edits: [edit] },
    { op: 'step' },
  ];
  return { ...program, commands: [...program.commands, ...load] };
}

function withComplex128(): Program {
  const complex = (dtype: 'complex64' | 'complex128', part: 'float32' | 'float64'): TensorData =>
    new TensorData(dtype, [1], TensorData.from(part, [1, -2]).bytes);
  return {
    ...loading({ edit: 'setState', id: 0, key: 'momentum_buffer', value: { tensor: 1 } }),
    optimizer: 'SGD',
    dtype: 'complex64',
    tensors: [complex('complex64', 'float32'), complex('complex128', 'float64')],
    options: [
      ['lr', float(0.5)],
      ['momentum', float(0.5)],
    ],
  };
}
