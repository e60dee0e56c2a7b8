import type { FormatCode, Limits, UnsupportedCode } from 'torch-parity/checkpoint';

export type Code = FormatCode | UnsupportedCode | 'LIMIT';

/** A file that attacks a reader, and what has to become of it. */
export interface HostileFile {
  /** Its file name. */
  name: string;
  /** What it attacks, in a sentence. */
  attacks: string;
  build(): Uint8Array;
  /** The code of the error that refuses it … */
  code?: Code;
  /** … or, of what must load harmlessly: whether the value is what it should be. */
  loads?(value: any): boolean;
  /** Limits to read it with; the defaults where it has none. */
  limits?: Partial<Limits>;
  /** Only load refuses it: a caller of the lazy form reads one tensor at a time, and no more than that. */
  eagerly?: boolean;
}

/** The name of the error class that a code belongs to. */
export function classOf(code: Code): 'FormatError' | 'LimitError' | 'UnsupportedError' {
  if (code === 'LIMIT') return 'LimitError';
  return code.startsWith('UNSUPPORTED_') || code === 'TARGET' || code === 'CYCLE'
    ? 'UnsupportedError'
    : 'FormatError';
}

/** A file that is refused. */
export function refused(
  name: string,
  code: Code,
  attacks: string,
  build: () => Uint8Array,
  limits?: Partial<Limits>,
): HostileFile {
  return { name, code, attacks, build, ...(limits && { limits }) };
}

/** A file that loads, and does no harm. */
export function harmless(
  name: string,
  attacks: string,
  build: () => Uint8Array,
  loads: (value: any) => boolean,
): HostileFile {
  return { name, attacks, build, loads };
}
