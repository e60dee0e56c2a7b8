import { bytesText } from '../inspect/quantity.ts';

/** Milliseconds before a bar is shown at all, and between two drawings. */
const patience = 500;
const interval = 100;

/** A bar on a terminal's stderr for what takes longer than a moment. Elsewhere it shows nothing. */
export class ProgressBar implements Disposable {
  readonly #label: string;
  readonly #stream: NodeJS.WriteStream;
  readonly #start: number;
  #next: number;
  #isShown = false;

  constructor(label: string, stream: NodeJS.WriteStream = process.stderr, start: number = performance.now()) {
    this.#label = label;
    this.#stream = stream;
    this.#start = start;
    this.#next = start + patience;
  }

  /** @param done - bytes so far, of `total` */
  readonly show = (done: number, total: number): void => {
    const now = performance.now();
    if (!this.#stream.isTTY || now < this.#next) return;
    this.#next = now + interval;
    const width = 24;
    const share = total === 0 ? 1 : Math.min(done / total, 1);
    const filled = Math.floor(width * share);
    const bar = '#'.repeat(filled) + '.'.repeat(width - filled);
    const rate = (1000 * done) / (now - this.#start);
    const line = `${this.#label} ${bar} ${bytesText(done)} of ${bytesText(total)}, ${bytesText(Math.round(rate))}/s`;
    this.#isShown = true;
    this.#stream.write(`\r${line.slice(0, (this.#stream.columns || 80) - 1)}\x1b[K`); // a line that wraps cannot be redrawn
  };

  /** Takes the bar away. */
  clear(): void {
    if (this.#isShown) this.#stream.write('\r\x1b[K');
    this.#isShown = false;
  }

  [Symbol.dispose](): void {
    this.clear();
  }
}
