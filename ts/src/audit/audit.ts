import { OrderedDict, type ProgressOptions } from '../checkpoint/index.ts';
import {
  idsOf,
  modulesIn,
  optimizersIn,
  schedulersIn,
  type ModuleDict,
  type OptimizerDict,
} from '../inspect/optimizers.ts';
import { pathText } from '../inspect/python_value.ts';
import { survey } from '../inspect/survey.ts';
import { few, type Finding } from './finding.ts';
import { auditIds } from './ids.ts';
import { auditSchedule, schedulesOf } from './schedule.ts';
import { auditMoments } from './moments.ts';
import { auditOptions } from './options.ts';
import { auditShapes } from './shapes.ts';
import { auditSteps } from './steps.ts';
import { subjectOf, type Subject } from './subject.ts';

export interface AuditOptions extends ProgressOptions {
  /** The tree of a file that holds the model. */
  model?: unknown;
}

/** What goes wrong in torch without an error when each optimizer's state dict in a tree is loaded. */
export async function* audit(
  value: unknown,
  { model, onProgress, ...options }: AuditOptions = {},
): AsyncGenerator<Finding, void> {
  const found = survey(value);
  const optimizers = distinct(optimizersIn(found));
  const schedules = await schedulesOf(optimizers, schedulersIn(found), options);
  const modules = model === undefined ? modulesIn(found).filter(isCertain) : modulesIn(survey(model));
  // Of several models in a file, which one the optimizer is for cannot be told.
  const module = modules.length === 1 ? modules[0] : undefined;
  const states = survey(optimizers.map(({ state }) => state));
  const total = Array.from(states.tensors.keys()).reduce((sum, { byteLength }) => sum + byteLength, 0);
  let done = 0;
  const onRead = (bytes: number): void => onProgress?.((done += bytes), total);
  for (const optimizer of optimizers) {
    const subject = subjectOf(optimizer, module);
    if (model !== undefined) yield* notCompared(subject, modules);
    yield* auditIds(subject);
    yield* auditOptions(subject, options);
    yield* auditShapes(subject);
    yield* auditSchedule(subject, schedules, options);
    yield* auditSteps(subject, options);
    yield* auditMoments(subject, onRead, options);
  }
  yield* alike(optimizers);
}

/** Copies of a dict that share what is in it are one: `{**optimizer.state_dict()}`. */
function distinct(optimizers: OptimizerDict[]): OptimizerDict[] {
  const seen = new Map<unknown, Set<unknown>>();
  return optimizers.filter(({ state, groups }) => {
    const groupsOfState = seen.get(state) ?? new Set();
    seen.set(state, groupsOfState);
    const isNew = !groupsOfState.has(groups);
    groupsOfState.add(groups);
    return isNew;
  });
}

/** Any dict may hold tensors under names; a module's state dict alone has `_metadata`. */
function isCertain({ tensors }: ModuleDict): boolean {
  return tensors instanceof OrderedDict && tensors.attributes?.has('_metadata') === true;
}

function* notCompared({ path, slots }: Subject, modules: ModuleDict[]): Generator<Finding> {
  if (slots.some(({ parameter }) => parameter)) return;
  const found =
    modules.length === 1
      ? `the model's ${modules[0]?.tensors.size} tensors, and ${slots.length} parameters here in groups without names that fit`
      : `${modules.length} dicts of tensors in the model's file, where there should be one`;
  yield {
    code: 'not-compared',
    severity: 'note',
    path,
    found,
    consequence: 'shapes and dtypes were not compared with the model',
    cure: 'give the file of model.state_dict(); an optimizer made of named_parameters() saves names',
  };
}

/** Optimizers of the same group sizes can change places. */
function* alike(optimizers: OptimizerDict[]): Generator<Finding> {
  const byForm = new Map<string, OptimizerDict[]>();
  for (const optimizer of optimizers) {
    const form = optimizer.groups.map((group) => idsOf(group).length).join();
    byForm.set(form, [...(byForm.get(form) ?? []), optimizer]);
  }
  for (const [first, ...others] of byForm.values()) {
    if (first === undefined || others.length === 0) continue;
    yield {
      code: 'alike-optimizers',
      severity: 'note',
      path: first.path,
      found: `groups of the same sizes as in ${few(others.map(({ path }) => pathText(path)))}`,
      consequence: 'load_state_dict raises nothing if one is given the state of another',
      cure: 'see that each is loaded from its own',
    };
  }
}
