import * as fc from 'fast-check';
import { type Action, dictHooks, type Edit, type HookKind, stepHooks } from '../program.ts';
import { float, type Value } from '../value.ts';
import { pick, type Phrase, type Setting } from './draft.ts';
import { harmless } from './edits.ts';
import { groupOption } from './options.ts';

/** What a closure may give back, or a replaced one: a float with a fraction, or what a number in JavaScript is not. */
export const losses: fc.Arbitrary<Value> = fc.constantFrom<Value>(float(0.5), null, 3, 'loss', float(NaN));

/** Registers a hook of any kind, with an action that this kind may take and no program ends by. */
export function register(setting: Setting): fc.Arbitrary<Phrase> {
  return fc
    .record({
      hook: fc.constantFrom(...stepHooks, ...dictHooks),
      prepend: fc.boolean(),
      action: fc.nat(),
      group: fc.nat(),
      option: groupOption(setting.optimizer.options, setting.temper),
      revision: harmless(setting),
      loss: losses,
    })
    .map(({ hook, prepend, action, group, option, revision, loss }) => (draft) => {
      const [key, value] = draft.option(option);
      const wanted = revision(draft.stateDict(), draft);
      // Before 2.4, torch loads a partial entry without a word. There the draft must know which entries are whole.
      const edits = setting.features.capturable
        ? wanted
        : wanted.filter(({ edit }) => !edit.includes('State'));
      const actions: Action[] = [
        { do: 'log' },
        { do: 'setOption', group: group % draft.groups.length, key, value },
        ...actionsOf(hook, edits, loss),
      ];
      const as = draft.name('hook');
      draft.hooks.push(as);
      const chosen = pick(actions, action)!;
      if (chosen.do === 'replaceClosure') draft.replacing.add(as);
      draft.commands.push({ op: 'register', hook, as, prepend, action: chosen });
    });
}

/** What hooks of one kind alone may do. */
function actionsOf(hook: HookKind, edits: Edit[], loss: Value): Action[] {
  switch (hook) {
    case 'stepPre':
    case 'globalStepPre':
      return [{ do: 'replaceClosure', loss }];
    case 'loadStateDictPre':
      return [
        { do: 'edit', edits },
        { do: 'replace', edits },
      ];
    case 'stateDictPost':
      // In torch the entries of this dict are the optimizer's own, so that editing one in place changes the optimizer.
      return [
        { do: 'edit', edits: edits.filter(({ edit }) => edit !== 'setState') },
        { do: 'replace', edits },
      ];
    default:
      return [];
  }
}

/** Removes a hook, perhaps one that was removed before. */
export const remove: fc.Arbitrary<Phrase> = fc.nat().map((index) => (draft) => {
  const hook = pick(draft.hooks, index);
  if (hook === undefined) return;
  draft.replacing.delete(hook);
  draft.commands.push({ op: 'remove', hook });
});
