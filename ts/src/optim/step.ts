import { checkCount, increment } from '../cast.ts';
import { download, duplicate, upload, zeros, type DeviceTensor } from '../engine/arithmetic.ts';
import { metaOperations, type Meta } from '../engine/check.ts';
import { referenceStep } from '../engine/reference.ts';
import { SlotTensor } from '../engine/fused/slot.ts';
import { NativeTensor } from '../engine/tensorflow.ts';
import { KeyError, RuntimeError, TorchTypeError } from '../errors.ts';
import { typeName } from '../python/repr.ts';
import { TensorData } from '../tensor_data.ts';
import type { Definition } from './definition.ts';
import { SparseTensor, type Gradient } from './gradient.ts';
import { readOptions } from './options.ts';
import type { ParamGroup } from './param_group.ts';
import type { Parameter } from './parameter.ts';
import { preparer } from './prepare.ts';
import { disposeEntries, isDeviceTensor, notStepped, type State, type StateEntry } from './state.ts';

/** A step of one parameter that has passed every check. */
export interface PlannedStep {
  parameter: Parameter;
  grad: DeviceTensor | TensorData;
  /** Whether `grad` is a copy to dispose after the step. */
  ownsGrad: boolean;
  /** Lazy state that was missing before the step of the group began; torch looks once, before it computes. */
  missing: ReadonlySet<string>;
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
  const prepareFor = preparer(definition, options);
  const required = [...definition.zeros, ...(definition.countsSteps ? ['step'] : [])];
  const steps: PlannedStep[] = [];
  for (const parameter of group.params) {
    if (parameter.grad === null) continue;
    const grad = denseGradient(definition, parameter, parameter.grad);
    const entry = state.get(parameter);
    if (entry !== undefined) checkEntry(definition, required, entry, parameter.dtype);
    const missing = missingFrom(definition, entry, parameter.dtype);
    steps.push({ parameter, grad, ownsGrad: false, missing, ...prepareFor(parameter, entry) });
  }
  if (steps.length > 0) checkOptions(definition, options);
  // Where all shapes are the parameter's, one parameter stands for all.
  const checked: PlannedStep[] = [];
  for (const step of steps) {
    const entry = state.get(step.parameter);
    if (isPlain(definition, step, entry)) {
      if (checked.some((other) => isAlike(other, step))) continue;
      checked.push(step);
    }
    checkArithmetic(definition, step, entry);
  }
  return steps;
}

/** The keys of the state tensors that the update may have. */
export function tensorKeys({ zeros, lazy }: Definition<object>): readonly string[] {
  return [...zeros, ...lazy];
}

/** What a step refuses, once a parameter of the group has a gradient. */
export function checkOptions(definition: Definition<object>, options: object): void {
  definition.check?.(options);
  refuseUnsupported(options);
}

/** Refuses what torch would refuse in the middle of a step. */
export function checkArithmetic(
  definition: Definition<object>,
  { parameter, missing, scalars, flags }: Omit<PlannedStep, 'grad' | 'ownsGrad'>,
  entry: StateEntry | undefined,
): void {
  const metas: Record<string, Meta> = { param: parameter, grad: parameter };
  for (const key of tensorKeys(definition)) {
    if (!missing.has(key)) metas[key] = metaOf(entry?.[key], parameter);
  }
  const results = definition.update(metaOperations(parameter.dtype), metas as never, scalars, flags);
  checkResults(definition, parameter, results);
}

/** Whether the state has the parameter's shape and dtype. */
export function isPlain(
  definition: Definition<object>,
  { parameter, missing }: PlannedStep,
  entry: StateEntry | undefined,
): boolean {
  return tensorKeys(definition).every(
    (key) => missing.has(key) || isSameMeta(metaOf(entry?.[key], parameter), parameter),
  );
}

function metaOf(value: unknown, parameter: Parameter): Meta {
  return (value as Meta | undefined) ?? parameter;
}

const none: ReadonlySet<string> = new Set();

/** The state that the update has to make. */
export function missingFrom(
  { lazy }: Definition<object>,
  entry: StateEntry | undefined,
  dtype: string,
): ReadonlySet<string> {
  if (lazy.length === 0) return none;
  return new Set(lazy.filter((key) => !isTensor(entry?.[key], dtype)));
}

/** Whether the update does the same for two steps. */
export function isAlike(x: PlannedStep, y: PlannedStep): boolean {
  // Scalars and flags come from the group, and its count of steps.
  if (x.scalars !== y.scalars || x.parameter.dtype !== y.parameter.dtype) return false;
  return (
    x.missing === y.missing ||
    (x.missing.size === y.missing.size && [...x.missing].every((key) => y.missing.has(key)))
  );
}

function isSameMeta(x: Meta, y: Meta): boolean {
  if (x.dtype !== y.dtype || x.shape.length !== y.shape.length) return false;
  for (let i = 0; i < x.shape.length; i++) if (x.shape[i] !== y.shape[i]) return false;
  return true;
}

/** An update that was not written with complex parameters in mind may leave pairs where complex numbers were. */
function checkResults(
  { name }: Definition<object>,
  { dtype }: Parameter,
  results: Record<string, Meta>,
): void {
  for (const key in results) {
    const { dtype: found } = results[key]!;
    if (found === dtype) continue;
    throw new RuntimeError(
      'RESULT_DTYPE',
      `the update of ${name} makes ${key} ${found}, but its parameter is ${dtype}: return viewAsComplex(${key})`,
    );
  }
}

/**
 * Copies each gradient that is itself a parameter's tensor or a state tensor: a step before it would dispose it.
 *
 * @throws RuntimeError if a tensor has two places in the state, or is a parameter's as well: the same would happen to it
 */
export function protectGradients(
  definition: Definition<object>,
  groups: readonly ParamGroup<object>[],
  steps: readonly PlannedStep[],
  state: State,
): void {
  const owned = new Set<unknown>();
  for (const { params } of groups) for (const { handedOut } of params) if (handedOut) owned.add(handedOut);
  // Parameters may have been given one entry: they are stepped one after the other.
  for (const entry of new Set(state.values())) {
    for (const key of tensorKeys(definition)) {
      const value = entry[key];
      if (!isDeviceTensor(value)) continue;
      if (owned.has(value)) {
        throw new RuntimeError(
          'SHARED_STATE',
          `state ${key} is a tensor that has another place in the optimizer, too: give each its own, clone()`,
        );
      }
      owned.add(value);
    }
  }
  for (const step of steps) {
    if (step.grad instanceof TensorData || !owned.has(step.grad)) continue;
    step.grad = duplicate(step.grad);
    step.ownsGrad = true;
  }
}

/** Updates every parameter that has a gradient, with the reference engine. */
export function takeSteps(
  definition: Definition<object>,
  groups: readonly ParamGroup<object>[],
  state: State,
): void {
  const planned = groups.flatMap((group) => planGroup(definition, group, state));
  takePlanned(definition, groups, planned, state);
}

/** Takes the steps that were planned, with the reference engine. */
export function takePlanned(
  definition: Definition<object>,
  groups: readonly ParamGroup<object>[],
  planned: PlannedStep[],
  state: State,
): void {
  protectGradients(definition, groups, planned, state);
  for (const step of planned) takeStep(definition, state, step);
}

/** Computes one step and puts its results in place. */
function takeStep(definition: Definition<object>, state: State, planned: PlannedStep): void {
  const { parameter, grad, ownsGrad, missing, scalars, flags } = planned;
  const before = state.get(parameter);
  const entry = stateOf(definition, before, () => zeros(parameter.shape, parameter.dtype));
  const tensors: Record<string, DeviceTensor> = {};
  for (const key of tensorKeys(definition)) {
    const value = entry[key];
    if (isDeviceTensor(value) && !missing.has(key)) tensors[key] = entry[key] = native(value);
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
    if (gradient !== grad || ownsGrad) gradient.dispose();
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

/** The state of a parameter, made of zeros if it has none yet. */
export function stateOf(
  definition: Definition<object>,
  before: StateEntry | undefined,
  zeros: () => DeviceTensor,
): StateEntry {
  if (before !== undefined && Object.keys(before).length > 0) return before;
  const entry: StateEntry = {};
  if (definition.countsSteps) entry.step = notStepped;
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
  return grad instanceof TensorData || !isForeign(grad) ? grad : download(grad);
}

/** State of an optimizer is of another class than float32's, and complex64 in tfjs of another than ours. */
function isForeign(grad: DeviceTensor): boolean {
  if (!(grad instanceof NativeTensor)) return grad.dtype === 'complex64';
  return grad instanceof SlotTensor || grad.dtype === 'float32';
}

/** A tensor of the class that the reference engine computes with: itself, or a copy that takes its place. */
function native(tensor: DeviceTensor): DeviceTensor {
  if (!isForeign(tensor)) return tensor;
  const copy = duplicate(tensor);
  tensor.dispose();
  return copy;
}

/** Whether a step may use a gradient as it is, unless it is what a parameter has handed out. */
export function isUsable(grad: Gradient): grad is DeviceTensor | TensorData {
  if (grad instanceof TensorData) return true;
  // tfjs makes `instanceof tf.Variable` slow.
  return !(grad instanceof SparseTensor || grad.isDisposed || isForeign(grad) || 'assign' in grad);
}

/** State that a checkpoint brought may lack a key, or have something else in a tensor's place. */
function checkEntry(
  { lazy }: Definition<object>,
  required: readonly string[],
  entry: StateEntry,
  dtype: string,
): void {
  for (const key of required) {
    if (key in entry) continue;
    if (Object.keys(entry).length === 0) return;
    throw new KeyError('MISSING_STATE', `'${key}'`);
  }
  for (const key of required) checkState(key, entry[key], dtype);
  for (const key of lazy)
    if (entry[key] !== undefined && entry[key] !== null) checkState(key, entry[key], dtype);
}

function checkState(key: string, value: unknown, dtype: string): void {
  if (isDeviceTensor(value) && value.isDisposed) {
    throw new RuntimeError('DISPOSED', `state ${key} is disposed: it belongs to the optimizer`);
  }
  if (key === 'step' ? !(value instanceof TensorData) : !isTensor(value, dtype)) {
    throw new TorchTypeError('STATE_TYPE', `state ${key} must be a tensor, but is ${typeName(value)}`);
  }
  if (key === 'step') checkCount(value as TensorData);
}

/** State of a dtype that its parameter does not have stays on the host: the update refuses it. */
function isTensor(value: unknown, dtype: string): boolean {
  return isDeviceTensor(value) || (value instanceof TensorData && value.dtype !== dtype);
}

/** Options that are recorded and serialized, and not built yet. */
function refuseUnsupported(options: { differentiable?: unknown; fused?: unknown }): void {
  for (const name of ['differentiable', 'fused'] as const) {
    if (options[name] === true) {
      throw new RuntimeError('UNSUPPORTED', `a step with ${name} = true is not supported: set it to false`);
    }
  }
}
