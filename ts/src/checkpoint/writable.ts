import { itemSizes } from '../dtype.ts';
import { sizeOf, TensorData } from '../tensor_data.ts';
import { UnsupportedError } from './errors.ts';
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
 * @throws UnsupportedError UNSUPPORTED_VALUE if it reaches beyond its storage
 */
export function tensorToWrite(value: object, path: () => string): StoredTensor | undefined {
  if (value instanceof LazyTensor || value instanceof LoadedTensor) {
    checkReach(value, path);
    return value;
  }
  if (value instanceof TensorData) {
    const { dtype, shape } = value;
    const storage = new MemoryStorage(value.bytes);
    const stride = contiguousStride(shape);
    return { dtype, shape, storage, offset: 0, stride, requiresGrad: false, parameter: false };
  }
  if ('toTensorData' in value && typeof value.toTensorData === 'function') {
    return tensorToWrite((value as HasTensorData).toTensorData(), path);
  }
  return undefined;
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

function checkReach({ dtype, shape, storage, offset, stride }: StoredTensor, path: () => string): void {
  const last = shape.reduce((sum, size, i) => sum + (size - 1) * (stride[i] as number), offset);
  const needed = sizeOf(shape) === 0 ? 0 : (last + 1) * itemSizes[dtype];
  if (needed <= storage.byteLength && storage.byteLength % itemSizes[dtype] === 0) return;
  throw new UnsupportedError(
    'UNSUPPORTED_VALUE',
    `${path()}: a ${dtype} tensor needs ${needed} bytes of a storage that has ${storage.byteLength}`,
    { path: path(), expected: needed, found: storage.byteLength },
  );
}
