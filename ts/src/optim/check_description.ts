import { TorchTypeError } from '../errors.ts';
import { repr, typeName } from '../python/repr.ts';

/** What is wrong with the description of an optimizer. */
export function describedWrongly(name: string, problem: string): TorchTypeError {
  return new TorchTypeError('DEFINITION', `${name} cannot be defined, since ${problem}`);
}

/**
 * Checks that a description has the form of one.
 *
 * @throws TypeError that says what is wrong, and what it should be
 */
export function checkDescription(description: unknown): void {
  if (typeof description !== 'object' || description === null) {
    throw describedWrongly(
      'an optimizer',
      `its description is ${typeName(description)}: { name, options, state, update }`,
    );
  }
  const given = description as Record<string, unknown>;
  const { name } = given;
  if (typeof name !== 'string' || !/^[A-Za-z]\w*$/.test(name)) {
    throw describedWrongly(
      'an optimizer',
      `its name is ${repr(name)}: letters, digits and _, as Python's class is named`,
    );
  }
  for (const key of ['options', 'state', 'addedOnLoad']) {
    const value = given[key];
    if (value === undefined && key === 'addedOnLoad') continue;
    if (typeof value !== 'object' || value === null) {
      throw describedWrongly(name, `${key} is ${typeName(value)}: an object, {} where there are none`);
    }
  }
  for (const key of ['update', 'prepare', 'validate', 'check']) {
    if (typeof given[key] !== 'function' && !(given[key] === undefined && key !== 'update')) {
      throw describedWrongly(name, `${key} is ${typeName(given[key])}: a function`);
    }
  }
  const foreign = Object.keys(given).filter((key) => !known.has(key));
  if (foreign.length > 0) throw describedWrongly(name, `${foreign.join(', ')} is nothing that describes one`);
  checkState(name, given['state'] as object);
  for (const key of Object.keys(given['addedOnLoad'] ?? {})) {
    if (!Object.hasOwn(given['options'] as object, key)) {
      throw describedWrongly(name, `addedOnLoad has ${key}, which is no option: add it to the options`);
    }
  }
}

const known = new Set('name options state addedOnLoad validate check prepare update'.split(' '));

function checkState(name: string, state: object): void {
  for (const [i, [key, kind]] of Object.entries(state).entries()) {
    if (kind !== 'count' && kind !== 'zeros' && kind !== 'lazy') {
      throw describedWrongly(name, `the state ${key} is ${repr(kind)}: 'count', 'zeros' or 'lazy'`);
    }
    // torch has it so, and its load_state_dict treats `step` apart.
    if ((kind === 'count') !== (key === 'step')) {
      throw describedWrongly(name, "what counts the steps is named step, and nothing else is: step: 'count'");
    }
    if (kind === 'count' && i > 0)
      throw describedWrongly(name, 'step stands first in the state: move it there');
  }
}
