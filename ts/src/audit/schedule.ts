import { LazyTensor, type ReadOptions } from '../checkpoint/index.ts';
import { itemOf } from '../inspect/elements.ts';
import type { OptimizerDict, SchedulerDict } from '../inspect/optimizers.ts';
import { pathText } from '../inspect/python_value.ts';
import { countText } from '../inspect/quantity.ts';
import { reprFloat } from '../python/repr.ts';
import type { Finding } from './finding.ts';
import { keepsState, type Subject } from './subject.ts';

/** A scheduler, and the rates of all groups as it set them last. */
interface Scheduled extends SchedulerDict {
  rates: Rates;
}

type Rates = (number | undefined)[];

/** What the schedulers and the optimizers of a file have in common: which is whose, it does not say. */
export interface Schedules {
  schedulers: Scheduled[];
  optimizers: number;
  /** The rates that each optimizer has, as text. */
  had: Set<string>;
}

export async function schedulesOf(
  optimizers: OptimizerDict[],
  schedulers: SchedulerDict[],
  options?: ReadOptions,
): Promise<Schedules> {
  const had = new Set<string>();
  if (schedulers.length > 0) {
    for (const optimizer of optimizers) had.add(String(await ratesOf(optimizer, options)));
  }
  const scheduled: Scheduled[] = [];
  for (const scheduler of schedulers) {
    scheduled.push({ ...scheduler, rates: await numbersOf(scheduler.lastLr, options) });
  }
  return { schedulers: scheduled, optimizers: optimizers.length, had };
}

function ratesOf({ groups }: OptimizerDict, options?: ReadOptions): Promise<Rates> {
  return numbersOf(
    groups.map((group) => group.get('lr')),
    options,
  );
}

/** The groups of an optimizer against the schedulers in the file that may be its own. */
export async function* auditSchedule(
  subject: Subject,
  { schedulers, optimizers, had }: Schedules,
  options?: ReadOptions,
): AsyncGenerator<Finding> {
  if (schedulers.length === 0) return;
  const rates = await ratesOf(subject, options);
  // One that agrees with another optimizer is not of this one.
  const candidates = schedulers.filter(
    (scheduler) =>
      scheduler.rates.length === rates.length &&
      (String(scheduler.rates) === String(rates) || !had.has(String(scheduler.rates))),
  );
  const findings = [
    ...emptyState(subject, candidates),
    ...(await learningRates(subject, rates, candidates, options)),
    ...(await initialRates(subject, candidates, options)),
  ];
  for (const finding of findings) {
    if (schedulers.length < optimizers) yield { ...finding, severity: 'note' };
    else if (optimizers > 1) yield { ...finding, severity: 'warning' };
    else yield finding;
  }
}

function* emptyState({ state, statePath, slots }: Subject, schedulers: Scheduled[]): Generator<Finding> {
  const scheduler = schedulers.find(({ dict }) => epochsOf(dict) > 0);
  if (scheduler === undefined || state.size > 0 || !slots.some(keepsState)) return;
  yield {
    code: 'empty-state',
    severity: 'error',
    path: statePath,
    found: `no state at all, though ${pathText(scheduler.path)} has counted ${countText(epochsOf(scheduler.dict), 'epoch')}`,
    consequence: 'load_state_dict raises nothing, and training starts its moments and steps anew',
    cure: 'write the file again from the optimizer that trained',
  };
}

function epochsOf(scheduler: SchedulerDict['dict']): number {
  const epochs = scheduler.get('last_epoch');
  return typeof epochs === 'number' ? epochs : 0;
}

async function learningRates(
  { groups, groupsPath }: Subject,
  rates: Rates,
  schedulers: Scheduled[],
  options?: ReadOptions,
): Promise<Finding[]> {
  const [scheduler] = schedulers;
  // One that agrees is enough.
  if (scheduler === undefined || schedulers.some((other) => String(other.rates) === String(rates))) return [];
  const lrs = scheduler.rates;
  const at = lrs.findIndex((lr, i) => !Object.is(lr, rates[i]));
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
  schedulers: Scheduled[],
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
  const fits = (base: Rates): boolean => base.every((lr, i) => lr === initial[i] || initial[i] === undefined);
  if (bases.length === 0 || bases.some(fits)) return [];
  const base = bases[0] as Rates;
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
function numbersOf(values: unknown[], options?: ReadOptions): Promise<Rates> {
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
