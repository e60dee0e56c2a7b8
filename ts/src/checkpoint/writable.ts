import { itemSizes } from '../dtype.ts';
import { isSize } from '../python/collections.ts';
import { sizeOf, TensorData } from '../tensor_data.ts';
import { unsupported } from './check_value.ts';
import { LazyTensor } from './lazy_tensor.ts';
import { MemoryStorage } from './storage.ts';
import { LoadedTensor, type StoredTensor } from './tensor.ts';

/** What holds a tensor without being one: a Parameter. */
interface HasTensorData {
  toTensorData(): TensorData;
}

/**
 * The tensor that a writer takes for an object: one of a checkpoint, TensorData, or what has a method `toTensorData`.
 *
 * @param path - of the value, for errors
 * @returns undefined for what is no tensor
 * @throws UnsupportedError UNSUPPORTED_VALUE if it reaches beyond its storage, or requires a gradient that it cannot have
 */
export function tensorToWrite(value: object, path: () => string): StoredTensor | undefined {
  if (value instanceof TensorData) checkBytes(value, path);
  if (value instanceof LazyTensor || value instanceof LoadedTensor) {
    checkReach(value, path);
    checkGradient(value, path);
    return value;
  }
  if (value instanceof TensorData) {
    const { dtype, shape } = value;
    const storage = new MemoryStorage(value.bytes);
    const stride = contiguousStride(shape);
    return { dtype, shape, storage, offset: 0, stride, requiresGrad: false, parameter: false };
  }
  if (!hasTensorData(value)) return undefined;
  const data: unknown = value.toTensorData();
  if (data instanceof TensorData) return tensorToWrite(data, path);
  throw unsupported('its method toTensorData() gives no TensorData', path);
}

/** Whether `tensorToWrite` takes an object for a tensor. */
export function isTensorToWrite(value: object): boolean {
  return value instanceof LazyTensor || value instanceof TensorData || hasTensorData(value);
}

function hasTensorData(value: object): value is HasTensorData {
  return 'toTensorData' in value && typeof value.toTensorData === 'function';
}

/** The strides of a tensor whose elements lie in row-major order, as torch gives them to empty tensors too. */
export function contiguousStride(shape: readonly number[]): number[] {
  const stride = new Array<number>(shape.length);
  for (let i = shape.length - 1, step = 1; i >= 0; i--) {
    stride[i] = step;
    step *= Math.max(shape[i] as number, 1);
  }
  return stride;
}

/** Bytes that were moved to another thread are gone here. */
function checkBytes({ dtype, shape, bytes }: TensorData, path: () => string): void {
  if (bytes.byteLength === sizeOf(shape) * itemSizes[dtype]) return;
  throw unsupported('the bytes of this tensor were transferred to another thread: save a copy', path);
}

function checkReach(tensor: StoredTensor, path: () => string): void {
  const { dtype, shape, storage, offset, stride } = tensor;
  if (![offset, ...shape, ...stride].every(isSize) || stride.length !== shape.length) {
    const layout = JSON.stringify({ shape, stride, offset });
    throw unsupported(`torch has no tensor of ${layout}: sizes and strides are whole and not negative`, path);
  }
  const last = shape.reduce((sum, size, i) => sum + (size - 1) * (stride[i] as number), offset);
  const needed = sizeOf(shape) === 0 ? 0 : (last + 1) * itemSizes[dtype];
  if (needed <= storage.byteLength && storage.byteLength % itemSizes[dtype] === 0) return;
  const what = `a ${dtype} tensor needs ${needed} bytes of a storage that has ${storage.byteLength}`;
  throw unsupported(what, path, 'UNSUPPORTED_VALUE', { expected: needed, found: storage.byteLength });
}

function checkGradient({ dtype, requiresGrad }: StoredTensor, path: () => string): void {
  if (!requiresGrad || /^(b?float|complex)/.test(dtype)) return;
  throw unsupported(
    `torch lets floats and complex numbers alone require a gradient, and this is ${dtype}: save it with requiresGrad false`,
    path,
  );
}
