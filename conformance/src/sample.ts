import fc from 'fast-check';

/** How a sampled value comes back: `fc.assert(property, {seed, path})` starts there too. */
export interface Origin {
  seed: number;
  path: string;
}

export interface Sampled<T> extends Origin {
  value: T;
}

const chunk = 500;

/** The values of runs 0, 1, 2 … of `fc.assert` with this seed, made as they are needed. */
export function* sample<T>(arbitrary: fc.Arbitrary<T>, seed: number, runs: number): Generator<Sampled<T>> {
  for (let start = 0; start < runs; start += chunk) {
    const numRuns = Math.min(chunk, runs - start);
    const values = fc.sample(arbitrary, { seed, path: String(start), numRuns });
    for (const [index, value] of values.entries()) yield { seed, path: String(start + index), value };
  }
}

/** The value of one run, or of one that was made smaller, together with what fast-check needs to shrink it. */
export function shrinkable<T>(arbitrary: fc.Arbitrary<T>, { seed, path }: Origin): fc.Value<T> {
  const recorder = new Recorder(arbitrary);
  fc.sample(recorder, { seed, path, numRuns: 1 });
  if (recorder.last === undefined) throw new Error(`there is no run ${path} of seed ${seed}`);
  return recorder.last;
}

/** Keeps the last value that was made: fc.sample gives the bare value, without the context of its shrinks. */
class Recorder<T> extends fc.Arbitrary<T> {
  last: fc.Value<T> | undefined;
  readonly #inner: fc.Arbitrary<T>;

  constructor(inner: fc.Arbitrary<T>) {
    super();
    this.#inner = inner;
  }

  override generate(random: fc.Random, bias: number | undefined): fc.Value<T> {
    this.last = this.#inner.generate(random, bias);
    return this.last;
  }

  override canShrinkWithoutContext(value: unknown): value is T {
    return this.#inner.canShrinkWithoutContext(value);
  }

  override shrink(value: T, context: unknown): fc.Stream<fc.Value<T>> {
    return this.#inner.shrink(value, context).map((smaller) => (this.last = smaller));
  }
}
