import type { DType } from '../../dtype.ts';

/** torch's classes of storages, by the dtype of their elements. The other dtypes lie in an UntypedStorage. */
export const storageTypes: Readonly<Record<string, DType>> = {
  DoubleStorage: 'float64',
  FloatStorage: 'float32',
  HalfStorage: 'float16',
  BFloat16Storage: 'bfloat16',
  ComplexDoubleStorage: 'complex128',
  ComplexFloatStorage: 'complex64',
  LongStorage: 'int64',
  IntStorage: 'int32',
  ShortStorage: 'int16',
  CharStorage: 'int8',
  ByteStorage: 'uint8',
  BoolStorage: 'bool',
};
