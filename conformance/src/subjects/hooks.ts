import {
  registerOptimizerStepPostHook,
  registerOptimizerStepPreHook,
  type Optimizer,
  type RemovableHandle,
  type StateDict,
} from 'torch-parity';
import type { Action, Command, Edit } from '../program.ts';

/** What hooks do things with: the run that registered them. */
export interface HookContext {
  log(event: string): void;
  setOption(action: Extract<Action, { do: 'setOption' }>): void;
  edited(stateDict: StateDict, edits: readonly Edit[]): StateDict;
  value(value: Extract<Action, { do: 'replaceClosure' }>['loss']): unknown;
}

/** Registers the hook of a `register` command. */
export function registerHook(
  optimizer: Optimizer<object>,
  { hook: kind, as: name, prepend, action }: Extract<Command, { op: 'register' }>,
  context: HookContext,
): RemovableHandle {
  const hook = (): void => {
    context.log(`${kind}:${name}`);
    if (action.do === 'setOption') context.setOption(action);
  };
  const stepHook = (target: unknown): never => {
    hook();
    // What the types forbid is what `badReturn` is about.
    if (action.do === 'badReturn') return 3 as never;
    if (action.do !== 'replaceClosure') return undefined as never;
    const closure = (): unknown => {
      context.log(`closure:${name}`);
      return context.value(action.loss);
    };
    return [[target], { closure }] as never;
  };
  const dictHook = (_: unknown, stateDict: StateDict): StateDict | undefined => {
    hook();
    if (action.do === 'replace') return context.edited(stateDict, action.edits);
    if (action.do === 'edit') {
      const edited = context.edited(stateDict, action.edits);
      for (const key of Object.keys(stateDict)) delete stateDict[key];
      Object.assign(stateDict, edited);
    }
    return undefined;
  };
  switch (kind) {
    case 'stepPre':
      return optimizer.registerStepPreHook(stepHook);
    case 'stepPost':
      return optimizer.registerStepPostHook(hook);
    case 'globalStepPre':
      return registerOptimizerStepPreHook(stepHook);
    case 'globalStepPost':
      return registerOptimizerStepPostHook(hook);
    case 'stateDictPre':
      return optimizer.registerStateDictPreHook(hook, { prepend });
    case 'stateDictPost':
      return optimizer.registerStateDictPostHook(dictHook, { prepend });
    case 'loadStateDictPre':
      return optimizer.registerLoadStateDictPreHook(dictHook, { prepend });
    case 'loadStateDictPost':
      return optimizer.registerLoadStateDictPostHook(hook, { prepend });
  }
}
