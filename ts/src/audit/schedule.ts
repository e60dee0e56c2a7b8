import { LazyTensor, type ReadOptions } from '../checkpoint/index.ts';
import { itemOf } from '../inspect/elements.ts';
import type { SchedulerDict } from '../inspect/optimizers.ts';
import { pathText } from '../inspect/python_value.ts';
import { reprFloat } from '../python/repr.ts';
import type { Finding } from './finding.ts';
import { keepsState, type Subject } from './subject.ts';

/** The groups of an optimizer against the schedulers in the file. */
export async function* auditSchedule(
  subject: Subject,
  schedulers: SchedulerDict[],
  options?: ReadOptions,
): AsyncGenerator<Finding> {
  const candidates = schedulers.filter(({ lastLr }) => lastLr.length === subject.groups.length);
  yield* emptyState(subject, candidates);
  yield* await learningRates(subject, candidates, options);
  yield* await initialRates(subject, candidates, options);
}

function* emptyState({ state, statePath, slots }: Subject, schedulers: SchedulerDict[]): Generator<Finding> {
  const [scheduler] = schedulers.filter(({ dict }) => Number(dict.get('last_epoch')) > 0);
  if (scheduler === undefined || state.size > 0 || !slots.some(keepsState)) return;
  yield {
    code: 'empty-state',
    severity: 'error',
    path: statePath,
    found: `no state at all, though ${pathText(scheduler.path)} has counted ${scheduler.dict.get('last_epoch')} epochs`,
    consequence: 'load_state_dict raises nothing, and training starts its moments and steps anew',
    cure: 'write the file again from the optimizer that trained',
  };
}

async function learningRates(
  { groups, groupsPath }: Subject,
  schedulers: SchedulerDict[],
  options?: ReadOptions,
): Promise<Finding[]> {
  const rates = await numbersOf(
    groups.map((group) => group.get('lr')),
    options,
  );
  const wanted = await Promise.all(schedulers.map(({ lastLr }) => numbersOf(lastLr, options)));
  // Which scheduler is whose, the file does not say: one that agrees is enough.
  if (schedulers.length === 0 || wanted.some((lrs) => lrs.every((lr, i) => lr === rates[i]))) return [];
  const [scheduler, lrs] = [schedulers[0] as SchedulerDict, wanted[0] as (number | undefined)[]];
  const at = lrs.findIndex((lr, i) => lr !== rates[i]);
  const [initial] = await numbersOf([groups[at]?.get('initial_lr')], options);
  const reset = initial !== undefined && initial === rates[at];
  return [
    {
      code: 'lr-overwritten',
      severity: 'error',
      path: `${groupsPath}[${at}].lr`,
      found: `lr is ${text(rates[at])}, and ${pathText(scheduler.path)} set ${text(lrs[at])} last${reset ? '; lr is initial_lr' : ''}`,
      consequence:
        'the optimizer goes on with its own; schedulers that compute a rate from the last one never come back to theirs',
      cure: reset
        ? 'a scheduler that is made after load_state_dict sets lr back: make it first, then load both'
        : 'set lr of the group to the one that is meant, after loading both',
    },
  ];
}

async function initialRates(
  { groups, groupsPath }: Subject,
  schedulers: SchedulerDict[],
  options?: ReadOptions,
): Promise<Finding[]> {
  const initial = await numbersOf(
    groups.map((group) => group.get('initial_lr')),
    options,
  );
  const bases = await Promise.all(
    schedulers
      .map(({ dict }) => dict.get('base_lrs'))
      .filter(Array.isArray)
      .map((base) => numbersOf(base, options)),
  );
  const fits = (base: (number | undefined)[]): boolean =>
    base.every((lr, i) => lr === initial[i] || initial[i] === undefined);
  if (bases.length === 0 || bases.some(fits)) return [];
  const base = bases[0] as (number | undefined)[];
  const at = base.findIndex((lr, i) => lr !== initial[i] && initial[i] !== undefined);
  return [
    {
      code: 'initial-lr',
      severity: 'warning',
      path: `${groupsPath}[${at}].initial_lr`,
      found: `initial_lr is ${text(initial[at])}, and the scheduler's base_lrs has ${text(base[at])}`,
      consequence:
        'the loaded scheduler uses base_lrs; one that is made anew from the loaded optimizer takes initial_lr',
      cure: 'load the state of the scheduler, too, and set both where the rate was changed by hand',
    },
  ];
}

/** The numbers of a list of floats or of tensors of one element. */
function numbersOf(values: unknown[], options?: ReadOptions): Promise<(number | undefined)[]> {
  return Promise.all(
    values.map(async (value) => {
      if (value instanceof LazyTensor) return itemOf(value, options);
      return typeof value === 'number' ? value : undefined;
    }),
  );
}

function text(value: number | undefined): string {
  return value === undefined ? 'no number' : reprFloat(value);
}
