/** Random choices that a seed repeats. */
export class Random {
  #state: number;

  /** @param seeds - integers of 32 bits, which select the sequence together */
  constructor(...seeds: number[]) {
    this.#state = 0;
    for (const seed of seeds) {
      this.#state ^= seed;
      this.#state = Math.trunc(this.below(2 ** 32));
    }
  }

  /** An integer from 0 up to `count` - 1, by mulberry32. */
  below(count: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * count);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }
}
