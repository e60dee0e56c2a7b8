/** torch's dtypes by torch's names, without the prefix, and the bytes of an element. */
export const itemSizes = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  float8_e4m3fn: 1,
  float8_e4m3fnuz: 1,
  float8_e5m2: 1,
  float8_e5m2fnuz: 1,
  float8_e8m0fnu: 1,
  complex128: 16,
  complex64: 8,
  complex32: 4,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint64: 8,
  uint32: 4,
  uint16: 2,
  uint8: 1,
  bool: 1,
} as const;

/** torch's names of the dtypes, without the prefix. */
export type DType = keyof typeof itemSizes;

/** The arrays of the dtypes that JavaScript has one for. A complex element is two of its array, the real part first. */
interface TypedArrays {
  float64: Float64Array;
  float32: Float32Array;
  complex128: Float64Array;
  complex64: Float32Array;
  int64: BigInt64Array;
  int32: Int32Array;
  int16: Int16Array;
  int8: Int8Array;
  uint64: BigUint64Array;
  uint32: Uint32Array;
  uint16: Uint16Array;
  uint8: Uint8Array;
  bool: Uint8Array;
}

/** What {@link TensorData.toTypedArray} gives for a dtype. */
export type TypedArrayOf<D extends DType> = D extends keyof TypedArrays ? TypedArrays[D] : never;

type ArrayClass<A> = new (buffer: ArrayBufferLike) => A;

export const typedArrays: { readonly [D in keyof TypedArrays]: ArrayClass<TypedArrays[D]> } = {
  float64: Float64Array,
  float32: Float32Array,
  complex128: Float64Array,
  complex64: Float32Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint64: BigUint64Array,
  uint32: Uint32Array,
  uint16: Uint16Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};

export function isDType(name: unknown): name is DType {
  return typeof name === 'string' && Object.hasOwn(itemSizes, name);
}
