// Numbers on the command line; `name` is the option's, for the error.

export function natural(name: string, text: string): number {
  const value = integer(name, text);
  if (value < 1) throw new Error(`${name} must be at least 1, but got ${text}`);
  return value;
}

export function integer(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || Math.abs(value) >= 2 ** 31)
    throw new Error(`${name} must be an integer of 32 bits, but got ${text}`);
  return value;
}
