import { toNumber, type Value } from './value.ts';

/** A double as Python writes it: `1.0`, `1e-05`, `nan`. */
export function floatText(number: number): string {
  if (Number.isNaN(number)) return 'nan';
  if (!Number.isFinite(number)) return number > 0 ? 'inf' : '-inf';
  if (Object.is(number, -0)) return '-0.0';
  const text = String(number);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/**
 * A value as Python source.
 *
 * @param tensor - how a tensor is written, given its index
 */
export function pythonText(value: Value, tensor: (index: number) => string): string {
  const text = (item: Value): string => pythonText(item, tensor);
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value)) return `[${value.map(text).join(', ')}]`;
  if ('int' in value) return value.int;
  if ('float' in value) {
    const plain = floatText(toNumber(value));
    return /^-?(inf|nan)$/.test(plain) ? `float("${plain}")` : plain;
  }
  if ('tuple' in value) return `(${value.tuple.map((item) => `${text(item)},`).join(' ')})`;
  if ('dict' in value)
    return `{${value.dict.map(([key, item]) => `${text(key)}: ${text(item)}`).join(', ')}}`;
  return tensor(value.tensor);
}
