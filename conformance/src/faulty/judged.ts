import { checkBounds, type BoundCheck } from '../bounded.ts';
import { compare } from '../compare.ts';
import type { Profile, Subject } from '../subject.ts';
import { torchParity } from '../subjects/torch_parity.ts';
import type { Trace } from '../trace.ts';
import type { Example } from './examples.ts';
import type { Fault } from './fault.ts';
import type { FaultRow, VariantRow } from './report.ts';
import { ieee, type Variant } from './variants.ts';

/** A planted fault on its way to being caught. */
export class Suspect {
  readonly row: FaultRow;
  readonly #subject: Subject;

  constructor({ table, ...description }: Fault) {
    this.#subject = torchParity(table, description.name);
    this.row = description;
  }

  /**
   * Runs a program, unless the fault was caught in both ways, or bit by bit where nothing else can catch it.
   *
   * @param count - which program it is, from 1
   */
  async run({ program, exact, truth }: Example, count: number): Promise<void> {
    const { row } = this;
    const bound = truth.get(ieee);
    if (row.exact !== undefined && (row.bounded !== undefined || !bound)) return;
    let trace: Trace;
    try {
      trace = await this.#subject.run(program);
    } catch (error) {
      row.field ??= `it breaks: ${(error as Error).message}`;
      row.exact ??= count;
      row.bounded ??= count;
      return;
    }
    const difference = compare(trace, exact);
    if (!difference) return;
    row.exact ??= count;
    row.field ??= difference.path;
    if (bound && violation(trace, exact, checkBounds(trace, bound, program.dtype))) row.bounded ??= count;
  }
}

/** A correct variant, which is run to the end. */
export class Candidate {
  readonly row: VariantRow;
  readonly #subject: Subject;
  readonly #profile: Profile;

  constructor({ table, profile, ...description }: Variant) {
    this.#subject = torchParity(table, description.name);
    this.#profile = profile;
    this.row = {
      ...description,
      profile,
      programs: 0,
      differing: 0,
      flagged: 0,
      elements: 0,
      undecided: 0,
      worst: 0,
    };
  }

  async run({ program, exact, truth }: Example): Promise<void> {
    const { row } = this;
    const trace = await this.#subject.run(program);
    const check = checkBounds(trace, truth.get(this.#profile)!, program.dtype);
    row.programs += 1;
    row.elements += check.elements;
    row.undecided += check.undecided;
    row.worst = Math.max(row.worst, check.worst);
    if (compare(trace, exact)) row.differing += 1;
    const path = violation(trace, exact, check);
    if (path === undefined) return;
    row.flagged += 1;
    row.field ??= path;
  }
}

/** Where a bounded subject leaves its bound, or differs in what is compared exactly. */
function violation(trace: Trace, exact: Trace, check: BoundCheck): string | undefined {
  return (compare(trace, exact, 'form') ?? check.violation)?.path;
}
