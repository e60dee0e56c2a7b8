/**
 * What Python would hold, as JSON (PROTOCOL.md, "Values"). A plain number is an int; floats are tagged, so that 1.0 is
 * not 1 and -0.0 is not 0 on either side.
 */
export type Value =
  | null
  | boolean
  | string
  | number
  | { int: string }
  | { float: string }
  | { tuple: Value[] }
  | { dict: [Value, Value][] }
  | { tensor: number }
  | Value[];

/** The tagged form of a Python float. */
export function float(value: number): { float: string } {
  return { float: Object.is(value, -0) ? '-0' : String(value) };
}

/** The double that a tagged float stands for; the number itself for an int. */
export function toNumber(value: Value): number {
  if (typeof value === 'number') return value;
  if (value !== null && typeof value === 'object' && 'float' in value) return Number(value.float);
  throw new TypeError(`expected an int or a float, but got ${JSON.stringify(value)}`);
}
