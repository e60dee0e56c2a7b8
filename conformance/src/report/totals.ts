import type { BoundCheck } from '../bounded.ts';
import type { Outcome } from '../verify.ts';

/** What all programs of a run came to. */
export interface Totals {
  agreed: number;
  differed: number;
  couldNotRun: number;
  steps: number;
  /** Elements of the subject that were compared, and how many bits of them differ from exact torch. */
  elements: number;
  bitsThatDiffer: number;
  /** torch as it is against exact torch. */
  torchElements: number;
  torchElementsThatDiffer: number;
  torchElementsBeyondOneUlp: number;
  /** torch's foreach against its for-loop, in the dtypes in which they differ. */
  foreachElements: number;
  foreachElementsThatDiffer: number;
  /** Against the error bound: torch as it is, and the subject where it is a bounded one. */
  torchBounds: BoundTotals;
  subjectBounds: BoundTotals;
}

export interface BoundTotals {
  elements: number;
  undecided: number;
  zeroSigns: number;
  worst: number;
}

/** A run in which more than this share is undecided says too little, once it has had this many elements. */
export const undecidedCap = { share: 0.5, elements: 100_000 };

export function isTooUndecided({ elements, undecided }: BoundTotals): boolean {
  return elements >= undecidedCap.elements && undecided > undecidedCap.share * elements;
}

export function noTotals(): Totals {
  const bounds = { elements: 0, undecided: 0, zeroSigns: 0, worst: 0 };
  return {
    ...{ agreed: 0, differed: 0, couldNotRun: 0, steps: 0, elements: 0, bitsThatDiffer: 0 },
    ...{ torchElements: 0, torchElementsThatDiffer: 0, torchElementsBeyondOneUlp: 0 },
    ...{ foreachElements: 0, foreachElementsThatDiffer: 0 },
    torchBounds: { ...bounds },
    subjectBounds: { ...bounds },
  };
}

export function addOutcome(totals: Totals, outcome: Outcome): void {
  if (outcome.verdict === 'could not run') {
    totals.couldNotRun += 1;
    return;
  }
  totals[outcome.verdict === 'agrees' ? 'agreed' : 'differed'] += 1;
  const { steps, subject, torch, foreach, torchBounds, subjectBounds } = outcome.judgement;
  totals.steps += steps;
  totals.elements += subject.elements;
  totals.bitsThatDiffer += subject.bitsThatDiffer;
  totals.torchElements += torch.elements;
  totals.torchElementsThatDiffer += torch.elementsThatDiffer;
  totals.torchElementsBeyondOneUlp += torch.elementsBeyondOneUlp;
  totals.foreachElements += foreach?.elements ?? 0;
  totals.foreachElementsThatDiffer += foreach?.elementsThatDiffer ?? 0;
  if (torchBounds) addBounds(totals.torchBounds, torchBounds);
  if (subjectBounds) addBounds(totals.subjectBounds, subjectBounds);
}

function addBounds(totals: BoundTotals, check: BoundCheck): void {
  totals.elements += check.elements;
  totals.undecided += check.undecided;
  totals.zeroSigns += check.zeroSigns;
  totals.worst = Math.max(totals.worst, check.worst);
}
