import type { DType } from '../../dtype.ts';

/** safetensors' names of the dtypes. Its library lays tensors out by dtype in this order: wider ones first. */
export const nameOfDType: Partial<Record<DType, string>> = {
  uint64: 'U64',
  int64: 'I64',
  float64: 'F64',
  complex64: 'C64',
  float32: 'F32',
  uint32: 'U32',
  int32: 'I32',
  bfloat16: 'BF16',
  float16: 'F16',
  uint16: 'U16',
  int16: 'I16',
  float8_e5m2fnuz: 'F8_E5M2FNUZ',
  float8_e4m3fnuz: 'F8_E4M3FNUZ',
  float8_e8m0fnu: 'F8_E8M0',
  float8_e4m3fn: 'F8_E4M3',
  float8_e5m2: 'F8_E5M2',
  int8: 'I8',
  uint8: 'U8',
  bool: 'BOOL',
};

export const dtypeOfName: ReadonlyMap<string, DType> = new Map(
  Object.entries(nameOfDType).map(([dtype, name]) => [name, dtype as DType]),
);

/** Larger headers the safetensors library refuses. */
export const maxHeaderBytes = 100_000_000;

/** The entry of the header that is no tensor. */
export const metadataName = '__metadata__';

/** Where our description of the tree stands in the metadata. */
export const treeKey = 'torch_parity.tree';
