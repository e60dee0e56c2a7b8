/** Pieces of equal length of two streams of bytes of equal length, in whole elements. */
export async function* pairs(
  left: AsyncIterable<Uint8Array>,
  right: AsyncIterable<Uint8Array>,
  itemSize: number,
): AsyncGenerator<[Uint8Array, Uint8Array]> {
  const sides = [new Pieces(left), new Pieces(right)] as const;
  try {
    while ((await sides[0].fill(itemSize)) && (await sides[1].fill(itemSize))) {
      const available = Math.min(sides[0].available, sides[1].available);
      const length = available - (available % itemSize);
      yield [sides[0].take(length), sides[1].take(length)];
    }
  } finally {
    await Promise.all(sides.map((side) => side.close()));
  }
}

class Pieces {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();
  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  get available(): number {
    return this.#rest.byteLength;
  }

  /** Reads on until so many bytes are there; false at the end. */
  async fill(length: number): Promise<boolean> {
    while (this.available < length) {
      const { done, value } = await this.#chunks.next();
      if (done) return false;
      this.#rest = this.available === 0 ? value : Buffer.concat([this.#rest, value]);
    }
    return true;
  }

  take(length: number): Uint8Array {
    const taken = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return taken;
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
