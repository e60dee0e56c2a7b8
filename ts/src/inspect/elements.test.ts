import test from 'ava';
import { LazyTensor, open } from '../checkpoint/index.ts';
import { torchFiles } from '../testing/torch_files.ts';
import { numberFormat } from './elements.ts';

/** For each dtype: numbers, each one's next, and both as float64. */
const neighbours = `
small = ["float16", "bfloat16", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu"]
out = {}
for name in small:
    dtype = getattr(torch, name, None)
    if dtype is None: continue
    bits = torch.arange(256, dtype=torch.uint8) if dtype.itemsize == 1 else torch.arange(65536, dtype=torch.int32).to(torch.uint16)
    x = bits.view(dtype)
    wide = x.to(torch.float64)
    kept = ~wide.isnan() & ~((wide == 0) & wide.signbit())
    order = wide[kept].argsort()
    x = bits[kept].to(torch.int32)[order].to(bits.dtype).view(dtype)
    out[name] = [x[:-1].clone(), x[1:].clone()]
for name in ("float32", "float64"):
    dtype = getattr(torch, name)
    x = torch.cat([torch.randn(500, dtype=dtype), torch.randn(500, dtype=dtype) * torch.finfo(dtype).tiny,
                   torch.tensor([0.0, torch.finfo(dtype).max, -torch.finfo(dtype).tiny], dtype=dtype)])
    out[name] = [x, torch.nextafter(x, torch.tensor(float("inf"), dtype=dtype))]
for name in ("int8", "uint8", "int32", "int64"):
    info = torch.iinfo(getattr(torch, name))
    x = torch.tensor([info.min, -1 if info.min else 1, 0, 5, info.max - 1], dtype=getattr(torch, name))
    out[name] = [x, x + 1]
`;

test('numbers of every dtype are those of torch, and the next one is one ulp away', async (t) => {
  const { file: bytes } = await torchFiles(neighbours, {
    file: '{name: [a, b, a.to(torch.float64), b.to(torch.float64)] for name, (a, b) in out.items()}',
  });
  await using file = await open<Map<string, LazyTensor[]>>(bytes);
  t.true(file.value.size >= 12);
  for (const [name, tensors] of file.value) {
    const [left, right, leftWide, rightWide] = await Promise.all(tensors.map(viewOf));
    const [tensor] = tensors as [LazyTensor];
    const { size, valueAt, distanceAt } = numberFormat(tensor.dtype);
    for (let i = 0; i < tensor.size; i++) {
      if (Number(valueAt(left!, size * i)) !== leftWide!.getFloat64(8 * i, true))
        t.fail(`${name}: value of element ${i}`);
      if (Number(valueAt(right!, size * i)) !== rightWide!.getFloat64(8 * i, true))
        t.fail(`${name}: next of element ${i}`);
      if (distanceAt(left!, right!, size * i) !== 1) t.fail(`${name}: distance at element ${i}`);
      if (distanceAt(left!, left!, size * i) !== 0) t.fail(`${name}: distance of element ${i} to itself`);
    }
  }
});

test('0 and -0 are one number, and distances cross it', (t) => {
  for (const [dtype, positive, negative] of [
    ['float32', Float32Array.of(0, 2 ** -149), Float32Array.of(-0, -(2 ** -149))],
    ['float64', Float64Array.of(0, 2 ** -1074), Float64Array.of(-0, -(2 ** -1074))],
  ] as const) {
    const { size, distanceAt } = numberFormat(dtype);
    const [left, right] = [new DataView(positive.buffer), new DataView(negative.buffer)];
    t.is(distanceAt(left, right, 0), 0, dtype);
    t.is(distanceAt(left, right, size), 2, dtype);
  }
});

test('integers are exact, also those that no double holds', (t) => {
  for (const [dtype, values] of [
    ['int64', BigInt64Array.of(-(2n ** 63n), -(2n ** 53n) - 1n, -5n, 2n ** 53n - 1n, 2n ** 53n + 1n)],
    ['uint64', BigUint64Array.of(0n, 2n ** 53n - 1n, 2n ** 53n + 1n, 2n ** 64n - 1n)],
  ] as const) {
    const { valueAt } = numberFormat(dtype);
    const view = new DataView(values.buffer);
    for (const [i, value] of values.entries()) {
      const isSafe = Number.isSafeInteger(Number(value));
      t.is(valueAt(view, 8 * i), isSafe ? Number(value) : value);
    }
  }
});

async function viewOf(tensor: LazyTensor): Promise<DataView> {
  const { buffer, byteOffset, byteLength } = await tensor.bytes();
  return new DataView(buffer, byteOffset, byteLength);
}
