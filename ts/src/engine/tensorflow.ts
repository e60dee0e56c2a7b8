import { itemSizes } from '../dtype.ts';
import { RuntimeError } from '../errors.ts';
import { TensorData } from '../tensor_data.ts';
import type { Arithmetic } from './arithmetic.ts';
import {
  binding,
  dtypeNumbers,
  executeOp,
  typeAttr,
  wordNumbers,
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
    const { uint8 } = wordNumbers;
    const raw = binding().createTensor([...shape, itemSizes[dtype]], uint8, bytes.slice());
    try {
      return execute(dtype, 'Bitcast', [typeAttr('T', uint8), typeAttr('type', dtypeNumbers[dtype])], [raw]);
    } finally {
      binding().deleteTensor(raw);
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
    const { uint16, int32 } = wordNumbers;
    const isHalf = itemSizes[this.dtype] === 2;
    const types = [
      typeAttr('T', dtypeNumbers[this.dtype], using),
      typeAttr('type', isHalf ? uint16 : int32, using),
    ];
    const words = executeOp('Bitcast', types, [this.id], using);
    try {
      return new TensorData(
        this.dtype,
        this.shape,
        isHalf ? narrowed(words.id, using) : bytesOf(words.id, using),
      );
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

function bytesOf(id: number, using: Binding): Uint8Array {
  const { buffer, byteOffset, byteLength } = using.tensorDataSync(id);
  return new Uint8Array(buffer, byteOffset, byteLength).slice();
}

/** The bytes of words of 16 bits: the binding gives no elements so narrow, so they take the way as int32. */
function narrowed(id: number, using: Binding): Uint8Array {
  const { uint16, int32 } = wordNumbers;
  const wide = executeOp(
    'Cast',
    [typeAttr('SrcT', uint16, using), typeAttr('DstT', int32, using)],
    [id],
    using,
  );
  try {
    return new Uint8Array(new Uint16Array(using.tensorDataSync(wide.id)).buffer);
  } finally {
    using.deleteTensor(wide.id);
  }
}

function execute(dtype: NativeDType, name: string, attrs: Attr[], inputs: number[]): NativeTensor {
  const { id, shape } = executeOp(name, attrs, inputs);
  return new NativeTensor(dtype, shape, id);
}

/** A complex tensor's bits as pairs, or pairs as a complex tensor. */
export function viewAs(dtype: 'float32' | 'complex64', x: NativeTensor): NativeTensor {
  const types = [typeAttr('T', dtypeNumbers[x.dtype]), typeAttr('type', dtypeNumbers[dtype])];
  return execute(dtype, 'Bitcast', types, [x.id]);
}

/** The part of each complex number. */
export function partOf(name: 'Real' | 'Imag', x: NativeTensor): NativeTensor {
  const types = [typeAttr('T', dtypeNumbers.complex64), typeAttr('Tout', dtypeNumbers.float32)];
  return execute('float32', name, types, [x.id]);
}

/** The complex numbers of two tensors of parts. */
export function complexOf(re: NativeTensor, im: NativeTensor): NativeTensor {
  const types = [typeAttr('T', dtypeNumbers.float32), typeAttr('Tout', dtypeNumbers.complex64)];
  return execute('complex64', 'Complex', types, [re.id, im.id]);
}

/** What each scope that is open has made. */
const scopes: NativeTensor[][] = [];

/**
 * Arithmetic for tensors of a dtype by TensorFlow's own kernels, which are correctly rounded on CPU. Halves, and the parts
 * of complex numbers, are computed with as float32.
 */
export function nativeArithmetic(dtype: NativeDType): Arithmetic<NativeTensor> {
  const computed = dtype === 'float64' ? 'float64' : 'float32';
  const isHalf = itemSizes[dtype] === 2;
  const run = (name: string, ...operands: NativeTensor[]): NativeTensor =>
    execute(
      computed,
      name,
      [typeAttr('T', dtypeNumbers[computed])],
      operands.map((operand) => operand.id),
    );
  const cast = (x: NativeTensor, to: NativeDType): NativeTensor =>
    execute(
      to,
      'Cast',
      [typeAttr('SrcT', dtypeNumbers[x.dtype]), typeAttr('DstT', dtypeNumbers[to])],
      [x.id],
    );
  return {
    neg: (x) => run('Neg', x),
    add: (x, y) => run('AddV2', x, y),
    sub: (x, y) => run('Sub', x, y),
    mul: (x, y) => run('Mul', x, y),
    div: (x, y) => run('RealDiv', x, y),
    sqrt: (x) => run('Sqrt', x),
    choose(x, y, yes, no) {
      const type = typeAttr('T', dtypeNumbers[computed]);
      const condition = executeOp('GreaterEqual', [type], [x.id, y.id]);
      try {
        return execute(computed, 'SelectV2', [type], [condition.id, yes.id, no.id]);
      } finally {
        binding().deleteTensor(condition.id);
      }
    },
    widen: (x) => (isHalf ? cast(x, 'float32') : x),
    round: (x) => (isHalf ? cast(x, dtype) : x),
    clone: (x) => x.clone(),
    scalar: (value) => NativeTensor.from(TensorData.from(computed, [value], [])),
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
