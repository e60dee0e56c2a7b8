import { RuntimeError } from '../../errors.ts';

/** Why there is no fused engine, and what to do about it. */
export class Unavailable extends RuntimeError {
  readonly reason: string;
  readonly cure: string;

  constructor(reason: string, cure: string) {
    super('NO_FUSED_ENGINE', `the fused engine is not available, since ${reason}: ${cure}`);
    this.reason = reason;
    this.cure = cure;
  }
}
