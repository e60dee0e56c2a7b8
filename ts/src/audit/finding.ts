/**
 * - `error`: torch goes wrong on it.
 * - `warning`: it is wrong unless it is meant.
 * - `note`: nothing is wrong, and one should know it.
 */
export type Severity = 'error' | 'warning' | 'note';

/** What an audit can find; the codes are stable. */
export type FindingCode =
  | 'string-ids'
  | 'duplicate-ids'
  | 'orphan-state'
  | 'missing-state'
  | 'empty-state'
  | 'id-order'
  | 'permuted-state'
  | 'wrong-shape'
  | 'not-compared'
  | 'uneven-state'
  | 'zero-moments'
  | 'non-finite'
  | 'half-state'
  | 'cast-state'
  | 'step-dtype'
  | 'uneven-steps'
  | 'lr-overwritten'
  | 'initial-lr'
  | 'misspelt-option'
  | 'uneven-options'
  | 'alike-optimizers';

/** One thing that is wrong, or may be, with an optimizer's state dict. */
export interface Finding {
  code: FindingCode;
  severity: Severity;
  /** Where in the file. */
  path: string;
  /** What was found there. */
  found: string;
  /** What torch does about it. */
  consequence: string;
  /** What to do about it, where there is no repair. */
  cure?: string;
  /** What {@link repair} does. */
  remedy?: string;
  /** Repairs it in the tree that was audited; only where it is wrong for certain, and there is one right way. */
  repair?: () => void;
}

/** The first few of many, for a sentence. */
export function few(texts: readonly string[], most = 3): string {
  const more = texts.length - most;
  return texts.slice(0, most).join(', ') + (more > 0 ? ` and ${more.toLocaleString('en-US')} more` : '');
}
