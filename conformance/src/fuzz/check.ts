import { isDeepStrictEqual } from 'node:util';
import {
  ClosedError,
  FormatError,
  LimitError,
  load,
  tensorsOf,
  type LoadedTensor,
  saveToBytes,
  UnsupportedError,
} from 'torch-parity/checkpoint';
import { readAll } from '../hostile/read_all.ts';
import { differenceOf } from './same.ts';

/** What must not come of any file. */
export type FindingKind =
  'untyped error' | 'open differs' | 'round trip' | 'slow' | 'memory' | 'hang' | 'crash';

/** A file came to what it must not. */
export class Finding extends Error {
  readonly kind: FindingKind;
  constructor(kind: FindingKind, message: string, cause?: unknown) {
    super(`${kind}: ${message}`, { cause });
    this.kind = kind;
  }
}

const typed = [FormatError, LimitError, UnsupportedError, ClosedError];
const maxCpuMs = 1000;
const maxGrowthMB = 256;
let peakMB: number | undefined;

/**
 * Reads a file in every way: it is refused with a typed error, or gives a value that is equal after it is saved and
 * loaded again.
 *
 * @returns the error's code, or 'loads'
 * @throws Finding where it comes to anything else, takes a second of processor time, or 256 MB
 */
export async function check(file: Uint8Array): Promise<string> {
  peakMB ??= peak();
  const before = process.cpuUsage();
  const outcome = await readAndSave(file);
  const { user, system } = process.cpuUsage(before);
  const ms = (user + system) / 1000;
  const grown = peak() - peakMB;
  if (grown > maxGrowthMB) peakMB += grown; // the next one is judged anew
  if (ms > maxCpuMs) throw new Finding('slow', `${ms.toFixed(0)} ms of processor time`);
  if (grown > maxGrowthMB) throw new Finding('memory', `the peak grew by ${grown.toFixed(0)} MB`);
  return outcome;
}

async function readAndSave(file: Uint8Array): Promise<string> {
  const loaded = await attempt(() => load(file));
  const opened = await attempt(() => readAll(file));
  if ('code' in loaded) {
    if (!('code' in opened))
      throw new Finding('open differs', `load refuses with ${loaded.code}, open does not`);
    return loaded.code;
  }
  if ('code' in opened) throw new Finding('open differs', `open refuses with ${opened.code}, load does not`);
  const elements = [...tensorsOf(loaded.value)].map(([, tensor]) => (tensor as LoadedTensor).bytes);
  if (!isDeepStrictEqual(elements, opened.value))
    throw new Finding('open differs', 'other elements than by load');
  const saved = await attempt(() => saveToBytes(loaded.value));
  if ('code' in saved) return `loads, not saved: ${saved.code}`;
  const again = await attempt(() => load(saved.value));
  if ('code' in again) throw new Finding('round trip', `what was saved is refused: ${again.message}`);
  const path = differenceOf(loaded.value, again.value);
  if (path !== undefined) throw new Finding('round trip', `another value at ${path}`);
  return 'loads';
}

async function attempt<T>(call: () => Promise<T>): Promise<{ value: T } | { code: string; message: string }> {
  try {
    return { value: await call() };
  } catch (error) {
    if (!typed.some((known) => error instanceof known))
      throw new Finding('untyped error', (error as Error)?.stack ?? String(error), error);
    return error as FormatError;
  }
}

function peak(): number {
  return process.resourceUsage().maxRSS / 1024;
}
