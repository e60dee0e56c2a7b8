import type * as tf from '@tensorflow/tfjs-core';
import { RuntimeError, TorchTypeError, ValueError } from '../errors.ts';
import { comparePython, repr, reprEntry, typeName } from '../python/repr.ts';
import { isPlainObject } from '../python/copy.ts';
import { chooseEngine, type EngineOption } from '../engine/engine.ts';
import { backward, refusePromise } from './autograd.ts';
import type { Definition } from './definition.ts';
import { FusedSteps } from './fused_step.ts';
import { HookList, type RemovableHandle } from './hooks.ts';
import { makeDefaults, optionOf, torchKey } from './options.ts';
import {
  checkAgainst,
  groupsOf,
  makeGroup,
  type ParamGroup,
  type ParamGroupInit,
  type ParamsArgument,
} from './param_group.ts';
import { matchByNames } from './match_names.ts';
import { asStateDict, type LoadedDict } from './saved_form.ts';
import { disposeEntries, type State } from './state.ts';
import { packStateDict, unpackStateDict, type StateDict } from './state_dict.ts';
import { takeSteps } from './step.ts';

/** Computes the loss, and the gradients on its way. */
export type Closure<Loss = unknown> = () => Loss;

/** What a step was called with, as torch's hooks see it: `args` is [optimizer, closure?]. */
export type StepArguments = [args: readonly unknown[], kwargs: Readonly<Record<string, unknown>>];

export type StepPreHook = (
  optimizer: Optimizer<object>,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
) => StepArguments | void;
export type StepPostHook = (
  optimizer: Optimizer<object>,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
) => void;
/** Called with a state dict that it may change, or replace by returning another. */
export type StateDictHook = (optimizer: Optimizer<object>, stateDict: StateDict) => StateDict | void;
export type OptimizerHook = (optimizer: Optimizer<object>) => void;

export interface HookOptions {
  /** Call the hook before those that are registered already. @defaultValue false */
  prepend?: boolean;
}

const globalPreHooks = new HookList<StepPreHook>();
const globalPostHooks = new HookList<StepPostHook>();

/** Registers a hook before the step of every optimizer (torch.optim.optimizer.register_optimizer_step_pre_hook). */
export function registerOptimizerStepPreHook(hook: StepPreHook): RemovableHandle {
  return globalPreHooks.add(hook);
}

/** Registers a hook after the step of every optimizer (torch.optim.optimizer.register_optimizer_step_post_hook). */
export function registerOptimizerStepPostHook(hook: StepPostHook): RemovableHandle {
  return globalPostHooks.add(hook);
}

export interface LoadOptions {
  /** How saved parameters are matched with ours. @defaultValue 'order' */
  match?: 'order' | 'names';
}

/** What every optimizer has, as torch.optim.Optimizer does: groups, state, hooks, state dicts. */
export class Optimizer<Options extends object> {
  /** The engine in use. */
  readonly engine: 'reference' | 'fused';
  /** Why engine 'auto' is the reference engine here, and how to get the other; undefined where it is not. */
  readonly fallback: string | undefined;
  /** The constructor's options, with torch's defaults for the rest. */
  readonly defaults: Readonly<Options>;
  /** The groups. Options may be changed here between steps; add groups with `addParamGroup`. */
  paramGroups: ParamGroup<Options>[] = [];

  readonly #definition: Definition<object>;
  readonly #fused: FusedSteps | undefined;
  #state: State = new Map();
  /** Whether someone may have its tensors. */
  #stateIsShared = false;
  readonly #stepPreHooks = new HookList<StepPreHook>();
  readonly #stepPostHooks = new HookList<StepPostHook>();
  readonly #stateDictPreHooks = new HookList<OptimizerHook>();
  readonly #stateDictPostHooks = new HookList<StateDictHook>();
  readonly #loadStateDictPreHooks = new HookList<StateDictHook>();
  readonly #loadStateDictPostHooks = new HookList<OptimizerHook>();

  constructor(
    definition: Definition<object>,
    params: ParamsArgument<Options>,
    given: Partial<Options> & EngineOption = {},
  ) {
    checkOptions(given, '{lr: 0.1}');
    const { engine, ...options } = given;
    this.#definition = definition;
    const { fused, fallback } = chooseEngine(definition, engine);
    this.#fused = fused && new FusedSteps(fused, definition);
    this.engine = fused === undefined ? 'reference' : 'fused';
    this.fallback = fallback;
    this.defaults = makeDefaults(definition, options as Record<string, unknown>) as Options;
    for (const group of groupsOf(params)) this.addParamGroup(group as ParamGroupInit<Options>);
  }

  /**
   * What is remembered of each parameter that was stepped. Its tensors are the optimizer's: others may take their places,
   * each a tensor of its own. The bytes of a `step` are not to be written to: many parameters may have it in common.
   */
  get state(): State {
    this.#stateIsShared = true;
    return this.#state;
  }

  set state(state: State) {
    this.#stateIsShared = true;
    this.#state = state;
  }

  /**
   * Adds a group, for instance when layers that were frozen begin to train.
   *
   * @throws TypeError, ValueError, KeyError in torch's words
   */
  addParamGroup(init: ParamGroupInit<Options>): void {
    const group = makeGroup(this.#definition, this.defaults, init) as ParamGroup<Options>;
    checkAgainst(this.paramGroups, group);
    if ((group as { differentiable?: unknown }).differentiable === true) {
      if (group.params.some(({ isVariable }) => isVariable)) {
        throw new TorchTypeError(
          'VARIABLE',
          'a tf.Variable cannot be updated differentiably: pass new Parameter(variable)',
        );
      }
    }
    this.paramGroups.push(group);
  }

  /**
   * Updates every parameter that has a gradient.
   *
   * @param closure - computes the loss and the gradients first
   * @returns what the closure returned, or null
   * @throws torch's errors, before any parameter or state has changed
   */
  step(): null;
  step<Loss>(closure: Closure<Loss>): Loss;
  step(closure?: Closure): unknown {
    let args: readonly unknown[] = closure === undefined ? [this] : [this, closure];
    let kwargs: Readonly<Record<string, unknown>> = {};
    for (const hook of [...globalPreHooks, ...this.#stepPreHooks]) {
      const result: unknown = hook(this, args, kwargs);
      if (result === undefined || result === null) continue;
      if (!isStepArguments(result)) {
        throw new RuntimeError(
          'HOOK_RESULT',
          `<function ${this.#definition.name}.step> must return None or a tuple of (new_args, new_kwargs), but got ` +
            `${repr(result)}.`,
        );
      }
      [args, kwargs] = result;
    }
    const loss = this.#step((args[1] ?? kwargs.closure) as Closure | undefined);
    for (const hook of [...this.#stepPostHooks, ...globalPostHooks]) {
      hook(this, args, kwargs);
    }
    return loss;
  }

  #step(closure: Closure | undefined): unknown {
    const loss = closure === undefined ? null : closure();
    refusePromise(loss);
    if (this.#fused === undefined) takeSteps(this.#definition, this.paramGroups, this.#state);
    else this.#fused.take(this.paramGroups, this.#state, this.#stateIsShared);
    return loss;
  }

  /**
   * Resets the gradients. A null gradient skips the parameter at the next step; a zero gradient does not.
   *
   * @param options - `setToNone: false` sets them to zeros instead of null
   */
  zeroGrad({ setToNone = true }: { setToNone?: boolean } = {}): void {
    for (const { params } of this.paramGroups) for (const parameter of params) parameter.zeroGrad(setToNone);
  }

  /**
   * Clears the gradients, computes new ones (`backward`) and takes a step.
   *
   * @returns the loss before the step, the caller's to dispose
   */
  minimize(loss: () => tf.Scalar): tf.Scalar {
    this.zeroGrad();
    const value = backward(
      loss,
      this.paramGroups.flatMap(({ params }) => params),
    );
    try {
      this.step();
    } catch (error) {
      value.dispose();
      throw error;
    }
    return value;
  }

  /** A snapshot in torch's layout, independent of the optimizer; nothing to dispose. */
  stateDict(): StateDict {
    for (const hook of this.#stateDictPreHooks) hook(this);
    let stateDict = packStateDict(this.#definition, this.paramGroups, this.#state);
    for (const hook of this.#stateDictPostHooks) stateDict = hook(this, stateDict) ?? stateDict;
    return stateDict;
  }

  /**
   * Takes over options and state, from an optimizer of ours or from a checkpoint of torch's: `load` of
   * torch-parity/checkpoint gives Maps where Python has dicts, and they are taken as they are.
   *
   * The ids of each saved group are matched with the parameters of ours by position alone, as torch does
   * ({@link unpackStateDict}); or by name, for people whose order has changed ({@link matchByNames}).
   *
   * @throws ValueError, KeyError in torch's words, TypeError for what is no state dict; ValueError that lists all that
   *   does not match by name. Nothing has changed then
   */
  loadStateDict(stateDict: StateDict | LoadedDict, options: LoadOptions = {}): void {
    checkOptions(options, "{match: 'names'}");
    const { match = 'order' } = options;
    checkMatch(match);
    // As in torch, hooks get a shallow copy.
    let source = asStateDict(stateDict);
    for (const hook of this.#loadStateDictPreHooks) source = asStateDict(hook(this, source) ?? source);
    if (match === 'names') source = matchByNames(this.#definition, this.paramGroups, source);
    const { paramGroups, state } = unpackStateDict(this.#definition, this.paramGroups, source);
    this.#fused?.dispose();
    disposeEntries(this.#state.values());
    this.paramGroups = paramGroups as ParamGroup<Options>[];
    this.#state = state;
    // torch's __setstate__ does so for every optimizer, and groups that are added later have it from here.
    if (!('differentiable' in this.defaults)) {
      (this.defaults as { differentiable?: boolean }).differentiable = false;
    }
    for (const hook of this.#loadStateDictPostHooks) hook(this);
  }

  /** Frees the state on the device. Parameters stay. */
  dispose(): void {
    this.#fused?.dispose();
    for (const { params } of this.paramGroups) for (const parameter of params) parameter.forget();
    disposeEntries(this.#state.values());
    this.#state = new Map();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Python's `repr`: each group's options in order of name. */
  toString(): string {
    const definition = this.#definition;
    const groups = this.paramGroups.map((group, i) => {
      const lines = Object.keys(group)
        .filter((name) => name !== 'params')
        .map((name): [key: string, name: string] => [torchKey(definition, name), name])
        .toSorted(([a], [b]) => comparePython(a, b))
        .map(([key, name]) => `    ${key}: ${this.#text(group, name)}\n`);
      return `\nParameter Group ${i}\n${lines.join('')}`;
    });
    return `${definition.name} (${groups.join('')})`;
  }

  #text(group: ParamGroup<Options>, name: string): string {
    const value: unknown = group[name];
    if (typeof value === 'string') return value;
    return reprEntry(group, name, optionOf(this.#definition, name)?.type === 'float' ? 'float' : undefined);
  }

  /** Before each step; may return other arguments, [args, kwargs]. */
  registerStepPreHook(hook: StepPreHook): RemovableHandle {
    return this.#stepPreHooks.add(hook);
  }

  /** After each step, with the arguments that the step had. */
  registerStepPostHook(hook: StepPostHook): RemovableHandle {
    return this.#stepPostHooks.add(hook);
  }

  /** Before `stateDict()` begins. */
  registerStateDictPreHook(hook: OptimizerHook, { prepend = false }: HookOptions = {}): RemovableHandle {
    return this.#stateDictPreHooks.add(hook, prepend);
  }

  /** With the state dict that `stateDict()` made, to change or replace. */
  registerStateDictPostHook(hook: StateDictHook, { prepend = false }: HookOptions = {}): RemovableHandle {
    return this.#stateDictPostHooks.add(hook, prepend);
  }

  /** With a shallow copy of the state dict that is about to be loaded, to change or replace. */
  registerLoadStateDictPreHook(hook: StateDictHook, { prepend = false }: HookOptions = {}): RemovableHandle {
    return this.#loadStateDictPreHooks.add(hook, prepend);
  }

  /** After a state dict was loaded. */
  registerLoadStateDictPostHook(hook: OptimizerHook, { prepend = false }: HookOptions = {}): RemovableHandle {
    return this.#loadStateDictPostHooks.add(hook, prepend);
  }
}

function isStepArguments(result: unknown): result is StepArguments {
  return Array.isArray(result) && result.length === 2 && Array.isArray(result[0]) && isPlainObject(result[1]);
}

function checkOptions(given: unknown, example: string): void {
  if (isPlainObject(given)) return;
  throw new TorchTypeError('OPTIONS', `options are an object, as in ${example}, but got ${typeName(given)}`);
}

function checkMatch(match: unknown): void {
  if (match === 'order' || match === 'names') return;
  throw new ValueError('UNKNOWN_MATCH', `match must be 'order' or 'names', but got ${repr(match)}`);
}
