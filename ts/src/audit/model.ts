import type { LazyTensor, Storage } from '../checkpoint/index.ts';
import type { ModuleDict } from '../inspect/optimizers.ts';

export interface ModelParameter {
  name: string;
  tensor: LazyTensor;
}

/**
 * The parameters of a module in the order of an optimizer's ids.
 *
 * Names decide, where the optimizer has them: all of them, or nothing is known. Without, the order of the module's
 * parameters is taken, as it is for `Adam(model.parameters())`: a state dict lists them in that order, with buffers among
 * them and tied weights twice. That is a guess: an optimizer may have been given them in any order.
 *
 * @returns undefined where it cannot be told: names that the module has not, or another number of parameters
 */
export function parametersFor(
  { tensors }: ModuleDict,
  places: readonly { name: string | undefined }[],
): ModelParameter[] | undefined {
  if (places.some(({ name }) => name !== undefined)) {
    const names = places.map(({ name }) => name ?? '');
    return parametersNamed(names, tensors) ?? parametersNamed(names.map(unwrapped), unwrappedNames(tensors));
  }
  const distinct = withoutTied(Array.from(tensors, ([name, tensor]) => ({ name, tensor })));
  const withoutBuffers = distinct.filter(({ name, tensor }) => !isBuffer(name, tensor));
  return [distinct, withoutBuffers].find((parameters) => parameters.length === places.length);
}

function parametersNamed(names: string[], tensors: Map<string, LazyTensor>): ModelParameter[] | undefined {
  const parameters = names.flatMap((name) => {
    const tensor = tensors.get(name);
    return tensor === undefined ? [] : [{ name, tensor }];
  });
  return parameters.length === names.length ? parameters : undefined;
}

/** A name without what DataParallel, DistributedDataParallel and torch.compile put into it. */
function unwrapped(name: string): string {
  return name.replace(/(^|\.)_orig_mod\./g, '$1').replace(/^module\./, '');
}

function unwrappedNames(tensors: Map<string, LazyTensor>): Map<string, LazyTensor> {
  const named = new Map(Array.from(tensors, ([name, tensor]) => [unwrapped(name), tensor]));
  return named.size === tensors.size ? named : new Map(); // else two of them are one name
}

/** Two names of the same elements are one parameter, at the place of the first. */
function withoutTied(parameters: ModelParameter[]): ModelParameter[] {
  const seen = new Map<Storage, Set<string>>();
  return parameters.filter(({ tensor: { storage, offset, shape, size } }) => {
    const views = seen.get(storage) ?? new Set();
    seen.set(storage, views);
    const view = `${offset}: ${shape.join()}`;
    if (size > 0 && views.has(view)) return false;
    views.add(view);
    return true;
  });
}

/** What torch's own layers register as buffers; and nothing but floats and complex numbers can be trained. */
function isBuffer(name: string, { dtype }: LazyTensor): boolean {
  return /(^|\.)(running_mean|running_var|num_batches_tracked)$/.test(name) || !/float|complex/.test(dtype);
}
