import { PythonNumber, pyFloat, pyInt, pythonTypeOf, TensorData, Tuple } from 'torch-parity';
import { float, type Value } from '../value.ts';

/**
 * A value of a program as torch-parity takes it: numbers say which Python type they have, a dict is an object, a
 * tensor is TensorData of its own.
 */
export function toJs(value: Value, tensors: readonly TensorData[]): unknown {
  if (typeof value === 'number') return pyInt(value);
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item) => toJs(item, tensors));
  if ('tuple' in value) return Tuple.from(value.tuple, (item) => toJs(item, tensors));
  if ('float' in value) return pyFloat(Number(value.float));
  if ('int' in value) return BigInt(value.int);
  if ('tensor' in value) return tensorAt(tensors, value.tensor).clone();
  if ('dict' in value) {
    return Object.fromEntries(value.dict.map(([key, item]) => [plain(key), toJs(item, tensors)]));
  }
  throw new TypeError(`torch-parity has nothing for the value ${JSON.stringify(value)}`);
}

/** A key or an id: what JavaScript has for it, without a Python type. */
export function plain(value: Value): string | number | boolean | bigint | null {
  if (typeof value !== 'object' || value === null) return value;
  if ('float' in value) return Number(value.float);
  if ('int' in value) return BigInt(value.int);
  throw new TypeError(`no key can be ${JSON.stringify(value)}`);
}

/**
 * The tagged form of what torch-parity gave.
 *
 * @param tensors - receives the tensors
 */
export function fromJs(js: unknown, tensors: TensorData[]): Value {
  if (js === null || js === undefined) return null;
  if (typeof js === 'boolean' || typeof js === 'string') return js;
  if (typeof js === 'bigint') return Number.isSafeInteger(Number(js)) ? Number(js) : { int: String(js) };
  if (typeof js === 'number') return pythonTypeOf([js], 0) === 'int' ? js : float(js);
  if (js instanceof PythonNumber) return js.type === 'int' ? js.value : float(js.value);
  if (js instanceof TensorData) return { tensor: tensors.push(js) - 1 };
  const dict = js instanceof Map ? js : undefined;
  const entry = (key: unknown): Value => {
    const item: unknown = dict ? dict.get(key) : (js as Record<string, unknown>)[key as string];
    if (typeof item !== 'number') return fromJs(item, tensors);
    return pythonTypeOf(js as object, key) === 'float' ? float(item) : item;
  };
  if (Array.isArray(js)) {
    const items = Array.from(js, (_, i) => entry(i));
    return js instanceof Tuple ? { tuple: items } : items;
  }
  const keys: unknown[] = dict ? [...dict.keys()] : Object.keys(js);
  return { dict: keys.map((key): [Value, Value] => [fromJs(key, tensors), entry(key)]) };
}

export function tensorAt(tensors: readonly TensorData[], index: number): TensorData {
  const tensor = tensors[index];
  if (tensor === undefined) throw new RangeError(`the program has no tensor ${index}`);
  return tensor;
}
