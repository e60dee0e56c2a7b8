import * as tf from '@tensorflow/tfjs-core';
import { RuntimeError } from '../errors.ts';
import { TensorData } from '../tensor_data.ts';
import type { Arithmetic } from './arithmetic.ts';

/**
 * The binding of tfjs-node, below tfjs's own dtypes: TensorFlow computes in float64 as well as in float32, and tfjs
 * has no name for it. This file is the only one that knows the binding.
 */
interface Binding {
  createTensor(shape: number[], dtype: number, values: Int32Array): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): Int32Array;
  executeOp(
    name: string,
    attrs: Attr[],
    inputs: number[],
    outputs: number,
  ): { id: number; shape: number[] }[];
  getNumOfTensors(): number;
  readonly TF_INT32: number;
  readonly TF_ATTR_TYPE: number;
}

interface Attr {
  name: string;
  type: number;
  value: number;
}

/** Dtypes that live in TensorFlow alone, and TensorFlow's numbers for them (types.proto). */
const dtypeNumbers = { float64: 2 } as const;
export type NativeDType = keyof typeof dtypeNumbers;

function binding(): Binding {
  const backend = tf.backend() as unknown as { binding?: Binding };
  if (backend.binding?.executeOp === undefined) {
    throw new RuntimeError(
      'NEEDS_TENSORFLOW',
      `float64 needs TensorFlow, but the tfjs backend is ${tf.getBackend()}: import '@tensorflow/tfjs-node-gpu' and ` +
        "call tf.setBackend('tensorflow')",
    );
  }
  return backend.binding;
}

/** The tensors that TensorFlow holds for this process, tfjs's included; undefined on other backends. */
export function countNativeTensors(): number | undefined {
  return (tf.backend() as unknown as { binding?: Binding }).binding?.getNumOfTensors();
}

/** A tensor of a dtype that tfjs does not have, in TensorFlow's memory. Dispose it when it is no longer needed. */
export class NativeTensor {
  readonly dtype: NativeDType;
  readonly shape: readonly number[];
  readonly #id: number;
  /** The backend that is registered may be another one by the time of disposal. */
  readonly #binding = binding();
  #disposed = false;

  /** Takes over a tensor of the binding. */
  constructor(dtype: NativeDType, shape: readonly number[], id: number) {
    this.dtype = dtype;
    this.shape = shape;
    this.#id = id;
    scopes.at(-1)?.push(this);
  }

  /** @throws RuntimeError if the backend is not TensorFlow */
  static from(data: TensorData<NativeDType>): NativeTensor {
    const { dtype, shape, bytes } = data;
    // float64 enters and leaves as pairs of int32, bit by bit.
    const { buffer } = bytes.slice();
    const words = binding().createTensor(
      [...shape, 2],
      binding().TF_INT32,
      new Int32Array(buffer as ArrayBuffer),
    );
    try {
      return execute(
        dtype,
        'Bitcast',
        [attr('T', binding().TF_INT32), attr('type', dtypeNumbers[dtype])],
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
    return this.#id;
  }

  toTensorData(): TensorData {
    const attrs = [attr('T', dtypeNumbers[this.dtype]), attr('type', binding().TF_INT32)];
    const words = executeOp('Bitcast', attrs, [this.id]);
    try {
      const { buffer, byteOffset, byteLength } = binding().tensorDataSync(words.id);
      return new TensorData(this.dtype, this.shape, new Uint8Array(buffer, byteOffset, byteLength).slice());
    } finally {
      binding().deleteTensor(words.id);
    }
  }

  clone(): NativeTensor {
    return execute(this.dtype, 'Identity', [attr('T', dtypeNumbers[this.dtype])], [this.id]);
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#binding.deleteTensor(this.#id);
    this.#disposed = true;
  }
}

function attr(name: string, value: number): Attr {
  return { name, type: binding().TF_ATTR_TYPE, value };
}

function executeOp(name: string, attrs: Attr[], inputs: number[]): { id: number; shape: number[] } {
  const [output] = binding().executeOp(name, attrs, inputs, 1);
  if (output === undefined) throw new RuntimeError('TENSORFLOW', `TensorFlow's ${name} returned nothing`);
  return output;
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
      [attr('T', dtypeNumbers[dtype])],
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
