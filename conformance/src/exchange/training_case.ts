import { compare, type Difference } from '../compare.ts';
import { comparable } from '../differences.ts';
import type { Program } from '../program.ts';
import type { Trace } from '../trace.ts';
import { hex } from '../ulp.ts';
import type { Value } from '../value.ts';
import { Differs, settle, type ExchangeCase, type Parties, type Verdict } from './case.ts';
import { expectNoError, nameOf, reasonOf } from './checks.ts';
import { leg, uninterrupted, type Part, type Relay, type Runner } from './relay.ts';

/**
 * A training that is interrupted and resumed on the other side must equal, in every bit, exact training that was not.
 *
 * Where torch 2.1.2 takes part, torch itself in torch-parity's place says what must come out: an older checkpoint lacks
 * options, and counts steps as ints. That relay in turn must equal the training that was not interrupted, but for these.
 */
export function trainingCase(name: string, relay: Relay): ExchangeCase {
  return { name, run: (parties) => settle(() => judge(relay, parties)) };
}

async function judge(relay: Relay, parties: Parties): Promise<Verdict> {
  const whole = uninterrupted(relay);
  const trace = await run('torch', whole.program, parties);
  const ended = trace.records.at(-1)!.error === undefined ? Infinity : trace.records.length - 1;
  const expected = whole.parts.filter(({ start }) => start < ended).map((part) => traceOf(trace, part));
  if (expected.length < 2 || expected.some(isAmbiguous)) return { verdict: 'empty' };
  if (relay.runners.includes('torch 2.1.2')) {
    const runners = relay.runners.map((runner) => (runner === 'torch-parity' ? 'torch' : runner));
    const reference = await follow({ ...relay, runners }, parties, expected, acrossVersions);
    await follow(relay, parties, reference);
  } else await follow(relay, parties, expected);
  return { verdict: 'agrees', files: expected.length - 1 };
}

/**
 * Runs the parts one after the other, each from the file of the one before; gives their traces.
 *
 * @param expected - of each part that is to be run
 * @param alike - makes alike what may differ
 * @throws Differs
 */
async function follow(
  relay: Relay,
  parties: Parties,
  expected: readonly Trace[],
  alike: (trace: Trace) => Trace = (trace) => trace,
): Promise<Trace[]> {
  const named = (runner?: Runner): string =>
    runner === 'torch' ? nameOf(parties.torch) : (runner ?? 'nobody');
  const found: Trace[] = [];
  let file: Uint8Array | undefined;
  for (const [index, wanted] of expected.entries()) {
    const { program, part } = leg(relay, index, file);
    const trace = await run(relay.runners[index]!, program, parties);
    const own = traceOf(trace, part);
    const difference = compare(alike(own), alike(wanted));
    if (difference) {
      const error = trace.records.at(-1)?.error;
      const early = error && trace.records.length - 1 <= part.start;
      throw new Differs({
        producer: named(relay.runners[index - 1]),
        consumer: named(relay.runners[index]),
        format: relay.handovers[index - 1]?.format ?? 'none',
        ...(early
          ? { path: 'resume', ours: `${error.class}: ${reasonOf(error.message)}`, theirs: 'no error' }
          : described(program, part, difference)),
        ...{ file, program: { ...program, commands: program.commands.slice(0, part.end) } },
      });
    }
    found.push(own);
    if (index + 1 < expected.length) file = fileOf(trace, named(relay.runners[index]));
  }
  return found;
}

async function run(runner: Runner, program: Program, { subject, torch, old }: Parties): Promise<Trace> {
  if (runner === 'torch-parity')
    return expectNoError('torch-parity', 'any', async () => subject.run(program));
  const [result] = await (runner === 'torch' ? torch : old!).run([program], ['exact']);
  if (result === undefined || 'failed' in result)
    throw new Error(`${runner}: ${result?.failed.code}: ${result?.failed.message}`);
  return result.exact!;
}

/** The records of a part, after the parameters and state that it starts from. */
function traceOf({ tensors, records }: Trace, { start, end }: Part): Trace {
  const before = records.slice(0, start + 1).findLast(({ snapshot }) => snapshot !== undefined);
  const snapshot = before?.snapshot;
  return { tensors, records: [snapshot ? { snapshot } : {}, ...records.slice(start + 1, end + 1)] };
}

/** Whether state of no parameter is filed under a number: a checkpoint would take it for the state of the parameter with that id. */
function isAmbiguous({ records }: Trace): boolean {
  const keys = records[0]!.snapshot?.state.map(([key]) => key) ?? [];
  return keys.some((key) => typeof key === 'object' && typeof key.key === 'number');
}

/**
 * The file that a program has saved with its last command.
 *
 * @throws Error where that was refused: the next part would start from nothing, and seem to be at fault
 */
function fileOf({ records, tensors }: Trace, writer: string): Uint8Array {
  const { result, error } = records.at(-1)!;
  const index = result !== null && typeof result === 'object' && 'tensor' in result ? result.tensor : -1;
  if (tensors[index]?.dtype === 'uint8') return tensors[index].bytes;
  throw new Error(`${writer} does not write the file: ${error?.class}: ${error?.message}`);
}

function described(
  { commands }: Program,
  { start }: Part,
  { record, path, ours, theirs, element }: Difference,
): { path: string; ours: string; theirs: string } {
  const command = commands[start + record - 1];
  const where =
    record === 0 ? 'after resuming' : `after command ${start + record} (${command?.op ?? 'none'})`;
  return {
    path: `${where}: ${path}`,
    ours: element ? `${ours}  ${hex(element.oursBits, element.width)}` : ours,
    theirs: element ? `${theirs}  ${hex(element.theirsBits, element.width)}` : theirs,
  };
}

/** A trace without what the versions of torch do in another way, and with the options of saved groups by name. */
function acrossVersions(trace: Trace): Trace {
  const { tensors, records } = comparable(trace, '2.1.2');
  const sorted = records.map((record) =>
    record.result === undefined ? record : { ...record, result: withSortedGroups(record.result) },
  );
  return { tensors, records: sorted };
}

function withSortedGroups(value: Value): Value {
  if (Array.isArray(value)) return value.map(withSortedGroups);
  if (value === null || typeof value !== 'object' || !('dict' in value)) return value;
  const pairs = value.dict.map(([key, item]): [Value, Value] => [key, withSortedGroups(item)]);
  const isGroup = pairs.some(([key]) => key === 'params');
  return { dict: isGroup ? pairs.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)) : pairs };
}
