import { compare } from '../compare.ts';
import { numbersOf } from '../elements.ts';
import { leavesOf, type Leaf } from '../leaves.ts';
import type { Program } from '../program.ts';
import { torchParity } from '../subjects/torch_parity.ts';
import type { Trace } from '../trace.ts';
import { dtypeFaults } from './dtypes.ts';
import { faults } from './faults.ts';

/**
 * Names the planted fault that a failure behaves like: "eps stood outside the roots".
 *
 * The fault must give the failing trace in every bit; or, where the subject also rounds otherwise, everything that differs
 * from exact torch beyond rounding must come out as far off. On a small program several faults may do the same: two are
 * named, and where there are more, none is.
 *
 * @param program - the program that fails; faults are run on it by the tfjs backend that is registered
 * @param failing - the trace of the subject
 * @param exact - that of exact torch
 */
export async function explain(program: Program, failing: Trace, exact: Trace): Promise<string | undefined> {
  const same: string[] = [];
  const close: string[] = [];
  for (const { claim, table } of [...faults, ...dtypeFaults]) {
    const trace = await attempt(() => torchParity(table).run(program));
    if (trace === undefined) continue;
    if (!compare(failing, trace)) same.push(claim);
    else if (isClose(failing, trace, exact)) close.push(claim);
  }
  if (same.length > 0) return same.length <= 2 ? same.join(', or ') : undefined;
  return close.length === 1 ? close[0] : undefined;
}

/** A fault may break on a program, or need another backend for it. */
async function attempt<T>(run: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch {
    return undefined;
  }
}

/** What rounding may do to a number, relative to its size; and how much larger a difference must be to say something. */
const roundings = 2 ** -20;
const clearly = 100;

/** Whether a fault's trace differs from the exact one as the failing trace does, but for rounding. */
function isClose(failing: Trace, faulty: Trace, exact: Trace): boolean {
  if (compare(failing, faulty, 'form')) return false;
  let clear = 0;
  for (const [index, record] of failing.records.entries()) {
    const ours = leavesOf(record, failing.tensors);
    const fault = leavesOf(faulty.records[index]!, faulty.tensors);
    const truth = exact.records[index] ? leavesOf(exact.records[index], exact.tensors) : [];
    for (const [i, leaf] of ours.entries()) {
      const [x, y, t] = [leaf, fault[i], truth[i]].map(elements);
      for (const [k, value] of x!.entries()) {
        const allowed = roundings * Math.abs(value);
        if (!(Object.is(value, y![k]) || Math.abs(value - y![k]!) <= allowed)) return false;
        if (Math.abs(value - t![k]!) > clearly * allowed) clear += 1;
      }
    }
  }
  return clear > 0;
}

function elements(leaf: Leaf | undefined): readonly number[] {
  return typeof leaf?.value === 'object' ? numbersOf(leaf.value).map(Number) : [];
}
