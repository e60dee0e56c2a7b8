import { count } from './summary.ts';
import type { Totals } from './totals.ts';

/** Shows how far a run is: a line that redraws itself on a terminal, a plain line now and then elsewhere. */
export class Progress {
  readonly #stream: NodeJS.WriteStream;
  #lastShown: number;

  constructor(stream: NodeJS.WriteStream = process.stderr, start: number = Date.now()) {
    this.#stream = stream;
    this.#lastShown = start;
  }

  /** Shows a line, unless one was shown just now. */
  show(line: string): void {
    const now = Date.now();
    if (now - this.#lastShown < (this.#stream.isTTY ? 100 : 5_000)) return;
    this.#lastShown = now;
    const { isTTY, columns = 80 } = this.#stream;
    this.#stream.write(isTTY ? `\r${line.slice(0, columns - 1)}\x1b[K` : `${line}\n`); // one that wraps cannot be redrawn
  }

  /** Takes the line away, so that something else can be printed. */
  clear(): void {
    if (this.#stream.isTTY) this.#stream.write('\r\x1b[K');
  }
}

/** A bar, programs a second, how near torch as it is came to its bound, and the time that is left. */
export function progressLine(totals: Totals, total: number, seconds: number): string {
  const done = totals.agreed + totals.differed + totals.couldNotRun;
  const rate = done / Math.max(seconds, 1e-3);
  const width = 16;
  const filled = Math.round((width * done) / Math.max(total, 1));
  const eta = done === 0 ? '?' : Math.ceil((total - done) / rate);
  return [
    `${'#'.repeat(filled)}${'.'.repeat(width - filled)} ${count(done)}/${count(total)} programs`,
    `${rate.toFixed(0)}/s`,
    `worst error / E ${totals.torchBounds.worst.toFixed(2)}`,
    `${eta} s left`,
  ].join(', ');
}
