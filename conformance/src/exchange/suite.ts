import type fc from 'fast-check';
import { featuresOf, type Features } from '../arbitrary/program.ts';
import { sample, shrinkable, type Origin } from '../sample.ts';
import { shrink } from '../shrink.ts';
import type { Subject } from '../subject.ts';
import type { ExchangeCase, ExchangeDifference, Parties, Verdict } from './case.ts';
import { catalogueCase } from './catalogue_case.ts';
import { relays, type Relay } from './relay.ts';
import { trainingCase } from './training_case.ts';
import { anyTree, treeCase, type Tree } from './tree_case.ts';

/** How many cases of each kind. */
export interface Amount {
  trainings: number;
  trees: number;
  /** Takes every so-many-th entry of the catalogue; 1 takes all. */
  stride: number;
}

/** What one case came to. */
export type ExchangeOutcome = { name: string } & Verdict;

/** The cases of a seed: trainings, trees, and what torch itself puts into checkpoints. */
export class Suite {
  readonly #parties: Parties;
  readonly #seed: number;
  readonly #trainings: Sampled<Relay>;
  readonly #trees: Sampled<Tree>;

  /** @param without - what the subject does not have */
  constructor(parties: Parties, seed: number, without: Partial<Features> = {}) {
    const { torch, old } = parties;
    const features = { ...featuresOf(torch.hello.torch), ...without };
    this.#parties = parties;
    this.#seed = seed;
    this.#trainings = new Sampled(
      'training',
      relays(features, old && { ...featuresOf(old.hello.torch), ...without }),
      trainingCase,
    );
    this.#trees = new Sampled('tree', anyTree, treeCase);
  }

  *cases({ trainings, trees, stride }: Amount): Generator<ExchangeCase> {
    yield* this.#trainings.cases(this.#seed, trainings);
    yield* this.#trees.cases(this.#seed, trees);
    for (const [index, each] of [...this.#catalogue()].entries()) {
      if ((index + this.#seed) % stride === 0) yield each;
    }
  }

  /**
   * The case of a name that was printed.
   *
   * @throws Error if there is none
   */
  named(name: string): ExchangeCase {
    for (const kind of [this.#trainings, this.#trees]) {
      if (name.startsWith(`${kind.name}:`)) return kind.at(this.#seed, name.slice(kind.name.length + 1));
    }
    for (const each of this.#catalogue()) if (each.name === name) return each;
    throw new Error(`there is no case ${name}: it is training:PATH, tree:PATH or catalogue:NAME`);
  }

  *#catalogue(): Generator<ExchangeCase> {
    const { torch, old } = this.#parties;
    for (const entry of torch.hello.catalogue) yield catalogueCase(`catalogue:${entry}`, entry, 'torch');
    for (const entry of old?.hello.catalogue ?? [])
      yield catalogueCase(`catalogue:${entry}, by torch 2.1.2`, entry, 'old');
  }
}

/** Runs cases, several at once, and gives what they come to in their order. */
export async function* exchange(
  parties: Parties,
  cases: Iterable<ExchangeCase>,
): AsyncGenerator<ExchangeOutcome & { case: ExchangeCase }> {
  const { torch, old, subject } = parties;
  const own = { ...parties, subject: oneAtATime(subject) };
  const ahead = 2 * (torch.hello.workers + (old?.hello.workers ?? 0)) + 1;
  const running: { each: ExchangeCase; verdict: Promise<Verdict> }[] = [];
  const next = async (): Promise<ExchangeOutcome & { case: ExchangeCase }> => {
    const { each, verdict } = running.shift()!;
    return { name: each.name, ...(await verdict), case: each };
  };
  for (const each of cases) {
    running.push({ each, verdict: each.run(own) });
    if (running.length > ahead) yield await next();
  }
  while (running.length > 0) yield await next();
}

/** The smallest case near this one that differs too, and how. */
export async function smallest(
  parties: Parties,
  found: ExchangeCase,
  difference: ExchangeDifference,
  seconds: number,
): Promise<{ name: string; difference: ExchangeDifference }> {
  const own = { ...parties, subject: oneAtATime(parties.subject) };
  const smaller = await found.shrink?.(own, difference, Date.now() + 1000 * seconds).catch(() => undefined);
  return smaller ?? { name: found.name, difference };
}

/** A kind of case whose values are sampled. */
class Sampled<T> {
  readonly name: string;
  readonly #arbitrary: fc.Arbitrary<T>;
  readonly #make: (name: string, value: T) => ExchangeCase;

  constructor(name: string, arbitrary: fc.Arbitrary<T>, make: (name: string, value: T) => ExchangeCase) {
    this.name = name;
    this.#arbitrary = arbitrary;
    this.#make = make;
  }

  *cases(seed: number, runs: number): Generator<ExchangeCase> {
    for (const { path, value } of sample(this.#arbitrary, seed, runs))
      yield this.#case({ seed, path }, value);
  }

  at(seed: number, path: string): ExchangeCase {
    return this.#case({ seed, path }, shrinkable(this.#arbitrary, { seed, path }).value);
  }

  #case(origin: Origin, value: T): ExchangeCase {
    const made = this.#make(`${this.name}:${origin.path}`, value);
    return {
      ...made,
      shrink: async (parties, difference, deadline) => {
        const test = (values: T[]): Promise<(ExchangeDifference | undefined)[]> =>
          Promise.all(
            values.map(async (each) => {
              const verdict = await this.#make(made.name, each).run(parties);
              return verdict.verdict === 'differs' ? verdict.difference : undefined;
            }),
          );
        const { path, failure } = await shrink(this.#arbitrary, origin, difference, test, { deadline });
        return { name: `${this.name}:${path}`, difference: failure };
      },
    };
  }
}

/** Global hooks and warnings would mix, if two programs ran in this process at once. */
function oneAtATime(subject: Subject): Subject {
  let last: Promise<unknown> = Promise.resolve();
  return {
    ...subject,
    run(program) {
      const trace = last.then(() => subject.run(program));
      last = trace.catch(() => {});
      return trace;
    },
  };
}
