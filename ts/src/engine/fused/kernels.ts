import type { Definition } from '../../optim/definition.ts';
import type { ParameterDType } from '../arithmetic.ts';
import { metaOperations, type Meta } from '../check.ts';
import { named, record, type Recording } from './record.ts';

/** An update for one combination of its flags, and of the state that its parameters have already. */
export interface Kernel {
  /** The optimizer, what is set, and the state that the update finds. */
  name: string;
  recording: Recording;
  /** Each of the update's scalars, in the order in which the kernel takes them. */
  scalars: readonly string[];
  /** What its parameters may be: complex ones only where the update was written for them. */
  dtypes: readonly ParameterDType[];
  /** The tensors of a parameter that the kernel reads or writes, itself first. */
  slots: readonly string[];
}

/**
 * What distinguishes the kernels of an optimizer.
 *
 * @param missing - lazy state that the parameter does not have
 */
export function variantOf(flags: Readonly<Record<string, boolean>>, missing: ReadonlySet<string>): string {
  const set = Object.keys(flags).filter((flag) => flags[flag]);
  return [...set, ...Array.from(missing, (key) => `without_${key}`)].join('_');
}

/**
 * The kernels of an optimizer, by variant. Variants of which the update makes the same share one.
 *
 * @param symbols - what stands for its scalars
 */
export function kernelsOf(
  definition: Definition<object>,
  symbols: Readonly<Record<string, string>> = named(definition.scalars),
): ReadonlyMap<string, Kernel> {
  const { scalars } = definition;
  const made = new Map<string, Kernel>();
  const kernels = new Map<string, Kernel>();
  for (const missing of subsets(definition.lazy)) {
    for (const set of subsets(definition.flags)) {
      const flags = Object.fromEntries(definition.flags.map((flag) => [flag, set.has(flag)]));
      const tensors = ['param', ...definition.zeros, ...definition.lazy.filter((key) => !missing.has(key))];
      const recording = record(definition, ['grad', ...tensors], symbols, flags);
      const variant = variantOf(flags, missing);
      const content = JSON.stringify(recording);
      const kernel = made.get(content) ?? {
        name: [definition.name, variant].filter(Boolean).join('_'),
        recording,
        scalars,
        dtypes: takesComplex(definition, tensors, flags) ? [...realDTypes, 'complex64'] : realDTypes,
        slots: ['param', ...definition.zeros, ...definition.lazy].filter((name) => touches(recording, name)),
      };
      made.set(content, kernel);
      kernels.set(variant, kernel);
    }
  }
  return kernels;
}

const realDTypes: readonly ParameterDType[] = ['float32', 'float64', 'float16', 'bfloat16'];

/** Whether an update computes with complex tensors where it may, and with their parts elsewhere. */
function takesComplex(
  definition: Definition<object>,
  tensors: readonly string[],
  flags: Readonly<Record<string, boolean>>,
): boolean {
  const meta: Meta = { shape: [1], dtype: 'complex64' };
  try {
    const results: Record<string, Meta> = definition.update(
      metaOperations('complex64'),
      Object.fromEntries(['grad', ...tensors].map((name) => [name, meta])) as never,
      Object.fromEntries(definition.scalars.map((name) => [name, 0])),
      flags,
    );
    return Object.values(results).every(({ dtype }) => dtype === 'complex64');
  } catch {
    return false;
  }
}

function touches({ lines, outputs }: Recording, name: string): boolean {
  return name in outputs || lines.some(({ tensors }) => tensors.includes(name));
}

function* subsets(names: readonly string[]): Generator<Set<string>> {
  for (let bits = 0; bits < 2 ** names.length; bits++) {
    yield new Set(names.filter((_, i) => (bits >> i) & 1));
  }
}
