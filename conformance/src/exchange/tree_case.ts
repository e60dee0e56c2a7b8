import * as fc from 'fast-check';
import type { Oracle } from '../oracle.ts';
import type { OracleFormat } from '../wire.ts';
import { settle, type ExchangeCase, type Parties, type Verdict } from './case.ts';
import { check, descriptionOf, expectNoError, fileOf, nameOf } from './checks.ts';
import { build, describe, inOldTorch, inSafetensors, type Description } from './description.ts';
import { ptFeatures, safetensorsFeatures, trees } from './trees.ts';

/** A value that is written and read on both sides, and how. */
export interface Tree {
  told: Description;
  format: OracleFormat;
  target: '2.1' | '2.15';
  mmap: boolean;
}

export const anyTree: fc.Arbitrary<Tree> = fc.oneof(
  { weight: 6, arbitrary: of('pt', '2.15') },
  { weight: 2, arbitrary: of('pt', '2.1') },
  { weight: 2, arbitrary: of('safetensors', '2.15') },
  { weight: 1, arbitrary: of('pt-legacy', '2.15') },
);

function of(format: OracleFormat, target: Tree['target']): fc.Arbitrary<Tree> {
  const told = trees(format === 'safetensors' ? safetensorsFeatures : ptFeatures[target]);
  return fc.record({ told, format: fc.constant(format), target: fc.constant(target), mmap: fc.boolean() });
}

/**
 * What torch-parity writes, torch reads as it was told; what torch writes, torch-parity reads so; and what it has read, it
 * writes for torch to read so once more.
 */
export function treeCase(name: string, tree: Tree): ExchangeCase {
  return { name, run: (parties) => settle(() => judge(tree, parties)) };
}

async function judge({ told, format, target, mmap }: Tree, { files, torch, old }: Parties): Promise<Verdict> {
  const own = format === 'safetensors' ? 'safetensors' : 'pt';
  const alike = format === 'safetensors' ? inSafetensors : (description: Description) => description;
  const expected = alike(told);
  const writeOwn = (value: unknown): Promise<Uint8Array> => files.save(value, { format: own, target });
  const readByTorch = async (reader: Oracle, file: Uint8Array, mmap: boolean): Promise<void> => {
    const way = { producer: 'torch-parity', consumer: nameOf(reader), format: own, file };
    const [read] = await reader.load([{ file, mmap }]);
    const found = alike(descriptionOf(read!, way));
    if (reader === old) check(inOldTorch(found), inOldTorch(expected), way);
    else check(found, expected, way);
  };

  const others = target === '2.1' && old && format === 'pt' ? [torch, old] : [torch];
  const written = await expectNoError('torch-parity', format, () => writeOwn(build(told)));
  for (const reader of others) await readByTorch(reader, written, mmap);
  for (const writer of others) {
    const producer = nameOf(writer);
    const [saved] = await writer.save(format, [told]);
    const file = fileOf(saved!, producer);
    const readAndWrite = async (value: unknown): Promise<Uint8Array> => {
      check(alike(await describe(value)), expected, { producer, consumer: 'torch-parity', format, file });
      return writeOwn(value);
    };
    const again = await expectNoError(producer, format, () =>
      mmap ? files.open(file, readAndWrite) : files.load(file, 'memory').then(readAndWrite),
    );
    await readByTorch(torch, again, !mmap);
  }
  return { verdict: 'agrees', files: 3 * others.length };
}
