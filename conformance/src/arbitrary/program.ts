import * as fc from 'fast-check';
import type { Argument, Options, Program } from '../program.ts';
import { chance } from './chance.ts';
import { phrase, saveStateDict } from './commands.ts';
import type { Draft, Phrase, Setting } from './draft.ts';
import { failingCommands } from './failing_commands.ts';
import { failingStart, type FailingStart } from './failing_start.ts';
import type { Features } from './features.ts';
import { start } from './groups.ts';
import { optimizersOf, type OptimizerSpec } from './optimizers.ts';
import { either } from './options.ts';

export { featuresOf, type Features } from './features.ts';

/** How often an optimizer, a dtype and a temper are drawn; an optimizer that is not named here, once. */
const weights: Record<string, number> = { Adadelta: 2, float32: 4, usual: 3, wild: 2 };

/**
 * Programs over everything that these features allow (PROTOCOL.md, "Program").
 *
 * A program has 0 to 6 parameters in 1 to 4 groups, and 1 to 12 phrases of commands: setting the gradients of many
 * parameters and stepping is one phrase. About one program in seven aims at an error of torch, with which it then ends.
 *
 * @param failing - whether some aim at an error
 * @param own - what is known of optimizers that are not torch's
 */
export function programArbitrary(
  features: Features,
  { failing = true, own = [] }: { failing?: boolean; own?: readonly OptimizerSpec[] } = {},
): fc.Arbitrary<Program> {
  const tempers = ['usual', 'wild'] as const;
  const settings = optimizersOf(features, own).flatMap((optimizer) =>
    dtypesOf(features, optimizer).flatMap((dtype) =>
      tempers.map((temper) => ({ features, optimizer, dtype, temper })),
    ),
  );
  return fc.oneof(
    ...settings.map((setting) => ({
      weight: weightOf(setting.optimizer.name) * weightOf(setting.dtype) * weightOf(setting.temper),
      arbitrary: programs(setting, failing),
    })),
  );
}

function dtypesOf({ dtypes }: Features, { realOnly }: OptimizerSpec): Features['dtypes'] {
  return realOnly ? dtypes.filter((dtype: string) => !dtype.startsWith('complex')) : dtypes;
}

function weightOf(choice: string): number {
  return weights[choice] ?? 1;
}

function programs(setting: Setting, failing: boolean): fc.Arbitrary<Program> {
  return fc
    .record({
      start: start(setting),
      phrases: fc.array(phrase(setting), { minLength: 1, maxLength: 12, size: 'max' }),
      save: chance(50),
      failing: failing ? failures(setting) : fc.constant<Failing>({}),
    })
    .map(({ start, phrases, save, failing }) => {
      const { draft, argument } = start();
      if (failing.start) return finished(draft, failing.start(draft, argument));
      for (const write of phrases) write(draft);
      if (failing.commands) failing.commands(draft);
      else if (save) saveStateDict(draft);
      return finished(draft, { argument, options: draft.options });
    });
}

interface Failing {
  start?: FailingStart;
  commands?: Phrase;
}

function failures(setting: Setting): fc.Arbitrary<Failing> {
  return either<Failing>(
    [86, fc.constant({})],
    [5, fc.record({ start: failingStart(setting) })],
    [9, fc.record({ commands: failingCommands(setting) })],
  );
}

function finished(draft: Draft, call: { argument: Argument; options: Options }): Program {
  return {
    version: 1,
    optimizer: draft.setting.optimizer.name,
    dtype: draft.setting.dtype,
    tensors: draft.tensors,
    params: Array.from({ length: draft.params }, (_, tensor) => ({ tensor })),
    ...call,
    commands: draft.commands,
  };
}
