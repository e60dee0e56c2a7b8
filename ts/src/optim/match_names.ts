import { ValueError } from '../errors.ts';
import { copyEntry } from '../python/copy.ts';
import { equal } from '../python/equal.ts';
import { repr, reprEntry } from '../python/repr.ts';
import type { Definition } from './definition.ts';
import type { ParamGroup } from './param_group.ts';
import type { Parameter } from './parameter.ts';
import { savedGroups, savedState } from './saved_form.ts';
import type { StateEntry, StateId } from './state.ts';
import { packStateDict, type SavedGroup, type StateDict } from './state_dict.ts';

/** A parameter of a state dict: where it stands, and the id of its state. */
interface SavedParameter {
  group: number;
  id: StateId;
}

/**
 * A state dict with the groups and the order of ours, made of one that has others. Parameters are found by name over all
 * groups: by the saved `param_names`, which torch writes since 2.6 where an optimizer was made of named parameters, and
 * by the names that ours was given. A group of ours takes the options of the saved groups that its parameters stood in;
 * a group of ours without parameters keeps its own.
 *
 * @throws ValueError that lists everything that does not fit: groups without names, names that stand twice or on one side
 *   alone, state whose shape is not its parameter's, and groups that would be made of several with different options
 */
export function matchByNames(
  definition: Definition<object>,
  groups: readonly ParamGroup<object>[],
  stateDict: StateDict,
): StateDict {
  const saved = savedGroups(stateDict);
  const state = savedState(stateDict);
  refuse([...unnamed(groups), ...unnamedSaved(saved)]);

  const ours = groups.flatMap(({ params, paramNames = [] }) =>
    params.map((parameter, i): [string, Parameter] => [paramNames[i]!, parameter]),
  );
  const theirs = saved.flatMap(({ params, param_names: names }, group) =>
    params.map((id, i): [string, SavedParameter] => [(names as string[])[i]!, { group, id }]),
  );
  const byName = new Map(theirs);
  refuse([
    ...repeated(ours).map((name) => `two parameters of the optimizer are named ${repr(name)}`),
    ...repeated(theirs).map((name) => `two parameters of the state dict are named ${repr(name)}`),
    ...absent(ours, theirs).map((name) => `the state dict has no ${repr(name)}`),
    ...absent(theirs, ours).map((name) => `the optimizer has no ${repr(name)}`),
    ...sharedIds(ours, byName),
    ...ours.flatMap(([name, parameter]) =>
      shapeProblems(definition, name, parameter, state.get(byName.get(name)?.id as StateId)),
    ),
    ...groups.flatMap((group, i) => optionProblems(i, group, saved, byName)),
  ]);

  const own = packStateDict(definition, groups, new Map()).param_groups;
  const param_groups = groups.map(({ params, paramNames = [] }, i) => {
    if (params.length === 0) return own[i]!;
    const found = paramNames.map((name) => byName.get(name)!);
    const group: Record<string, unknown> = {};
    const source = saved[found[0]!.group]!;
    for (const key of Object.keys(source)) copyEntry(source, key, group);
    group.params = found.map(({ id }) => id);
    group.param_names = paramNames;
    return group as SavedGroup;
  });
  return { ...stateDict, param_groups };
}

function refuse(problems: readonly string[]): void {
  if (problems.length === 0) return;
  throw new ValueError(
    'NAME_MISMATCH',
    `the state dict does not fit by names, and nothing was loaded:\n${problems.map((text) => `- ${text}`).join('\n')}`,
  );
}

function unnamed(groups: readonly ParamGroup<object>[]): string[] {
  return groups.flatMap(({ params, paramNames = [] }, i) =>
    paramNames.length === params.length
      ? []
      : [`group ${i} of the optimizer has no names: give its parameters as pairs, [name, parameter]`],
  );
}

function unnamedSaved(saved: readonly SavedGroup[]): string[] {
  return saved.flatMap(({ params, param_names: names }, i) => {
    if (params.length === 0) return [];
    if (Array.isArray(names) && names.length === params.length) return [];
    return [
      `param_groups[${i}] has no param_names: torch writes them since 2.6, if its optimizer is made of ` +
        'model.named_parameters()',
    ];
  });
}

function repeated(named: readonly [string, unknown][]): string[] {
  const once = new Set<string>();
  const twice = named.map(([name]) => name).filter((name) => once.has(name) || !once.add(name));
  return [...new Set(twice)];
}

function absent(from: readonly [string, unknown][], there: readonly [string, unknown][]): string[] {
  const names = new Set(there.map(([name]) => name));
  return [...new Set(from.map(([name]) => name))].filter((name) => !names.has(name));
}

/** Ids that would give one state to two parameters of ours. torch knows one parameter under two names, and so do we. */
function sharedIds(
  ours: readonly [string, Parameter][],
  byName: ReadonlyMap<string, SavedParameter>,
): string[] {
  const taken = new Map<StateId, [string, Parameter]>();
  return ours.flatMap(([name, parameter]) => {
    const saved = byName.get(name);
    if (saved === undefined) return [];
    const [otherName, other] = taken.get(saved.id) ?? [name, parameter];
    taken.set(saved.id, [otherName, other]);
    if (other === parameter) return [];
    return [
      `${repr(otherName)} and ${repr(name)} are one parameter in the state dict, and two in the optimizer`,
    ];
  });
}

function shapeProblems(
  definition: Definition<object>,
  name: string,
  { shape }: Parameter,
  entry: StateEntry = {},
): string[] {
  return [...definition.zeros, ...definition.lazy].flatMap((key) => {
    const tensor = entry[key] as { shape?: readonly number[] } | null | undefined;
    if (tensor?.shape === undefined || equal(tensor.shape, shape)) return [];
    return [
      `${key} of ${repr(name)} has shape [${tensor.shape.join(', ')}], but the parameter has [${shape.join(', ')}]`,
    ];
  });
}

/** Where the parameters of a group of ours come from groups that differ. */
function optionProblems(
  index: number,
  { paramNames = [] }: ParamGroup<object>,
  saved: readonly SavedGroup[],
  byName: ReadonlyMap<string, SavedParameter>,
): string[] {
  const sources = new Map(
    paramNames.flatMap((name) => {
      const found = byName.get(name);
      return found === undefined ? [] : [[found.group, name] as const];
    }),
  );
  const [first, ...others] = sources.keys();
  if (first === undefined) return [];
  return others.flatMap((other) => {
    const [one, two] = [saved[first]!, saved[other]!];
    const keys = new Set([...Object.keys(one), ...Object.keys(two)]);
    const different = [...keys]
      .filter((key) => key !== 'params' && key !== 'param_names' && !equal(one[key], two[key]))
      .map((key) => `${key} is ${shown(one, key)} and ${shown(two, key)}`);
    if (different.length === 0) return [];
    return [
      `group ${index} of the optimizer would be made of param_groups[${first}] (${repr(sources.get(first))}) and ` +
        `param_groups[${other}] (${repr(sources.get(other))}), which differ: ${different.join(', ')}`,
    ];
  });
}

function shown(group: SavedGroup, key: string): string {
  return key in group ? reprEntry(group, key) : 'missing';
}
