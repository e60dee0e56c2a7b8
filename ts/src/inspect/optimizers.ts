import { LazyTensor } from '../checkpoint/index.ts';
import { OrderedDict } from '../python/collections.ts';
import type { Survey } from './survey.ts';

type Dict = Map<unknown, unknown>;

/** An optimizer's state dict, somewhere in a file. */
export interface OptimizerDict {
  path: string;
  dict: Dict;
  state: Dict;
  groups: GroupDict[];
}

/** A dict of options, whose `params` is a list of ids. */
export type GroupDict = Dict;

/** What `state_dict()` of an lr_scheduler gave, somewhere in a file. */
export interface SchedulerDict {
  path: string;
  dict: Dict;
  /** The learning rate of each group that the scheduler set last. */
  lastLr: unknown[];
}

/** What `state_dict()` of a module gave: names and tensors. */
export interface ModuleDict {
  path: string;
  tensors: Map<string, LazyTensor>;
}

/** A dict is an optimizer's where it has a dict `state` and a list `param_groups` of dicts that have `params`. */
export function optimizersIn({ containers }: Survey): OptimizerDict[] {
  return Array.from(containers, ([container, path]) => optimizerAt(container, path)).filter(
    (found) => found !== undefined,
  );
}

function optimizerAt(container: unknown, path: string): OptimizerDict | undefined {
  if (!(container instanceof Map)) return undefined;
  const state: unknown = container.get('state');
  const groups: unknown = container.get('param_groups');
  if (!(state instanceof Map) || !Array.isArray(groups) || !groups.every(isGroup)) return undefined;
  return { path, dict: container, state, groups };
}

function isGroup(group: unknown): group is GroupDict {
  return group instanceof Map && Array.isArray(group.get('params'));
}

/** The ids of a group, in order. */
export function idsOf(group: GroupDict): unknown[] {
  return group.get('params') as unknown[];
}

/** The names of a group's parameters, where the optimizer was given named ones. */
export function namesOf(group: GroupDict): string[] | undefined {
  const names: unknown = group.get('param_names');
  const fits = Array.isArray(names) && names.length === idsOf(group).length;
  return fits && names.every((name) => typeof name === 'string') ? names : undefined;
}

/** The schedulers that stand on their own: those inside a SequentialLR or a ChainedScheduler may be behind it. */
export function schedulersIn({ containers }: Survey): SchedulerDict[] {
  const found: SchedulerDict[] = [];
  for (const [container, path] of containers) {
    if (!(container instanceof Map) || path.includes('_schedulers[')) continue;
    const lastLr: unknown = container.get('_last_lr');
    if (Array.isArray(lastLr)) found.push({ path, dict: container, lastLr });
  }
  return found;
}

/** Dicts whose entries are all tensors with names; not those inside an optimizer's state. */
export function modulesIn(survey: Survey): ModuleDict[] {
  const states = optimizersIn(survey).map(({ state }) => state);
  const ofOptimizers = new Set(states.flatMap((state) => [...state.values()]));
  const found: ModuleDict[] = [];
  for (const [container, path] of survey.containers) {
    if (!(container instanceof Map) || ofOptimizers.has(container)) continue;
    const isModule = container instanceof OrderedDict && container.attributes?.has('_metadata') === true;
    const holdsTensors = Array.from(container).every(
      ([name, value]) => typeof name === 'string' && value instanceof LazyTensor,
    );
    if ((container.size > 0 || isModule) && holdsTensors) {
      found.push({ path, tensors: container as Map<string, LazyTensor> });
    }
  }
  return found;
}

/** The steps that an optimizer has counted for each parameter that has state: a tensor, or a number. */
export function stepsOf({ state }: OptimizerDict): Map<unknown, unknown> {
  const steps = new Map<unknown, unknown>();
  for (const [id, entry] of state) {
    if (entry instanceof Map && entry.has('step')) steps.set(id, entry.get('step'));
  }
  return steps;
}
