import { isPlainObject } from './copy.ts';
import { PythonNumber, pythonTypeOf, type PythonType } from './number.ts';

/** Python's `repr()` of what a group may hold. A plain whole number is an int; wrap it in `pyFloat` for a float. */
export function repr(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value === 'string') return reprString(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : reprFloat(value);
  if (value instanceof PythonNumber)
    return value.type === 'int' ? String(BigInt(value.value)) : reprFloat(value.value);
  if (Array.isArray(value)) return `[${value.map((_, i) => reprEntry(value, String(i))).join(', ')}]`;
  if (value instanceof Map) return `{${Array.from(value, ([k, v]) => `${repr(k)}: ${repr(v)}`).join(', ')}}`;
  if (isPlainObject(value)) {
    return `{${Object.keys(value)
      .map((key) => `${repr(key)}: ${reprEntry(value, key)}`)
      .join(', ')}}`;
  }
  return String(value);
}

/** `repr` of an entry of a container, which knows the Python types of its numbers. */
export function reprEntry(container: object, key: string, otherwise?: PythonType): string {
  const value = (container as Record<string, unknown>)[key];
  if (typeof value !== 'number') return repr(value);
  return repr(new PythonNumber(pythonTypeOf(container, key, otherwise), value));
}

/** Python's order of strings, by code points: that of their UTF-8 bytes, and not JavaScript's. */
export function comparePython(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => new TextEncoder().encode(text)) as [Uint8Array, Uint8Array];
  const at = left.findIndex((byte, i) => byte !== right[i]);
  return at === -1 ? left.length - right.length : (left[at] as number) - (right[at] ?? -1);
}

/** The shortest digits that read back as the same double, in Python's layout: `1.0`, `1e-07`, `inf`. */
export function reprFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const [mantissa = '', exponentText = '0'] = Math.abs(value).toExponential().split('e');
  const digits = mantissa.replace('.', '');
  const exponent = Number(exponentText);
  // Python writes an exponent below 1e-4 and from 1e16 on; JavaScript draws its lines elsewhere.
  if (exponent < -4 || exponent >= 16) {
    const power = `${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
    return `${sign}${mantissa}e${power}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`;
}

function reprString(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const named: Record<string, string> = {
    '\\': '\\\\',
    '\n': '\\n',
    '\r': '\\r',
    '\t': '\\t',
    [quote]: `\\${quote}`,
  };
  // What Python's str.isprintable() leaves out is written as its code point.
  const body = text.replace(/['"\\]|[\p{C}\p{Z}]/gu, (c) => named[c] ?? (/['" ]/.test(c) ? c : codePoint(c)));
  return quote + body + quote;
}

function codePoint(character: string): string {
  const hex = (character.codePointAt(0) as number).toString(16);
  if (hex.length <= 2) return `\\x${hex.padStart(2, '0')}`;
  return hex.length <= 4 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}

/** The name that Python's `type()` would show for what JavaScript passed in its place. */
export function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'NoneType';
  if (value instanceof PythonNumber) return value.type;
  if (value instanceof Set) return 'set';
  if (Array.isArray(value)) return 'list';
  switch (typeof value) {
    case 'number':
      return Number.isInteger(value) ? 'int' : 'float';
    case 'bigint':
      return 'int';
    case 'boolean':
      return 'bool';
    case 'string':
      return 'str';
    case 'function':
      return 'function';
    default: {
      const name = (value as object).constructor?.name ?? 'Object';
      return name === 'Object' || name === 'Map' ? 'dict' : name;
    }
  }
}
