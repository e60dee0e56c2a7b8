import { increment } from '../cast.ts';
import { duplicate, upload, zeros, type DeviceTensor } from '../engine/arithmetic.ts';
import { shapeOperations } from '../engine/check.ts';
import { referenceStep } from '../engine/reference.ts';
import { NativeTensor } from '../engine/tensorflow.ts';
import { KeyError, RuntimeError, TorchTypeError } from '../errors.ts';
import { typeName } from '../python/repr.ts';
import { TensorData } from '../tensor_data.ts';
import type { Definition } from './definition.ts';
import { SparseTensor, type Gradient } from './gradient.ts';
import { readOptions } from './options.ts';
import type { ParamGroup } from './param_group.ts';
import type { Parameter } from './parameter.ts';
import { disposeEntries, isDeviceTensor, type State, type StateEntry } from './state.ts';

/** A step of one parameter that has passed every check. */
export interface PlannedStep {
  parameter: Parameter;
  grad: DeviceTensor | TensorData;
  /** Whether `grad` is a copy to dispose after the step. */
  ownsGrad: boolean;
  /** Lazy state that was missing before the step of the group began; torch looks once, before it computes. */
  missing: Set<string>;
  scalars: Record<string, number>;
  flags: Record<string, boolean>;
}

/**
 * Checks all that a step of a group needs, in torch's order, and changes nothing.
 *
 * @throws KeyError, TypeError, RuntimeError, AssertionError where torch's step would fail
 */
export function planGroup(
  definition: Definition<object>,
  group: ParamGroup<object>,
  state: State,
): PlannedStep[] {
  const options = readOptions(definition, group);
  const { scalars, flags } = definition.prepare(options);
  const steps: PlannedStep[] = [];
  for (const parameter of group.params) {
    if (parameter.grad === null) continue;
    const grad = denseGradient(definition, parameter, parameter.grad);
    const entry = state.get(parameter) ?? {};
    checkEntry(definition, entry);
    const missing = new Set(definition.lazy.filter((key) => !isDeviceTensor(entry[key])));
    steps.push({ parameter, grad, ownsGrad: false, missing, scalars, flags });
  }
  if (steps.length > 0) {
    definition.check?.(options);
    refuseUnsupported(options);
  }
  for (const { parameter, missing } of steps) {
    const shapes: Record<string, readonly number[]> = { param: parameter.shape, grad: parameter.shape };
    const entry = state.get(parameter) ?? {};
    for (const key of [...definition.zeros, ...definition.lazy]) {
      if (!missing.has(key)) shapes[key] = (entry[key] as DeviceTensor | undefined)?.shape ?? parameter.shape;
    }
    definition.update(shapeOperations(parameter.dtype), shapes as never, scalars, flags);
  }
  return steps;
}

/**
 * Copies each gradient that is itself a parameter's tensor or a state tensor: a step before it would dispose it.
 */
export function protectGradients(steps: readonly PlannedStep[], state: State): void {
  const owned = new Set<unknown>(steps.map(({ parameter }) => parameter.handedOut));
  for (const entry of state.values()) for (const value of Object.values(entry)) owned.add(value);
  for (const step of steps) {
    if (step.grad instanceof TensorData || !owned.has(step.grad)) continue;
    step.grad = duplicate(step.grad);
    step.ownsGrad = true;
  }
}

/** Computes one step and puts its results in place. */
export function takeStep(definition: Definition<object>, state: State, planned: PlannedStep): void {
  const { parameter, grad, missing, scalars, flags } = planned;
  const before = state.get(parameter);
  const entry = stateOf(definition, before, () => zeros(parameter.shape, parameter.dtype));
  const tensors: Record<string, DeviceTensor> = {};
  for (const [key, value] of Object.entries(entry)) {
    if (isDeviceTensor(value) && !missing.has(key)) tensors[key] = value;
  }
  const gradient = grad instanceof TensorData ? upload(grad) : grad;
  let results: Record<string, DeviceTensor>;
  try {
    results = referenceStep({
      definition,
      tensors: { ...tensors, param: parameter.data, grad: gradient },
      scalars,
      flags,
    });
  } catch (error) {
    if (entry !== before) disposeEntries([entry]);
    throw error;
  } finally {
    disposeGradient(planned, gradient);
  }
  if (definition.countsSteps) entry.step = increment(entry.step as TensorData);
  for (const [key, tensor] of Object.entries(results)) {
    if (key === 'param') {
      parameter.replaceData(tensor);
    } else {
      if (isDeviceTensor(entry[key])) entry[key].dispose();
      entry[key] = tensor;
    }
  }
  if (Object.keys(entry).length > 0) state.set(parameter, entry);
}

/** Frees a gradient that was copied for the step. */
export function disposeGradient({ grad, ownsGrad }: PlannedStep, used: DeviceTensor): void {
  if (used !== grad || ownsGrad) used.dispose();
}

/** The state of a parameter, made of zeros if it has none yet. */
export function stateOf(
  definition: Definition<object>,
  before: StateEntry | undefined,
  zeros: () => DeviceTensor,
): StateEntry {
  if (before !== undefined && Object.keys(before).length > 0) return before;
  const entry: StateEntry = {};
  if (definition.countsSteps) entry.step = TensorData.from('float32', [0], []);
  for (const key of definition.zeros) entry[key] = zeros();
  return entry;
}

function denseGradient(
  { name }: Definition<object>,
  { isDisposed, name: parameterName = 'a parameter' }: Parameter,
  grad: Gradient,
): DeviceTensor | TensorData {
  if (grad instanceof SparseTensor) {
    throw new RuntimeError('SPARSE', `${name} does not support sparse gradients`);
  }
  if (isDisposed) throw new RuntimeError('DISPOSED', `the tensor of ${parameterName} is disposed`);
  if (!(grad instanceof TensorData) && grad.isDisposed) {
    throw new RuntimeError(
      'DISPOSED',
      `the gradient of ${parameterName} is disposed: set .grad to null or a live tensor`,
    );
  }
  // What only this package has a float32 tensor as: state of an optimizer.
  if (grad instanceof NativeTensor && grad.dtype === 'float32') return grad.toTensorData();
  return grad;
}

/** State that a checkpoint brought may lack a key, or have something else in a tensor's place. */
function checkEntry(definition: Definition<object>, entry: StateEntry): void {
  if (Object.keys(entry).length === 0) return;
  const required = [...definition.zeros, ...(definition.countsSteps ? ['step'] : [])];
  for (const key of required) {
    if (!(key in entry)) throw new KeyError('MISSING_STATE', `'${key}'`);
  }
  const present = definition.lazy.filter((key) => entry[key] !== undefined && entry[key] !== null);
  for (const key of [...required, ...present]) {
    const value = entry[key];
    if (isDeviceTensor(value) && value.isDisposed) {
      throw new RuntimeError('DISPOSED', `state ${key} is disposed: it belongs to the optimizer`);
    }
    if (key === 'step' ? !(value instanceof TensorData) : !isDeviceTensor(value)) {
      throw new TorchTypeError('STATE_TYPE', `state ${key} must be a tensor, but is ${typeName(value)}`);
    }
  }
}

/** Options that are recorded and serialized, and not built yet. */
function refuseUnsupported(options: { differentiable?: unknown; fused?: unknown }): void {
  for (const name of ['differentiable', 'fused'] as const) {
    if (options[name] === true) {
      throw new RuntimeError('UNSUPPORTED', `a step with ${name} = true is not supported: set it to false`);
    }
  }
}
