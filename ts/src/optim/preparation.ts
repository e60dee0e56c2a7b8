import { TorchTypeError } from '../errors.ts';
import { describedWrongly } from './check_description.ts';
import type { Definition, Option, Prepared } from './definition.ts';
import type { Defaults, Description, StateTable } from './description.ts';

export type AnyDescription = Description<Defaults, StateTable, string, string>;

type Prepare = (options: object, step?: number) => Prepared;

/**
 * What a definition has to do with preparing: the function, and the names that it gives values to.
 *
 * @throws TypeError where it fails on the defaults, or gives what is no scalars and flags
 */
export function preparation(
  description: AnyDescription,
  options: Readonly<Record<string, Option<unknown>>>,
): Pick<Definition<object>, 'prepare' | 'scalars' | 'flags' | 'preparesEachStep'> {
  const { name } = description;
  const prepare = checkedPrepare(description, options);
  const first = preparedOnce(description, options, prepare);
  const [scalars, flags] = [Object.keys(first.scalars), Object.keys(first.flags)];
  return {
    ...{ scalars, flags, preparesEachStep: (description.prepare?.length ?? 0) > 1 },
    prepare(given, step) {
      const prepared = prepare(given, step);
      return {
        scalars: alike(name, 'scalars', prepared.scalars, scalars),
        flags: alike(name, 'flags', prepared.flags, flags),
      };
    },
  };
}

/** What prepares an update, by options that the description leaves to stand for themselves where it does. */
function checkedPrepare(
  { name, prepare }: AnyDescription,
  options: Readonly<Record<string, Option<unknown>>>,
): Prepare {
  const ofType = (type: string): string[] =>
    Object.keys(options).filter((key) => options[key]!.type === type);
  const [floats, bools] = [ofType('float'), ofType('bool')];
  return (given, step = 1) => {
    const prepared: Partial<Prepared> = prepare === undefined ? {} : prepare(given as never, step);
    if (prepare !== undefined) checkPrepared(name, prepared);
    const scalars = prepared.scalars ?? (pick(given, floats) as Record<string, number>);
    const flags = prepared.flags ?? (pick(given, bools) as Record<string, boolean>);
    for (const key in scalars) expectType(name, 'scalar', 'number', key, scalars[key]);
    for (const key in flags) expectType(name, 'flag', 'boolean', key, flags[key]);
    return { scalars, flags };
  };
}

/** What is prepared of the defaults. */
function preparedOnce(
  { name, prepare: described }: AnyDescription,
  options: Readonly<Record<string, Option<unknown>>>,
  prepare: Prepare,
): Prepared {
  try {
    const defaults = Object.freeze(
      Object.fromEntries(Object.entries(options).map(([key, option]) => [key, option.default])),
    );
    const prepared = prepare(defaults, 1);
    const isSame = (): boolean => JSON.stringify(prepare(defaults, 2)) === JSON.stringify(prepared);
    if ((described?.length ?? 0) < 2 && !isSame()) {
      throw describedWrongly(
        name,
        'prepare gives other values each time: it must be pure, and where it looks at the step name it, (options, step), without a default',
      );
    }
    return prepared;
  } catch (error) {
    if (error instanceof TorchTypeError) throw error;
    throw describedWrongly(
      name,
      `prepare fails on the defaults (${String(error)}): it must take any legal options`,
    );
  }
}

function checkPrepared(name: string, prepared: unknown): void {
  const keys = typeof prepared === 'object' && prepared !== null ? Object.keys(prepared) : [];
  if (keys.length > 0 && keys.every((key) => key === 'scalars' || key === 'flags')) return;
  const got = keys.length > 0 ? `{ ${keys.join(', ')} }` : String(prepared);
  throw describedWrongly(name, `prepare gives ${got}: { scalars, flags }, or one of them`);
}

/** What is prepared, in the order of the first time: by which engines know the scalars, and the kernel for the flags. */
function alike<V>(
  name: string,
  kind: string,
  prepared: Record<string, V>,
  expected: readonly string[],
): Record<string, V> {
  const names = Object.keys(prepared);
  if (names.length === expected.length && expected.every((key) => Object.hasOwn(prepared, key)))
    return pick(prepared, expected) as Record<string, V>;
  const [got, wanted] = [names, expected].map((each) => each.join(', ') || 'none');
  throw describedWrongly(
    name,
    `prepare gives the ${kind} ${got}, but of the defaults it gives ${wanted}: they must have the same names always`,
  );
}

function pick(from: object, names: readonly string[]): object {
  return Object.fromEntries(names.map((name) => [name, (from as Record<string, unknown>)[name]]));
}

function expectType(name: string, kind: string, type: string, key: string, value: unknown): void {
  if (typeof value !== type)
    throw describedWrongly(name, `prepare gives ${String(value)} for the ${kind} ${key}: a ${type}`);
}
