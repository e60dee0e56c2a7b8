import { RuntimeError } from '../errors.ts';
import { TensorData } from '../tensor_data.ts';
import type { Arithmetic } from './arithmetic.ts';
import {
  binding,
  dtypeNumbers,
  executeOp,
  typeAttr,
  type Attr,
  type Binding,
  type NativeDType,
} from './binding.ts';

/**
 * A tensor in TensorFlow's memory that tfjs does not know: of a dtype that it does not have, or state that it need not see.
 * Dispose it when it is no longer needed.
 */
export class NativeTensor {
  readonly dtype: NativeDType;
  readonly shape: readonly number[];
  #id: number | undefined;
  /** The backend that is registered may be another one by now. */
  readonly #binding: Binding;
  #disposed = false;

  /** Takes over a tensor of the binding; a subclass may have it made when it is needed. */
  constructor(dtype: NativeDType, shape: readonly number[], id?: number, using: Binding = binding()) {
    this.dtype = dtype;
    this.shape = shape;
    this.#id = id;
    this.#binding = using;
    scopes.at(-1)?.push(this);
  }

  /** @throws RuntimeError if the backend is not TensorFlow */
  static from(data: TensorData<NativeDType>): NativeTensor {
    const { dtype, shape, bytes } = data;
    // Elements enter and leave as int32, bit by bit; one of float64 is a pair.
    const { buffer } = bytes.slice();
    const words = binding().createTensor(
      dtype === 'float64' ? [...shape, 2] : [...shape],
      binding().TF_INT32,
      new Int32Array(buffer as ArrayBuffer),
    );
    try {
      return execute(
        dtype,
        'Bitcast',
        [typeAttr('T', binding().TF_INT32), typeAttr('type', dtypeNumbers[dtype])],
        [words],
      );
    } finally {
      binding().deleteTensor(words);
    }
  }

  get isDisposed(): boolean {
    return this.#disposed;
  }

  /** The binding's number for the tensor. @throws RuntimeError if it is disposed */
  get id(): number {
    if (this.#disposed) throw new RuntimeError('DISPOSED', 'the tensor is disposed');
    return (this.#id ??= this.make());
  }

  toTensorData(): TensorData {
    const using = this.#binding;
    const attrs = [typeAttr('T', dtypeNumbers[this.dtype], using), typeAttr('type', using.TF_INT32, using)];
    const words = executeOp('Bitcast', attrs, [this.id], using);
    try {
      const { buffer, byteOffset, byteLength } = using.tensorDataSync(words.id);
      return new TensorData(this.dtype, this.shape, new Uint8Array(buffer, byteOffset, byteLength).slice());
    } finally {
      using.deleteTensor(words.id);
    }
  }

  clone(): NativeTensor {
    return execute(this.dtype, 'Identity', [typeAttr('T', dtypeNumbers[this.dtype])], [this.id]);
  }

  dispose(): void {
    this.forget();
    this.#disposed = true;
  }

  /** What a subclass makes of it when `id` is asked for. */
  protected make(): number {
    throw new RuntimeError('TENSORFLOW', 'a tensor without a number');
  }

  /** Gives back the binding's tensor. */
  protected forget(): void {
    if (this.#id !== undefined) this.#binding.deleteTensor(this.#id);
    this.#id = undefined;
  }
}

function execute(dtype: NativeDType, name: string, attrs: Attr[], inputs: number[]): NativeTensor {
  const { id, shape } = executeOp(name, attrs, inputs);
  return new NativeTensor(dtype, shape, id);
}

/** What each scope that is open has made. */
const scopes: NativeTensor[][] = [];

/** Arithmetic of a dtype by TensorFlow's own kernels, which are correctly rounded on CPU. */
export function nativeArithmetic(dtype: NativeDType): Arithmetic<NativeTensor> {
  const run = (name: string, ...operands: NativeTensor[]): NativeTensor =>
    execute(
      dtype,
      name,
      [typeAttr('T', dtypeNumbers[dtype])],
      operands.map((operand) => operand.id),
    );
  return {
    neg: (x) => run('Neg', x),
    add: (x, y) => run('AddV2', x, y),
    mul: (x, y) => run('Mul', x, y),
    div: (x, y) => run('RealDiv', x, y),
    sqrt: (x) => run('Sqrt', x),
    clone: (x) => x.clone(),
    scalar: (value) => NativeTensor.from(TensorData.from(dtype, [value], [])),
    scope(body) {
      const made: NativeTensor[] = [];
      scopes.push(made);
      let kept = new Set<NativeTensor>();
      try {
        const results = body();
        kept = new Set(Object.values(results));
        return results;
      } finally {
        scopes.pop();
        for (const tensor of made) if (!kept.has(tensor)) tensor.dispose();
      }
    },
  };
}
