/** A Python tuple: an array that is no list. What its methods derive (`map`, `slice` …) are plain arrays. */
export class Tuple<T = unknown> extends Array<T> {
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }
}

/** A `torch.Size`: the shape of a tensor, as a value. */
export class Size extends Tuple<number> {}

/** Whether a value is a whole number from 0 on. */
export function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** A Python `collections.OrderedDict`. */
export class OrderedDict<K = unknown, V = unknown> extends Map<K, V> {
  /**
   * The object's own attributes, where it has any: a module's state dict has `_metadata`, which `load_state_dict` reads
   * versions from.
   */
  attributes?: Map<unknown, unknown>;
}

/** A Python `collections.Counter`. */
export class Counter<K = unknown> extends Map<K, number | bigint> {}

/** A Python `bytearray`; plain `bytes` are a Uint8Array. */
export class ByteArray extends Uint8Array {}

/** A Python `complex`. */
export class Complex {
  readonly re: number;
  readonly im: number;
  constructor(re: number, im: number) {
    this.re = re;
    this.im = im;
  }
}
