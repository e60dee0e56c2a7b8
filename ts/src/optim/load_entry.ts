import { cast, checkCount, stepTensor } from '../cast.ts';
import { upload, type DeviceTensor, type ParameterDType } from '../engine/arithmetic.ts';
import { KeyError } from '../errors.ts';
import { copyEntry, emptyLike, entryOf, isContainer, keysOf, type Container } from '../python/copy.ts';
import { put } from '../python/number.ts';
import { TensorData } from '../tensor_data.ts';
import type { Definition } from './definition.ts';
import type { Parameter } from './parameter.ts';
import { disposeEntries, onHost, type StateEntry } from './state.ts';

/**
 * An entry of a loaded state as torch makes it: copied, its tensors cast to the parameter's dtype if that is real, except
 * `step`. What the update uses is on the device.
 *
 * @param stepAsFloat32 - casts `step` as well
 * @throws KeyError, TypeError for a `step` that is missing or cannot count
 */
export function loadEntry(
  definition: Definition<object>,
  { dtype }: Parameter,
  saved: StateEntry,
  stepAsFloat32: boolean,
): StateEntry {
  const used: readonly string[] = [...definition.zeros, ...definition.lazy];
  const entry: StateEntry = {};
  try {
    for (const key of Object.keys(saved)) {
      const value = onHost(saved[key]);
      if (!(value instanceof TensorData)) castEntry(saved, key, entry, dtype);
      else if (key === 'step') entry[key] = loadStep(definition, value, stepAsFloat32);
      else if (used.includes(key)) entry[key] = loadUsed(value, dtype);
      else entry[key] = castCopy(value, dtype);
    }
    if (definition.countsSteps && Object.keys(entry).length > 0 && !(entry.step instanceof TensorData)) {
      if (!('step' in entry)) throw new KeyError('NO_STEP', "'step'");
      entry.step = stepTensor(entry.step);
    }
  } catch (error) {
    disposeEntries([entry]);
    throw error;
  }
  return entry;
}

function loadStep(definition: Definition<object>, step: TensorData, asFloat32: boolean): TensorData {
  if (asFloat32) return castCopy(step, 'float32');
  if (definition.countsSteps) checkCount(step);
  return step.clone();
}

/**
 * Copies an entry with the tensors inside cast. Dicts of any kind become plain ones, as in torch.
 *
 * @param copies - of what was met before
 */
function castEntry(
  from: object,
  key: unknown,
  to: object,
  dtype: ParameterDType,
  copies: Map<unknown, Container> = new Map(),
): void {
  const value = entryOf(from, key);
  if (value instanceof TensorData) {
    put(to, key, key === 'step' ? value.clone() : castCopy(value, dtype));
  } else if (isContainer(value)) {
    let copy = copies.get(value);
    if (copy === undefined) {
      copies.set(value, (copy = emptyLike(value)));
      for (const inner of keysOf(value)) castEntry(value, inner, copy, dtype, copies);
    }
    put(to, key, copy);
  } else copyEntry(from, key, to);
}

/** As torch's rule goes, state of a complex parameter keeps its dtype, and a step that cannot use it says so. */
function loadUsed(data: TensorData, dtype: ParameterDType): DeviceTensor | TensorData {
  if (dtype !== 'complex64') return upload(cast(data, dtype));
  return data.dtype === dtype ? upload(data) : data.clone();
}

function castCopy(data: TensorData, dtype: ParameterDType): TensorData {
  const result = dtype === 'complex64' ? data : cast(data, dtype);
  return result === data ? data.clone() : result;
}
