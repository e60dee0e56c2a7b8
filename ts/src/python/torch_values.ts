import type { DType } from '../dtype.ts';

/** A `torch.dtype` as a value: `torch.float32`. */
export class TorchDType {
  /** torch's name, without the prefix. */
  readonly name: DType;
  constructor(name: DType) {
    this.name = name;
  }
}

/** A `torch.device` as a value: `cpu`, `cuda:0`. */
export class Device {
  readonly type: string;
  /** Which one, where several are; null where torch chooses. */
  readonly index: number | null;
  constructor(type: string, index: number | null = null) {
    this.type = type;
    this.index = index;
  }

  toString(): string {
    return this.index === null ? this.type : `${this.type}:${this.index}`;
  }
}
