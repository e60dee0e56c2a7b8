import { LazyTensor, type ReadOptions } from '../checkpoint/index.ts';
import { itemOf } from '../inspect/elements.ts';
import { put, pythonTypeOf, setNumber } from '../python/number.ts';
import type { GroupDict } from '../inspect/optimizers.ts';
import { few, type Finding } from './finding.ts';
import { leavesOf } from './leaves.ts';
import type { Subject } from './subject.ts';

/** The options of each group: their names, and that they are numbers. */
export async function* auditOptions(
  { groups, groupsPath }: Subject,
  options?: ReadOptions,
): AsyncGenerator<Finding> {
  // A small file may refer to one group often: it is looked at once.
  const paths = new Map<GroupDict, string>();
  for (const [i, group] of groups.entries()) {
    if (!paths.has(group)) paths.set(group, `${groupsPath}[${i}]`);
  }
  for (const [group, path] of paths) yield* misspelt(group, path);
  yield* uneven(groups, groupsPath);
  yield* await nonFinite(paths, options);
}

function* misspelt(group: GroupDict, path: string): Generator<Finding> {
  const wrong = [...group.keys()].flatMap((key) => {
    const right = typeof key === 'string' ? snakeCase(key) : undefined;
    return right !== undefined && right !== key && torchOptions.has(right)
      ? [{ key: key as string, right }]
      : [];
  });
  if (wrong.length === 0) return;
  const isClear =
    wrong.every(({ right }) => !group.has(right)) &&
    new Set(wrong.map(({ right }) => right)).size === wrong.length;
  yield {
    code: 'misspelt-option',
    severity: 'error',
    path,
    found: few(wrong.map(({ key, right }) => `${key}, which torch calls ${right}`)),
    consequence:
      'load_state_dict keeps it as a key that nothing reads: step() raises KeyError for the right one, or takes a default',
    ...(isClear
      ? {
          remedy: 'they get the names that torch reads',
          repair: () => rename(group, new Map(wrong.map(({ key, right }) => [key, right]))),
        }
      : { cure: 'both spellings are there: remove the wrong one' }),
  };
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Renames keys where they stand. */
function rename(group: GroupDict, names: Map<unknown, string>): void {
  const entries = Array.from(group, ([key, value]) => ({ key, value, type: pythonTypeOf(group, key) }));
  group.clear();
  for (const { key, value, type } of entries) {
    const name = names.get(key) ?? key;
    if (typeof value === 'number') setNumber(group, name, { type, value });
    else put(group, name, value);
  }
}

function* uneven(groups: GroupDict[], path: string): Generator<Finding> {
  const all = new Set(
    [...new Set(groups)]
      .flatMap((group) => [...group.keys()])
      .filter((key) => torchOptions.has(key as string)),
  );
  const lacking = groups.flatMap((group, i) => {
    const missing = [...all].filter((key) => !group.has(key));
    return missing.length === 0 ? [] : [`group ${i} has no ${few(missing.map(String))}`];
  });
  if (lacking.length === 0) return;
  yield {
    code: 'uneven-options',
    severity: 'warning',
    path,
    found: `groups with different options: ${few(lacking)}`,
    consequence:
      'load_state_dict takes the groups as they are: step() raises KeyError for some options, and takes a default for others',
    cure: 'groups of one optimizer have the same options: these may be of two optimizers, or of two versions of torch',
  };
}

/** Some limits are infinite on purpose, as LBFGS's max_eval; a learning rate is not. */
async function nonFinite(groups: Map<GroupDict, string>, options?: ReadOptions): Promise<Finding[]> {
  const found: string[] = [];
  const walked = new Set<unknown>();
  for (const [group, groupPath] of groups) {
    for (const key of group.keys()) {
      if (typeof key !== 'string' || key === 'params' || !torchOptions.has(key)) continue;
      for (const { value, path } of leavesOf(group.get(key), `${groupPath}.${key}`, walked)) {
        const number = value instanceof LazyTensor ? await itemOf(value, options) : value;
        if (Number.isNaN(number) || (key === 'lr' && (number === Infinity || number === -Infinity)))
          found.push(path);
      }
    }
  }
  if (found.length === 0) return [];
  return [
    {
      code: 'non-finite',
      severity: 'error',
      path: found[0] as string,
      found: `an option that is no number, or an infinite rate: ${few(found)}`,
      consequence: 'load_state_dict takes it, and the next step makes the parameters NaN or infinite',
      cure: 'set the option to the one that is meant, after loading',
    },
  ];
}

/** What groups of torch.optim's optimizers have; keys beyond it are the users' own. */
export const torchOptions: ReadonlySet<string> = new Set(
  `adjust_lr_fn alpha amsgrad beta2_decay betas capturable centered d dampening decoupled_weight_decay differentiable eps
  etas foreach fused history_size initial_accumulator_value lambd line_search_fn lr lr_decay max_eval max_iter maximize
  momentum momentum_decay nesterov ns_coefficients ns_steps params rho step_sizes t0 tolerance_change tolerance_grad
  weight_decay`.split(/\s+/),
);
