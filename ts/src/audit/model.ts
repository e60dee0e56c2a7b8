import type { LazyTensor, Storage } from '../checkpoint/index.ts';
import type { ModuleDict } from '../inspect/optimizers.ts';

export interface ModelParameter {
  name: string;
  tensor: LazyTensor;
}

/**
 * The parameters of a module in the order of an optimizer's ids.
 *
 * Names decide, where the optimizer has them. Without, the order of the module's parameters does, as it does for
 * `Adam(model.parameters())`: a state dict lists them in that order, with buffers among them and tied weights twice.
 *
 * @returns undefined where it cannot be told: names that the module has not, or another number of parameters
 */
export function parametersFor(
  { tensors }: ModuleDict,
  places: readonly { name: string | undefined }[],
): ModelParameter[] | undefined {
  if (places.length > 0 && places.every(({ name }) => name !== undefined && tensors.has(name))) {
    return places.map(({ name }) => ({
      name: name as string,
      tensor: tensors.get(name as string) as LazyTensor,
    }));
  }
  const distinct = withoutTied(Array.from(tensors, ([name, tensor]) => ({ name, tensor })));
  const withoutBuffers = distinct.filter(({ name, tensor }) => !isBuffer(name, tensor));
  return [distinct, withoutBuffers].find((parameters) => parameters.length === places.length);
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
