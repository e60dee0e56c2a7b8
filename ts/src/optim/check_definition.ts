import { kernelsOf, type Kernel } from '../engine/fused/kernels.ts';
import { describedWrongly } from './check_description.ts';
import type { Definition } from './definition.ts';
import { isReserved } from './reserved_words.ts';

/** More would take too long to compile: each combination of them may be a kernel. */
const mostDecisions = 8;
/** Of all kernels together, each counted once: g++ takes some ten seconds for these. */
const mostOperations = 5000;

/**
 * Checks that a definition can be run by every engine, before any optimizer is made with it.
 *
 * @returns its kernels, by variant
 * @throws TypeError that says what is wrong, and how to put it right
 */
export function checkDefinition(definition: Definition<object>): ReadonlyMap<string, Kernel> {
  const { name } = definition;
  checkNames(definition);
  const decisions = definition.flags.length + definition.lazy.length;
  if (decisions > mostDecisions) {
    throw describedWrongly(
      name,
      `${decisions} flags and lazy state tensors are more than ${mostDecisions}: have prepare give fewer flags`,
    );
  }
  if (definition.preparesEachStep && !definition.countsSteps) {
    throw describedWrongly(
      name,
      "prepare looks at the step, which nothing counts: put step: 'count' into the state",
    );
  }
  const kernels = recorded(definition);
  if (kernels.size < 2 ** decisions) {
    throw describedWrongly(name, 'two sets of its flags are one text when joined with _: rename a flag');
  }
  const operations = [...new Set(kernels.values())].reduce(
    (sum, { recording }) => sum + recording.lines.length,
    0,
  );
  if (operations > mostOperations) {
    throw describedWrongly(
      name,
      `its kernels have ${operations} operations together, and more than ${mostOperations} take too long to compile: shorten update, or have prepare give fewer flags`,
    );
  }
  for (const [variant, kernel] of kernels) checkKernel(definition, variant, kernel);
  if (JSON.stringify([...recorded(definition)]) !== JSON.stringify([...kernels])) {
    throw describedWrongly(
      name,
      'update does another thing each time: it must depend on what it is given alone',
    );
  }
  for (const value of [-1, 0, 1]) checkOnNumbers(definition, kernels, value);
  return kernels;
}

/** @throws TypeError for an update that decides by its scalars: the kernels cannot */
function checkOnNumbers(
  definition: Definition<object>,
  kernels: ReadonlyMap<string, Kernel>,
  value: number,
): void {
  // The reference engine gives numbers, and so they are here, whatever the type says.
  const numbers = Object.fromEntries(definition.scalars.map((key) => [key, value as never]));
  // Which scalar it is, a number does not tell; and variants that differ in that alone become one, with one name.
  const operations = (of: ReadonlyMap<string, Kernel>): string =>
    JSON.stringify([...of], (key, each) => (key === 'scalars' || key === 'name' ? undefined : each));
  if (operations(recorded(definition, numbers)) === operations(kernels)) return;
  throw describedWrongly(
    definition.name,
    `update does another thing where its scalars are ${value}: what it decides by, prepare must give as a flag`,
  );
}

function recorded(
  definition: Definition<object>,
  symbols?: Readonly<Record<string, string>>,
): ReadonlyMap<string, Kernel> {
  try {
    return kernelsOf(definition, symbols);
  } catch (error) {
    throw describedWrongly(
      definition.name,
      `update fails where it is run on symbols (${String(error)}): it may use nothing but its operations`,
    );
  }
}

/** @throws TypeError for a name that another has, or that no kernel can have */
function checkNames({ name, zeros, lazy, scalars, flags }: Definition<object>): void {
  const taken = new Set(['param', 'grad']);
  for (const key of [...zeros, ...lazy, ...scalars]) {
    checkIdentifier(name, key);
    if (isReserved(key))
      throw describedWrongly(name, `${key} is a word of the kernels, which are C++: rename it`);
    if (taken.has(key)) {
      throw describedWrongly(
        name,
        `${key} names two things that the update is given: rename one, in prepare or the state`,
      );
    }
    taken.add(key);
  }
  for (const key of flags) checkIdentifier(name, key);
}

function checkIdentifier(name: string, key: string): void {
  if (key in {}) throw describedWrongly(name, `every object has something named ${key}: rename it`);
  if (/^[A-Za-z]\w*$/.test(key)) return;
  throw describedWrongly(name, `${JSON.stringify(key)} is no name: letters, digits and _, a letter first`);
}

/** @throws TypeError for an update that uses or gives what it cannot */
function checkKernel(
  { name, zeros, lazy, scalars }: Definition<object>,
  variant: string,
  { recording }: Kernel,
): void {
  const wrong = (problem: string): Error =>
    describedWrongly(name, `update${variant && ` (${variant.replaceAll('_', ' ')})`} ${problem}`);
  const { lines, outputs } = recording;
  // Lazy state that a variant does not find is undefined there, and no name.
  const values = new Set<unknown>(['grad', 'param', ...zeros, ...lazy]);
  for (const line of lines) {
    for (const value of line.tensors) {
      if (!values.has(value)) throw wrong(`has ${shown(value)} where ${line.operation} takes a tensor`);
    }
    for (const value of line.scalars) {
      if (!scalars.includes(value)) {
        throw wrong(
          `has ${shown(value)} where ${line.operation} takes a scalar: the scalars are ${scalars.join(', ') || 'none'}; prepare may give others`,
        );
      }
    }
    values.add(line.result);
  }
  const expected = ['param', ...zeros];
  for (const key of expected) {
    if (!(key in outputs)) throw wrong(`does not give ${key}: where it stays as it was, give that`);
  }
  for (const [key, value] of Object.entries(outputs)) {
    if (!expected.includes(key) && !lazy.includes(key))
      throw wrong(`gives ${key}, which is no state: add it to the state`);
    if (!values.has(value)) throw wrong(`gives ${shown(value)} for ${key}: a tensor that an operation made`);
  }
}

function shown(value: unknown): string {
  return typeof value === 'function' ? 'a function' : String(value);
}
