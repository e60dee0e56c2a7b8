import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Outcome } from '../verify.ts';
import type { RunInfo } from './summary.ts';
import type { Totals } from './totals.ts';

/** A report: a line `meta`, a line for each program as it ends, and at the very end a line `summary`. */
export class Report implements Disposable {
  readonly #file: number;

  /** @param info - what is run, for the line `meta` */
  constructor(path: string, info: RunInfo | object) {
    mkdirSync(dirname(path), { recursive: true });
    this.#file = openSync(path, 'w');
    this.line({ line: 'meta', version: 1, ...info });
  }

  outcome(outcome: Outcome): void {
    const { source, program, verdict } = outcome;
    const head = { line: 'program', ...source, optimizer: program.optimizer, dtype: program.dtype, verdict };
    if (outcome.verdict === 'could not run') {
      this.line({ ...head, by: outcome.by, message: outcome.message });
      return;
    }
    const { finding, steps, subject, subjectBounds, torch, torchBounds, foreach } = outcome.judgement;
    this.line({
      ...head,
      ...(finding && {
        check: finding.check,
        record: finding.difference.record,
        field: finding.difference.path,
      }),
      steps,
      elements: subject.elements,
      bits: subject.bitsThatDiffer,
      ...(subjectBounds && { worst: subjectBounds.worst, undecided: subjectBounds.undecided }),
      torchDiffers: torch.elementsThatDiffer,
      torchBeyondOneUlp: torch.elementsBeyondOneUlp,
      ...(torchBounds && { torchWorst: torchBounds.worst, torchUndecided: torchBounds.undecided }),
      ...(foreach && { foreachDiffers: foreach.elementsThatDiffer }),
    });
  }

  summary(totals: Totals, code: number, seconds: number, exchange?: object): void {
    this.line({ line: 'summary', code, seconds, ...totals, ...(exchange && { exchange }) });
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }

  /** Writes any line. */
  line(line: object): void {
    writeSync(this.#file, `${JSON.stringify(line, jsonable)}\n`);
  }
}

/** JSON has neither bigints nor infinities. */
function jsonable(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}
