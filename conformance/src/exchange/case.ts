import type { Oracle } from '../oracle.ts';
import type { Program } from '../program.ts';
import type { Subject } from '../subject.ts';
import type { Files } from './files.ts';

/** Who exchanges checkpoints. */
export interface Parties {
  /** Runs programs, checkpoints among their commands. */
  subject: Subject;
  /** Its files alone. */
  files: Files;
  torch: Oracle;
  /** torch 2.1.2, where it takes part. */
  old?: Oracle | undefined;
}

/** What differs after a checkpoint went from one side to the other. */
export interface ExchangeDifference {
  producer: string;
  consumer: string;
  format: string;
  path: string;
  /** What was found, and what should have been. */
  ours: string;
  theirs: string;
  /** The file, and the program that resumed from it where there is one. */
  file?: Uint8Array | undefined;
  program?: Program | undefined;
}

/** What one case of the exchange came to. */
export type Verdict =
  | { verdict: 'agrees'; files: number }
  /** Refused here and by torch, whose reason this is. */
  | { verdict: 'agrees'; files: number; refused: string }
  /** Without a checkpoint: torch refused to go on before it was reached. */
  | { verdict: 'empty' }
  | { verdict: 'differs'; difference: ExchangeDifference }
  | { verdict: 'could not run'; message: string };

/** One case, under the name by which it is asked for again. */
export interface ExchangeCase {
  /** `training:17`, `tree:3`, `catalogue:Adam()`. */
  name: string;
  run(parties: Parties): Promise<Verdict>;
  /** The smallest case found near this one that differs too; left out where there is nothing to make smaller. */
  shrink?(
    parties: Parties,
    difference: ExchangeDifference,
    deadline: number,
  ): Promise<{ name: string; difference: ExchangeDifference }>;
}

/** Thrown inside a case, where it cannot go on. */
export class Differs extends Error {
  readonly difference: ExchangeDifference;
  constructor(difference: ExchangeDifference) {
    super(`${difference.path}: ${difference.ours} instead of ${difference.theirs}`);
    this.difference = difference;
  }
}

/** The verdict of a case; what it throws is one, too. */
export async function settle(run: () => Promise<Verdict>): Promise<Verdict> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof Differs) return { verdict: 'differs', difference: error.difference };
    return { verdict: 'could not run', message: (error as Error).stack ?? String(error) };
  }
}
