/** A logarithmic scale across a picture: twice as much and half as much are equally far from 1. */
export class LogScale {
  readonly #low: number;
  readonly #high: number;
  readonly #left: number;
  readonly #width: number;

  /**
   * @param values - what must be on it
   * @param left - where it begins, in pixels
   * @param width - how wide it is
   */
  constructor(values: readonly number[], left: number, width: number) {
    this.#low = Math.min(0.5, ...values) / 1.1;
    this.#high = Math.max(2, ...values) * 1.1;
    this.#left = left;
    this.#width = width;
  }

  x(value: number): number {
    return this.#left + (this.#width * Math.log(value / this.#low)) / Math.log(this.#high / this.#low);
  }

  /** Lines at 1, 10 and so on from top to bottom, at 2 and 5 too where there is room; that at 1 is dark. */
  grid(top: number, bottom: number): string {
    const digits = this.x(10) - this.x(1) > 100 ? ['1', '2', '5'] : ['1'];
    return [-3, -2, -1, 0, 1, 2, 3, 4]
      .flatMap((power) => digits.map((digit) => Number(`${digit}e${power}`)))
      .filter((tick) => tick >= this.#low && tick <= this.#high)
      .map((tick) => {
        const x = this.x(tick).toFixed(1);
        return [
          `<line x1="${x}" x2="${x}" y1="${top}" y2="${bottom}" stroke="${tick === 1 ? '#333' : '#ddd'}"/>`,
          `<text x="${x}" y="${bottom + 14}" text-anchor="middle" fill="#666">${tick}</text>`,
        ].join('\n');
      })
      .join('\n');
  }
}

/** An SVG picture on white, of elements in this order. */
export function svg(width: number, height: number, elements: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
${elements.join('\n')}
</svg>
`;
}
