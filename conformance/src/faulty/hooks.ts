import {
  RemovableHandle,
  type Closure,
  type HookOptions,
  type StepPostHook,
  type StepPreHook,
} from 'torch-parity';
import { mixed, type Fault } from './fault.ts';

/** A hook of any kind; its arguments pass through. */
type Hook = (...args: any[]) => any;
type Register = (hook: Hook, options?: HookOptions) => RemovableHandle;

const stepKinds = ['registerStepPreHook', 'registerStepPostHook'] as const;
const dictKinds = [
  'registerStateDictPreHook',
  'registerStateDictPostHook',
  'registerLoadStateDictPreHook',
  'registerLoadStateDictPostHook',
] as const;
type Kind = (typeof stepKinds)[number] | (typeof dictKinds)[number];

/** Faults of hooks: their order, their removal, what they return. */
export const hookFaults: readonly Fault[] = [
  outermost(),
  registers(
    'step-hooks-reversed',
    'the step hook that was registered last were called first',
    stepKinds,
    () => {
      let hooks: Hook[] = [];
      let handles: RemovableHandle[] = [];
      const registerAll = (register: Register): void => {
        for (const handle of handles) handle.remove();
        handles = hooks.toReversed().map((hook) => register(hook));
      };
      return (register, hook) => {
        // A function of its own, so that one hook can be registered twice.
        const own: Hook = (...args) => hook(...args);
        hooks = [...hooks, own];
        registerAll(register);
        return new RemovableHandle(() => {
          hooks = hooks.filter((other) => other !== own);
          registerAll(register);
        });
      };
    },
  ),
  registers('prepend-ignored', 'prepend were ignored', dictKinds, () => (register, hook) => register(hook)),
  registers(
    'prepend-always',
    'every hook of state dicts were prepended',
    dictKinds,
    () => (register, hook) => register(hook, { prepend: true }),
  ),
  registers(
    'hook-not-removed',
    'a removed hook were still called',
    [...stepKinds, ...dictKinds],
    () => (register, hook, options) => {
      register(hook, options);
      return new RemovableHandle(() => {});
    },
  ),
  registers(
    'step-hook-result-ignored',
    'what a step pre hook returns were ignored',
    ['registerStepPreHook'],
    () => (register, hook) => register((...args) => void hook(...args)),
  ),
  registers(
    'step-hook-result-unchecked',
    'a step pre hook could return anything',
    ['registerStepPreHook'],
    () => (register, hook) =>
      register((...args) => {
        const result: unknown = hook(...args);
        return Array.isArray(result) ? result : undefined;
      }),
  ),
  registers(
    'save-hook-result-ignored',
    'what a state dict post hook returns were ignored',
    ['registerStateDictPostHook'],
    () => (register, hook, options) => register((...args) => void hook(...args), options),
  ),
  registers(
    'load-hook-result-ignored',
    'what a load state dict pre hook returns were ignored',
    ['registerLoadStateDictPreHook'],
    () => (register, hook, options) => register((...args) => void hook(...args), options),
  ),
];

/**
 * A fault of registering hooks.
 *
 * @param make - called for each optimizer and kind of hook; gives what registers a hook of it
 */
function registers(
  name: string,
  claim: string,
  kinds: readonly Kind[],
  make: () => (register: Register, hook: Hook, options?: HookOptions) => RemovableHandle,
): Fault {
  return mixed(
    name,
    claim,
    (base) =>
      class extends base {
        constructor(...args: any[]) {
          super(...args);
          for (const kind of kinds) {
            const register = this[kind].bind(this) as Register;
            const patched = make();
            this[kind] = (hook: Hook, options?: HookOptions) => patched(register, hook, options);
          }
        }
      },
  );
}

/** The optimizer's own step hooks are kept apart, and called outside the step that calls the global ones. */
function outermost(): Fault {
  return mixed(
    'local-hooks-outermost',
    "the optimizer's own step hooks were called outside the global ones",
    (base) =>
      class extends base {
        readonly #pre = new Set<StepPreHook>();
        readonly #post = new Set<StepPostHook>();

        override registerStepPreHook(hook: StepPreHook): RemovableHandle {
          return added(this.#pre, (...args) => hook(...args));
        }

        override registerStepPostHook(hook: StepPostHook): RemovableHandle {
          return added(this.#post, (...args) => hook(...args));
        }

        override step(closure?: Closure): never {
          let args: readonly unknown[] = closure === undefined ? [this] : [this, closure];
          let kwargs: Readonly<Record<string, unknown>> = {};
          for (const hook of this.#pre) {
            const result = hook(this, args, kwargs);
            if (Array.isArray(result)) [args, kwargs] = result;
            else if (result !== undefined) super.registerStepPreHook(() => result); // for the step to refuse
          }
          const inner = (args[1] ?? kwargs.closure) as Closure | undefined;
          const loss = inner === undefined ? super.step() : super.step(inner);
          for (const hook of this.#post) hook(this, args, kwargs);
          return loss as never;
        }
      },
  );
}

function added<H>(hooks: Set<H>, hook: H): RemovableHandle {
  hooks.add(hook);
  return new RemovableHandle(() => void hooks.delete(hook));
}
