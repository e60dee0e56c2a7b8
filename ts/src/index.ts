import './node_util.ts';

export { Adadelta, type AdadeltaOptions } from './optim/adadelta.ts';
export { SGD, type SGDOptions } from './optim/sgd.ts';
export { defineOptimizer, type OptimizerClass } from './optim/define_optimizer.ts';
export type { Defaults, Description, OptionsOf, StateTable } from './optim/description.ts';
export type { Definition, Inputs, Option, Outputs, Prepared } from './optim/definition.ts';
export type { EngineOption } from './engine/engine.ts';
export type { Operations } from './engine/operations.ts';
export { optimizers } from './optim/table.ts';
export {
  Optimizer,
  registerOptimizerStepPostHook,
  registerOptimizerStepPreHook,
  type Closure,
  type HookOptions,
  type LoadOptions,
  type OptimizerHook,
  type StateDictHook,
  type StepArguments,
  type StepPostHook,
  type StepPreHook,
} from './optim/optimizer.ts';
export { Parameter, parameterOf, type ParameterInit } from './optim/parameter.ts';
export { SparseTensor, type Gradient } from './optim/gradient.ts';
export { assignGrads, backward } from './optim/autograd.ts';
export { RemovableHandle } from './optim/hooks.ts';
export type {
  NamedParameter,
  ParameterLike,
  ParamGroup,
  ParamGroupInit,
  ParamsArgument,
} from './optim/param_group.ts';
export type { LoadedDict } from './optim/saved_form.ts';
export type { State, StateEntry, StateId } from './optim/state.ts';
export type { SavedGroup, StateDict } from './optim/state_dict.ts';
export { countNativeTensors } from './engine/binding.ts';
export { NativeTensor } from './engine/tensorflow.ts';
export type { DeviceTensor, ParameterDType } from './engine/arithmetic.ts';
export { TensorData, type NumberDType } from './tensor_data.ts';
export type { DType } from './dtype.ts';
export { cast } from './cast.ts';
export { fromTensor, toTensor, type ToTensorOptions } from './tfjs_tensor.ts';
export { Tuple } from './python/collections.ts';
export { PythonNumber, pyFloat, pyInt, pythonTypeOf, type PythonType } from './python/number.ts';
export { power } from './python/power.ts';
export { reprFloat } from './python/repr.ts';
export { AssertionError, KeyError, RuntimeError, TorchTypeError, ValueError } from './errors.ts';
