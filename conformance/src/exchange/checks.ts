import type { Oracle } from '../oracle.ts';
import type { Read, Saved } from '../wire.ts';
import { Differs } from './case.ts';
import { firstDifference } from './compare_descriptions.ts';
import type { Description } from './description.ts';

/** The way that a file went. */
export type Way = Pick<Differs['difference'], 'producer' | 'consumer' | 'format' | 'file'>;

/** @throws Differs where two values differ */
export function check(found: Description, expected: Description, way: Way): void {
  const difference = firstDifference(found, expected);
  if (difference) throw new Differs({ ...way, ...difference });
}

/** @throws Differs where the reader refuses a file */
export function descriptionOf(read: Read, way: Way): Description {
  if ('description' in read) return read.description;
  if ('failed' in read) throw new Error(`${way.consumer}: ${read.failed.code}: ${read.failed.message}`);
  const { class: name, message } = read.refused;
  throw new Differs({
    ...way,
    path: 'the whole file',
    ours: `${name}: ${reasonOf(message)}`,
    theirs: 'a value',
  });
}

export function fileOf(saved: Saved, writer: string): Uint8Array {
  if ('file' in saved) return saved.file;
  const [code, message] =
    'failed' in saved
      ? [saved.failed.code, saved.failed.message]
      : [saved.refused.class, saved.refused.message];
  throw new Error(`${writer} does not write the file: ${code}: ${message}`);
}

/** @throws Differs where torch-parity throws an error of its own, for a file or a value that is good */
export async function expectNoError<R>(producer: string, format: string, run: () => Promise<R>): Promise<R> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    const ours = `${error.name} ${String(error.code)}: ${error.message}`;
    throw new Differs({
      producer,
      consumer: 'torch-parity',
      format,
      path: 'the whole file',
      ours,
      theirs: 'no error',
    });
  }
}

/** The sentence of torch's long refusal that says why. */
export function reasonOf(message: string): string {
  const [first = ''] = message.split('\n', 1);
  const why = /WeightsUnpickler error: ([^\n]*?)(?: was not an allowed global by default|\n|$)/.exec(message);
  return why?.[1] ?? first;
}

export function nameOf(oracle: Oracle): string {
  return `torch ${oracle.hello.torch.split('+')[0]}`;
}
