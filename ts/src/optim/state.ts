import * as tf from '@tensorflow/tfjs-core';
import { download, type DeviceTensor } from '../engine/arithmetic.ts';
import { NativeTensor } from '../engine/tensorflow.ts';
import { copyEntry } from '../python/copy.ts';
import { TensorData } from '../tensor_data.ts';
import type { Parameter } from './parameter.ts';

/**
 * What an optimizer remembers of one parameter, by torch's names. Tensors that an update uses are on the device; `step`
 * and whatever else a state dict brought are on the host.
 */
export type StateEntry = Record<string, unknown>;

/** The state of an optimizer. A key that is no parameter was in a loaded state dict without a parameter of ours. */
export type State = Map<Parameter | StateId, StateEntry>;

/** An id of a state dict: ours are integers, those of a loaded one may be anything. */
export type StateId = number | string | bigint | boolean | null;

/** The `step` of a parameter before its first. */
export const notStepped: TensorData<'float32'> = TensorData.from('float32', [0], []);

export function isDeviceTensor(value: unknown): value is DeviceTensor {
  // In this order: tfjs makes `instanceof` slow.
  return value instanceof NativeTensor || value instanceof tf.Tensor;
}

/** A value of a state entry, on the host. */
export function onHost(value: unknown): unknown {
  return isDeviceTensor(value) ? download(value) : value;
}

/** A copy of an entry, on the host. */
export function entryOnHost(entry: StateEntry): StateEntry {
  const copy: StateEntry = {};
  for (const name of Object.keys(entry)) {
    if (isDeviceTensor(entry[name])) copy[name] = onHost(entry[name]);
    else copyEntry(entry, name, copy);
  }
  return copy;
}

/** Frees what entries hold on the device. */
export function disposeEntries(entries: Iterable<StateEntry>): void {
  for (const entry of entries) {
    for (const value of Object.values(entry)) if (isDeviceTensor(value)) value.dispose();
  }
}
