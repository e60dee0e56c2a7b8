import { RuntimeError, ValueError } from 'torch-parity';
import { defined, mixed, steps, type Fault } from './fault.ts';
import { both, type Common } from './patch.ts';

/** Faults of options: when they are read, what is refused, and how they are shown. */
export const optionFaults: readonly Fault[] = [
  lrRemembered(),
  defined('int-default-as-float', 'a default of 0 were 0.0', both(withFloatDefaults)),
  defined(
    'options-unchecked',
    'illegal options were accepted',
    both((own) => ({ ...own, validate() {} })),
  ),
  defined(
    'error-class',
    'an illegal option were a RuntimeError',
    both((own) => refusing(own, ({ code, message }) => new RuntimeError(code, message))),
  ),
  defined(
    'error-text',
    'an error showed numbers as JavaScript writes them',
    both((own) =>
      refusing(own, ({ code, message }) => new ValueError(code, message.replace(/\S+$/, asJavaScript))),
    ),
  ),
  defined(
    'capturable-unchecked',
    'capturable were accepted off CUDA',
    both((own) => ({ ...own, check() {} })),
  ),
  mixed(
    'repr-as-javascript',
    'repr showed values as JavaScript writes them',
    (base) =>
      class extends base {
        override toString(): string {
          return super.toString().replaceAll(/(?<=: )\S+$/gm, asJavaScript);
        }
      },
  ),
];

function lrRemembered(): Fault {
  const first = new WeakMap<object, unknown>();
  return steps(
    'lr-remembered',
    'lr could not be changed after the first step',
    ({ paramGroups }, step, closure) => {
      const groups = paramGroups as Record<string, unknown>[];
      const now = groups.map((group) => group.lr);
      for (const group of groups) {
        if (!first.has(group)) first.set(group, group.lr);
        group.lr = first.get(group);
      }
      try {
        return step(closure);
      } finally {
        groups.forEach((group, i) => group.lr === first.get(group) && (group.lr = now[i]));
      }
    },
  );
}

function withFloatDefaults(definition: Common): Common {
  const options = Object.entries(definition.options).map(([name, { key, default: value, type }]) => [
    name,
    { key, default: value, type },
  ]);
  return { ...definition, options: Object.fromEntries(options) };
}

function refusing(definition: Common, change: (error: ValueError) => Error): Common {
  return {
    ...definition,
    validate(options) {
      try {
        definition.validate(options);
      } catch (error) {
        throw change(error as ValueError);
      }
    },
  };
}

/** A word of Python's as JavaScript would have written it. */
function asJavaScript(word: string): string {
  const known: Record<string, string> = {
    None: 'null',
    True: 'true',
    False: 'false',
    nan: 'NaN',
    inf: 'Infinity',
  };
  const number = Number(word);
  return known[word] ?? (Number.isNaN(number) ? word : String(number));
}
