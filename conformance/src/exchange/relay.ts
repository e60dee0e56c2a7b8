import * as fc from 'fast-check';
import { TensorData } from 'torch-parity';
import { programArbitrary, type Features } from '../arbitrary/program.ts';
import { savedFormats, stepHooks, type Command, type Program, type SavedFormat } from '../program.ts';

/** Who trains for a while, and hands on a checkpoint. */
export type Runner = 'torch' | 'torch-parity' | 'torch 2.1.2';

/** How a checkpoint is written and read. */
export interface Handover {
  format: SavedFormat;
  params: 'list' | 'dict';
  mmap: boolean;
}

/** A training that is interrupted, and resumed by another: who runs its parts, and the checkpoints between them. */
export interface Relay {
  runners: readonly Runner[];
  program: Program;
  parts: readonly Command[][];
  handovers: readonly Handover[];
}

const pairs: Runner[][] = [
  ['torch', 'torch-parity'],
  ['torch-parity', 'torch'],
  ['torch', 'torch-parity', 'torch'],
  ['torch-parity', 'torch', 'torch-parity'],
  ['torch-parity', 'torch-parity'],
];
const oldPairs: Runner[][] = [
  ['torch 2.1.2', 'torch-parity'],
  ['torch-parity', 'torch 2.1.2'],
  ['torch 2.1.2', 'torch-parity', 'torch 2.1.2'],
  ['torch 2.1.2', 'torch-parity', 'torch'],
  ['torch', 'torch-parity', 'torch 2.1.2'],
  ['torch-parity', 'torch 2.1.2', 'torch-parity'],
];

/**
 * Random programs, cut into two or three parts.
 *
 * @param old - what torch 2.1.2 has, where it takes part
 */
export function relays(features: Features, old?: Features): fc.Arbitrary<Relay> {
  const among = (runners: Runner[][], own: Features): fc.Arbitrary<Relay> =>
    fc
      .record({
        runners: fc.constantFrom(...runners),
        program: programArbitrary(own, { failing: false }),
        cuts: fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 2, maxLength: 2 }),
        handovers: fc.array(handover, { minLength: 2, maxLength: 2 }),
      })
      .map(({ runners, program, cuts, handovers }) => ({
        ...{ runners, program },
        parts: partsOf(program, cuts.slice(0, runners.length - 1)),
        handovers: handovers.slice(0, runners.length - 1),
      }));
  return old ? fc.oneof(among(pairs, features), among(oldPairs, old)) : among(pairs, features);
}

const handover: fc.Arbitrary<Handover> = fc.record({
  format: fc.constantFrom(...savedFormats),
  params: fc.constantFrom('list', 'dict'),
  mmap: fc.boolean(),
});

/** The commands of a program, cut at these thousandths. */
function partsOf(program: Program, cuts: readonly number[]): Command[][] {
  const places = cuts.map((cut) => Math.ceil((cut * program.commands.length) / 1001)).sort((a, b) => a - b);
  const bounds = [0, ...places, program.commands.length];
  const hooks = new Set<string>();
  return [0, ...places].map((_, part) => {
    const dicts = new Set<string>();
    return program.commands
      .slice(bounds[part], bounds[part + 1])
      .filter((command) => canBeTakenOver(command, hooks, dicts));
  });
}

/**
 * Whether a command means the same in another process: a hook on state dicts would act where a checkpoint is written, and a state
 * dict is kept by its own process.
 *
 * @param hooks - the step hooks that are registered
 * @param dicts - the state dicts that were kept since the last checkpoint
 */
function canBeTakenOver(command: Command, hooks: Set<string>, dicts: Set<string>): boolean {
  switch (command.op) {
    case 'register': {
      const acts = (stepHooks as readonly string[]).includes(command.hook);
      if (acts) hooks.add(command.as);
      return acts;
    }
    case 'remove':
      return hooks.delete(command.hook);
    case 'stateDict':
      dicts.add(command.as);
      return true;
    case 'load':
      return dicts.has(command.from);
    default:
      return true;
  }
}

/** Which commands of a program are a part of the training: from `start` up to `end`. */
export interface Part {
  start: number;
  end: number;
}

/** The training without an interruption; gradients are set anew where the others resume. */
export function uninterrupted(relay: Relay): { program: Program; parts: Part[] } {
  const commands: Command[] = [];
  const parts = relay.parts.map((own, index) => {
    const start = commands.length;
    commands.push(...gradientsAt(relay, index), ...own);
    return { start, end: commands.length };
  });
  return { program: { ...relay.program, commands }, parts };
}

/**
 * One part of the training as a program of its own, resumed from a checkpoint, and followed by one.
 *
 * @param resume - the file that the part before has left
 */
export function leg(relay: Relay, index: number, resume?: Uint8Array): { program: Program; part: Part } {
  const { program, parts, handovers, runners } = relay;
  const before = parts.slice(0, index).flat();
  const tensors = [...program.tensors];
  const commands: Command[] = before.filter(({ op }) => op === 'addParamGroup');
  if (resume) {
    const tensor = tensors.push(new TensorData('uint8', [resume.length], resume)) - 1;
    commands.push({ op: 'resume', tensor, mmap: handovers[index - 1]!.mmap }, ...hooksAfter(before));
  }
  const start = commands.length;
  commands.push(...gradientsAt(relay, index), ...parts[index]!);
  const part = { start, end: commands.length };
  const next = handovers[index];
  if (next) {
    const target = runners[index + 1] === 'torch 2.1.2' ? '2.1' : '2.15';
    commands.push({ op: 'save', format: next.format, params: next.params, target });
  }
  return { program: { ...program, tensors, commands }, part };
}

/** The registrations that still hold after these commands. */
function hooksAfter(commands: readonly Command[]): Command[] {
  return commands.filter(
    (command, at) =>
      command.op === 'register' &&
      !commands.slice(at).some((later) => later.op === 'remove' && later.hook === command.as),
  );
}

/** Sets every gradient to what it was set to last, so that nothing but the checkpoint is taken over. */
function gradientsAt({ program, parts }: Relay, index: number): Command[] {
  if (index === 0) return [];
  const last = new Map<number, number | null>();
  for (const command of parts.slice(0, index).flat()) {
    if (command.op === 'grad') last.set(command.param, command.tensor);
  }
  return program.params.map((_, param) => ({ op: 'grad', param, tensor: last.get(param) ?? null }));
}
