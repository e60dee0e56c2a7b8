import type { Oracle } from '../oracle.ts';
import type { Read } from '../wire.ts';
import { Differs, settle, type ExchangeCase, type Parties, type Verdict } from './case.ts';
import { describe, inSafetensors, type Description } from './description.ts';
import { check, descriptionOf, expectNoError, fileOf, nameOf, reasonOf, type Way } from './checks.ts';
import { safetensorsFeatures } from './trees.ts';

/**
 * A checkpoint of torch's own: torch-parity reads it and writes it again, and torch reads the same in both, and goes on with
 * both to the same end. What torch refuses under weights_only, torch-parity refuses too.
 *
 * @param by - who makes it
 */
export function catalogueCase(name: string, entry: string, by: 'torch' | 'old'): ExchangeCase {
  return { name, run: (parties) => settle(() => judge(entry, by, parties)) };
}

async function judge(entry: string, by: 'torch' | 'old', parties: Parties): Promise<Verdict> {
  const { files, torch } = parties;
  const maker = by === 'torch' ? torch : parties.old!;
  const [saved] = await maker.save('pt', [{ catalogue: entry }]);
  const file = fileOf(saved!, nameOf(maker));
  const way = { producer: nameOf(maker), consumer: 'torch-parity', format: 'pt', file };
  const [original] = await torch.load([{ file, mmap: false }]);
  if (original && 'refused' in original)
    return refusedToo(parties, file, reasonOf(original.refused.message), way);
  const expected = descriptionOf(original!, { ...way, consumer: nameOf(torch) });
  if ('description' in saved! && saved.description)
    check(expected, saved.description, { ...way, consumer: nameOf(torch) });

  const target = by === 'old' ? '2.1' : '2.15';
  const written = await expectNoError(nameOf(maker), 'pt', () =>
    files.open(file, async (value) => {
      check(await describe(value), expected, way);
      const formats = isForSafetensors(expected) ? (['pt', 'safetensors'] as const) : (['pt'] as const);
      return Promise.all(
        formats.map((format) => files.save(value, { format, target }).catch(forTarget(target))),
      );
    }),
  );
  const [pt, safetensors] = written;
  if (pt) await goesOn(entry, file, pt, maker);
  if (safetensors) {
    const [read] = await torch.load([{ file: safetensors, mmap: false }]);
    const back = {
      ...way,
      producer: 'torch-parity',
      consumer: nameOf(torch),
      format: 'safetensors',
      file: safetensors,
    };
    check(inSafetensors(descriptionOf(read!, back)), inSafetensors(expected), back);
  }
  return { verdict: 'agrees', files: 1 + written.length };
}

/** torch 2.1 has no form for all that it writes: what it refuses itself, it need not be given. */
function forTarget(target: string): (error: Error & { code?: string }) => undefined {
  return (error) => {
    if (target === '2.15' || error.code !== 'TARGET') throw error;
  };
}

/** torch reads the same in both files, and its training goes on from both to the same end. */
async function goesOn(entry: string, original: Uint8Array, ours: Uint8Array, torch: Oracle): Promise<void> {
  const [before, after] = await torch.load([
    { file: original, mmap: false, resume: entry },
    { file: ours, mmap: true, resume: entry },
  ]);
  const way = { producer: 'torch-parity', consumer: nameOf(torch), format: 'pt', file: ours };
  if ('refused' in before!) return; // by this version of torch alone
  check(descriptionOf(after!, way), descriptionOf(before!, way), way);
  const [wanted, found] = [afterOf(before!), afterOf(after!)];
  if (wanted && found) check(found, wanted, { ...way, consumer: `${way.consumer}, one step later` });
}

function afterOf(read: Read): Description | undefined {
  if (!('description' in read) || read.after === undefined) return undefined;
  if ('error' in read.after) throw new Error(`torch cannot go on: ${read.after.error.message}`);
  return read.after;
}

async function refusedToo({ files }: Parties, file: Uint8Array, refused: string, way: Way): Promise<Verdict> {
  try {
    await files.load(file, 'memory');
  } catch (error) {
    if (error instanceof Error && 'code' in error) return { verdict: 'agrees', files: 1, refused };
    throw error;
  }
  throw new Differs({
    ...way,
    path: 'the whole file',
    ours: 'a value',
    theirs: `torch refuses it: ${refused}`,
  });
}

function isForSafetensors({ tensors, value }: Description): boolean {
  const known = tensors.every(({ dtype }) => safetensorsFeatures.dtypes.includes(dtype));
  return known && !JSON.stringify(value).includes('{"same":');
}
