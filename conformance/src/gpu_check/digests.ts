import { createHash } from 'node:crypto';
import { cast, type ParameterDType, type TensorData } from 'torch-parity';
import { dtypes, kinds, results } from './work.ts';

// Prints, as JSON, a digest of the bits of every optimizer's results in every dtype: digests.js fused|reference. Run on a
// GPU and on a CPU, it must print the same.

/** NaNs count as one: their payloads are not torch's either. */
function withOneNaN(data: TensorData): Uint8Array {
  const { dtype, bytes } = data;
  if (dtype === 'float16' || dtype === 'bfloat16') {
    const wide = cast(data, 'float32').toTypedArray() as Float32Array;
    return new Uint8Array(wide.map((x) => (Number.isNaN(x) ? NaN : x)).buffer);
  }
  const { buffer } = bytes.slice();
  const numbers = dtype === 'float64' ? new Float64Array(buffer) : new Float32Array(buffer);
  for (let i = 0; i < numbers.length; i += 1) if (Number.isNaN(numbers[i])) numbers[i] = NaN;
  return new Uint8Array(numbers.buffer);
}

function digest(kind: (typeof kinds)[number], dtype: ParameterDType, engine: 'fused' | 'reference'): string {
  const hash = createHash('sha256');
  for (const data of results(kind, dtype, engine)) hash.update(withOneNaN(data));
  return hash.digest('hex');
}

const engine = process.argv[2] === 'reference' ? 'reference' : 'fused';
const digests = kinds.flatMap((kind) =>
  dtypes.map((dtype) => [`${kind}, ${dtype}`, digest(kind, dtype, engine)]),
);
console.log(JSON.stringify(Object.fromEntries(digests)));
