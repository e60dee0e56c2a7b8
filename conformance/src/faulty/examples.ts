import type { Oracle } from '../oracle.ts';
import type { Program } from '../program.ts';
import type { Profile } from '../subject.ts';
import { take } from '../take.ts';
import type { Trace } from '../trace.ts';
import type { Result } from '../wire.ts';

/** A program, and what the oracle says about it. */
export interface Example {
  program: Program;
  exact: Trace;
  /** The truth with the error bounds of each profile. */
  truth: ReadonlyMap<Profile, Trace>;
}

const batch = 16;

/**
 * Asks the oracle about programs, several batches ahead; undefined where it could not run one.
 *
 * @throws OracleError if it is lost
 */
export async function* examples(
  oracle: Pick<Oracle, 'hello' | 'run'>,
  programs: Iterable<{ value: Program }>,
  profiles: readonly Profile[],
): AsyncGenerator<Example | undefined> {
  const source = programs[Symbol.iterator]();
  const requests: { programs: Program[]; results: Promise<Result[][]> }[] = [];
  for (;;) {
    while (requests.length <= oracle.hello.workers) {
      const next = take(source, batch).map(({ value }) => value);
      if (next.length === 0) break;
      const results = Promise.all([
        oracle.run(next, ['exact']),
        ...profiles.map((profile) => oracle.run(next, ['truth'], { profile })),
      ]);
      results.catch(() => {}); // handled when its turn comes
      requests.push({ programs: next, results });
    }
    const request = requests.shift();
    if (request === undefined) return;
    const results = await request.results;
    for (const [i, program] of request.programs.entries()) {
      yield exampleOf(
        program,
        profiles,
        results.map((list) => list[i]!),
      );
    }
  }
}

function exampleOf(
  program: Program,
  profiles: readonly Profile[],
  results: readonly Result[],
): Example | undefined {
  const [first, ...others] = results;
  const truth = new Map<Profile, Trace>();
  for (const [i, result] of others.entries()) {
    if ('failed' in result || !result.truth) return undefined;
    truth.set(profiles[i]!, result.truth);
  }
  if (first === undefined || 'failed' in first || !first.exact) return undefined;
  return { program, exact: first.exact, truth };
}
