import type { TensorData } from 'torch-parity';
import { pythonText } from './python_text.ts';
import type { Snapshot, TraceRecord } from './trace.ts';
import type { Value } from './value.ts';

/** One thing that two records can differ in: a tensor, or anything else as Python writes it. */
export interface Leaf {
  /** `params[0]`, `state[0].square_avg`, `result.param_groups[0].lr`, `error` … */
  path: string;
  value: string | TensorData;
}

/**
 * A record as a flat list. Two records are the same if and only if their lists are: a container is a leaf too (its
 * kind with its keys or its size), the order of keys is the order of the list, and a key's type shows in its path.
 */
export function leavesOf(record: TraceRecord, tensors: readonly TensorData[]): Leaf[] {
  const { events = [], warnings = [], error, result, snapshot } = record;
  const leaves: Leaf[] = [];
  leaves.push({ path: 'events', value: textOf(events) });
  leaves.push({ path: 'warnings', value: textOf(warnings) });
  leaves.push({ path: 'error', value: error ? `${error.class}: ${error.message}` : 'none' });
  if (result === undefined) leaves.push({ path: 'result', value: 'nothing' });
  else collect(leaves, tensors, 'result', result);
  if (snapshot === undefined) leaves.push({ path: 'snapshot', value: 'nothing' });
  else leaves.push(...snapshotLeaves(snapshot, tensors));
  return leaves;
}

/** The leaves of a snapshot, or of the bounds that stand beside one. */
export function snapshotLeaves({ params, state }: Snapshot, tensors: readonly TensorData[]): Leaf[] {
  const leaves: Leaf[] = [];
  const fields = params.map((tensor) => ({ tensor }));
  collect(leaves, tensors, 'params', fields);
  const keys = state.map(([key]) => (typeof key === 'number' ? `[${key}]` : `[key ${textOf(key.key)}]`));
  leaves.push({ path: 'state', value: `a dict of ${keys.join(', ') || 'nothing'}` });
  state.forEach(([, value], index) => collect(leaves, tensors, `state${keys[index]}`, value));
  return leaves;
}

function collect(leaves: Leaf[], tensors: readonly TensorData[], path: string, value: Value): void {
  if (value === null || typeof value !== 'object' || 'int' in value || 'float' in value) {
    leaves.push({ path, value: textOf(value) });
  } else if ('tensor' in value) {
    const tensor = tensors[value.tensor];
    if (tensor === undefined)
      throw new Error(`${path} is tensor ${value.tensor}, but there are ${tensors.length}`);
    leaves.push({ path, value: tensor });
  } else if ('dict' in value) {
    const keys = value.dict.map(([key]) => textOf(key));
    leaves.push({ path, value: `a dict of ${keys.join(', ') || 'nothing'}` });
    for (const [key, item] of value.dict) collect(leaves, tensors, path + keyText(key), item);
  } else {
    const items = 'tuple' in value ? value.tuple : value;
    leaves.push({ path, value: `a ${'tuple' in value ? 'tuple' : 'list'} of ${items.length}` });
    items.forEach((item, index) => collect(leaves, tensors, `${path}[${index}]`, item));
  }
}

function keyText(key: Value): string {
  return typeof key === 'string' && /^[A-Za-z_]\w*$/.test(key) ? `.${key}` : `[${textOf(key)}]`;
}

function textOf(value: Value): string {
  return pythonText(value, (index) => `tensor ${index}`);
}
