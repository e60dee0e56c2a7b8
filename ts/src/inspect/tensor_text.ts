import type { LazyTensor, ReadOptions, Storage } from '../checkpoint/index.ts';
import { isContiguous } from '../checkpoint/gather.ts';
import { exactItemOf } from './elements.ts';
import { valueText } from './python_value.ts';
import { bytesText } from './quantity.ts';

/** What a reader wants to know of a tensor: dtype, shape, bytes or value, and how it lies in its storage. */
export async function tensorText(
  tensor: LazyTensor,
  sharedStorages: Map<Storage, number>,
  options?: ReadOptions,
): Promise<string> {
  const kind = `${tensor.parameter ? 'Parameter ' : ''}${valueText(tensor)}`;
  const scalar = await scalarText(tensor, options);
  const parts = scalar === undefined ? [kind, bytesText(tensor.byteLength)] : [`${kind} = ${scalar}`];
  if (tensor.requiresGrad !== tensor.parameter) {
    parts.push(tensor.requiresGrad ? 'requires grad' : 'requires no grad');
  }
  if (!isContiguous(tensor)) parts.push(`stride [${tensor.stride.join(', ')}]`);
  if (tensor.offset !== 0) parts.push(`offset ${tensor.offset}`);
  const shared = sharedStorages.get(tensor.storage);
  if (shared !== undefined) parts.push(`in shared storage ${shared}`);
  return parts.join(', ');
}

/** The value of a tensor without dimensions, as Python writes numbers; undefined for others. */
export async function scalarText(tensor: LazyTensor, options?: ReadOptions): Promise<string | undefined> {
  const item = tensor.shape.length === 0 ? await exactItemOf(tensor, options) : undefined;
  if (item === undefined) return undefined;
  if (tensor.dtype === 'bool') return valueText(item !== 0);
  return valueText(item, tensor.dtype.includes('float') ? 'float' : 'int');
}
