import type { TensorData } from 'torch-parity';
import type { Value } from './value.ts';

/** An ordered Python dict of options. */
export type Options = [key: string, value: Value][];

/** What a constructor, or the `params` of a group, is given (PROTOCOL.md, "Program"). */
export type Argument = { list: Item[] } | { set: Item[] } | { param: number } | { value: Value };

export type Item =
  { param: number } | { named: [name: string, param: number] } | { group: Group } | { value: Value };

export interface Group {
  params?: Argument;
  options: Options;
}

export type Edit =
  | { edit: 'setOption'; group: number; key: string; value: Value }
  | { edit: 'removeOption'; group: number; key: string }
  | { edit: 'setIds'; group: number; ids: Value[] }
  | { edit: 'renameState'; from: Value; to: Value }
  | { edit: 'removeState'; id: Value }
  | { edit: 'setState'; id: Value; key: string; value: Value }
  | { edit: 'removeStateKey'; id: Value; key: string }
  | { edit: 'addGroup'; options: Options; ids: Value[] }
  | { edit: 'removeGroup'; group: number }
  | { edit: 'reorderState'; ids: Value[] }
  | { edit: 'removeKey'; key: 'state' | 'param_groups' }
  | { edit: 'setKey'; key: string; value: Value };

export const stepHooks = ['stepPre', 'stepPost', 'globalStepPre', 'globalStepPost'] as const;
export const dictHooks = ['stateDictPre', 'stateDictPost', 'loadStateDictPre', 'loadStateDictPost'] as const;
export type HookKind = (typeof stepHooks)[number] | (typeof dictHooks)[number];

export type Action =
  | { do: 'log' }
  | { do: 'setOption'; group: number; key: string; value: Value }
  | { do: 'edit'; edits: Edit[] }
  | { do: 'replace'; edits: Edit[] }
  | { do: 'replaceClosure'; loss: Value }
  | { do: 'badReturn' };

export interface Closure {
  loss: Value;
  grads: [param: number, tensor: number | null][];
}

export type Command =
  | { op: 'grad'; param: number; tensor: number | null }
  | { op: 'sparseGrad'; param: number }
  | { op: 'step'; closure?: Closure }
  | { op: 'zeroGrad'; setToNone: boolean }
  | { op: 'addParamGroup'; group: Group }
  | { op: 'addParamGroup'; value: Value }
  | { op: 'setOption'; group: number; key: string; value: Value }
  | { op: 'repr' }
  | { op: 'stateDict'; as: string }
  | { op: 'load'; from: string; edits: Edit[] }
  | { op: 'register'; hook: HookKind; as: string; prepend: boolean; action: Action }
  | { op: 'remove'; hook: string }
  | { op: 'save'; format: SavedFormat; params: 'list' | 'dict'; target?: '2.1' | '2.15' }
  | { op: 'resume'; tensor: number; mmap: boolean };

/** The formats of checkpoints that both sides write. */
export const savedFormats = ['pt', 'safetensors'] as const;
export type SavedFormat = (typeof savedFormats)[number];

/** The dtypes that parameters may have. */
export const parameterDTypes = ['float16', 'bfloat16', 'float32', 'float64', 'complex64'] as const;
export type ParameterDType = (typeof parameterDTypes)[number];

/** One self-contained test case, portable to any subject and to the oracle. */
export interface Program {
  version: 1;
  /** The class in torch.optim. */
  optimizer: string;
  /** The dtype of every parameter. */
  dtype: ParameterDType;
  tensors: TensorData[];
  params: { tensor: number }[];
  argument: Argument;
  options: Options;
  commands: Command[];
}
