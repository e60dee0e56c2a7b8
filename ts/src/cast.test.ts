import test from 'ava';
import { cast, increment } from './cast.ts';
import { itemSizes, type DType } from './dtype.ts';
import { TensorData } from './tensor_data.ts';
import { runPython } from './testing/python.ts';

const targets = ['float16', 'bfloat16', 'float32', 'float64'] as const;

/** Integers around the midpoints of float32, what is special in floats, and noise. */
function wide(): Uint8Array {
  const integers: bigint[] = [0n, 1n, 2n ** 63n, 2n ** 64n - 1n];
  const floats = [
    0,
    -0,
    1,
    0.1,
    Infinity,
    -Infinity,
    NaN,
    3.5e38,
    1e300,
    5e-324,
    1e-45,
    2 ** -126,
    1 + 2 ** -24,
  ];
  let noise = 0x9e3779b97f4a7c15n;
  for (let i = 0; i < 2000; i++) {
    noise = BigInt.asUintN(64, noise * 6364136223846793005n + 1442695040888963407n);
    const mantissa = (1n << 23n) | (noise & 0x7fffffn);
    const shift = (noise >> 24n) % 40n;
    integers.push(noise, ((2n * mantissa + 1n) << shift) + ((noise >> 32n) % 5n) - 2n);
    floats.push(Math.fround(Number(noise) * 2 ** -32) + (i % 3) * 2 ** -24 * Number(noise) * 2 ** -33);
  }
  const negative = integers.map((value) => BigInt.asUintN(64, -value));
  const parts = [BigUint64Array.from([...integers, ...negative]), Float64Array.from(floats)];
  const bytes = Buffer.concat(parts.map(({ buffer }) => new Uint8Array(buffer)));
  return new Uint8Array(bytes.subarray(0, bytes.length & ~15));
}

/** The bytes for dtypes of 1, 2 and more bytes: the first two have every pattern. */
const patterns: readonly Uint8Array[] = [
  Uint8Array.from({ length: 1 << 8 }, (_, i) => i),
  new Uint8Array(Uint16Array.from({ length: 1 << 16 }, (_, i) => i).buffer),
  wide(),
];

/** What torch makes of these bytes, as every dtype, in the real ones that a parameter has. */
const reference = `
import sys, torch
sizes = ${JSON.stringify(itemSizes)}
data = torch.frombuffer(bytearray(sys.stdin.buffer.read()), dtype=torch.uint8)
bytes_of = dict(zip((1, 2, 4), data.split(${JSON.stringify(patterns.map(({ length }) => length))})))
known = [hasattr(torch, name) for name in sizes]
sys.stdout.buffer.write(bytes(known))
for name in (name for name, has in zip(sizes, known) if has):
    for target in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        result = bytes_of[min(sizes[name], 4)].view(getattr(torch, name)).to(target, copy=True)
        result[result.isnan()] = float('nan')
        sys.stdout.buffer.write(result.contiguous().view(torch.uint8).numpy().tobytes())
`;

/** The elements, exactly. */
const numbers = (data: TensorData): Float32Array | Float64Array =>
  data.dtype === 'float64' ? (data.toTypedArray() as Float64Array) : data.toFloat32Array();

test('every dtype is cast as torch casts it, whatever its bits', async (t) => {
  const torch = await runPython(reference, { input: Buffer.concat(patterns) });
  const { emitWarning } = process;
  const warnings: unknown[] = [];
  process.emitWarning = (text: string | Error) => void warnings.push(text);
  t.teardown(() => (process.emitWarning = emitWarning));
  const dtypes = Object.entries(itemSizes) as [DType, number][];
  let offset = dtypes.length;
  for (const [i, [name, size]] of dtypes.entries()) {
    if (torch[i] === 0) {
      t.log(`${name} is not compared: this torch does not have it`);
      continue;
    }
    const bytes = patterns[Math.min(size, 3) - 1]!;
    for (const target of targets) {
      const data = new TensorData(name, [bytes.length / size], bytes);
      const ours = numbers(cast(data, target));
      // Any NaN is as good as another.
      const end = offset + data.size * itemSizes[target];
      const theirs = numbers(new TensorData(target, data.shape, torch.subarray(offset, end)));
      const at = ours.findIndex((value, i) => !Object.is(value, theirs[i]));
      t.is(at, -1, `${name} to ${target}: element ${at} is ${ours[at]}, but torch has ${theirs[at]}`);
      offset = end;
    }
  }
  t.is(offset, torch.length);
  t.deepEqual(new Set(warnings), new Set(['Casting complex values to real discards the imaginary part']));
});

test('no imaginary part is lost, and none told of, where there is no element', (t) => {
  const { emitWarning } = process;
  process.emitWarning = () => t.fail('a warning');
  t.teardown(() => (process.emitWarning = emitWarning));
  t.deepEqual(cast(new TensorData('complex64', [0], new Uint8Array()), 'float16').shape, [0]);
});

test('a step counts in its own dtype', (t) => {
  t.is(increment(TensorData.from('float32', [2 ** 24], [])).toTypedArray()[0], 2 ** 24);
  t.is(increment(TensorData.from('float64', [2 ** 24], [])).toTypedArray()[0], 2 ** 24 + 1);
  const int = new TensorData('int64', [], new Uint8Array(BigInt64Array.of(2n ** 60n).buffer));
  t.is(increment(int).toTypedArray()[0], 2n ** 60n + 1n);
});

test('what is no TensorData is refused, with what makes it one', (t) => {
  t.throws(() => cast([1] as never, 'float16'), { code: 'NOT_TENSOR_DATA', message: /fromTensor\(tensor\)/ });
});
