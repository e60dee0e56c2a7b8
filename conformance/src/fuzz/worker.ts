import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { corpus } from '../hostile/corpus.ts';
import { basesOf, type Base } from './bases.ts';
import { check, Finding } from './check.ts';
import { fileOf, inputOf, type Input } from './input.ts';
import { minimise } from './minimise.ts';
import type { Found, FromWorker, Task } from './run.ts';

// A process that reads mutated files. It tells each time which one it is at: it may hang, or die.

/** Bombs of many bytes are read by the tests of the corpus. */
const largest = 1 << 14;

function basesIn(folder: string): Base[] {
  const real = readdirSync(folder)
    .sort()
    .map((name) => ({ name, file: new Uint8Array(readFileSync(join(folder, name))) }));
  const hostile = corpus.map(({ name, build }) => ({ name, file: build() }));
  // Most inputs come of real files, of which there are fewer.
  const times = Math.ceil((3 * hostile.length) / real.length);
  const all = [...Array.from({ length: times }, () => real).flat(), ...hostile];
  const bases = all
    .filter(({ file }) => file.length <= largest)
    .flatMap(({ name, file }) => basesOf(name, file));
  // A change of the part that describes the rest gets furthest.
  return [...bases, ...bases.filter(({ wrap }) => wrap !== undefined)];
}

async function findingOf(input: Input): Promise<Finding | undefined> {
  try {
    tell({ outcome: await check(fileOf(input)) });
    return undefined;
  } catch (error) {
    if (error instanceof Finding) return error;
    throw error;
  }
}

/** The finding with its smallest file, or as it came, where it does not come again. */
async function describe(input: Input, { kind, message }: Finding): Promise<Found> {
  const small = await minimise(input, async (fewer) => {
    const outcome = await check(fileOf(fewer)).catch((error: unknown) => error);
    return outcome instanceof Finding && outcome.kind === kind;
  });
  const edits = small.edits.map((edit) => ({ ...edit, insert: Buffer.from(edit.insert).toString('hex') }));
  return { kind, message, base: small.base.name, edits, file: Buffer.from(fileOf(small)).toString('base64') };
}

function tell(message: FromWorker): void {
  process.send!(message);
}

process.once('disconnect', () => process.exit()); // also where the parent is gone
process.once('message', async ({ folder, seed, first, step, end }: Task) => {
  const bases = basesIn(folder);
  await check(bases[0]!.bytes); // what is loaded once shall not count
  for (let index = first; index < end; index += step) {
    tell({ at: index });
    const input = inputOf(bases, seed, index);
    const finding = await findingOf(input);
    if (finding) tell({ finding: await describe(input, finding) });
  }
  process.disconnect();
});
