import test from 'ava';
import { LazyTensor } from './lazy_tensor.ts';
import { BytesSource } from './source.ts';
import { chunkBytes, FileStorage } from './storage.ts';

const period = 251;
const bytes = new Uint8Array(36_000_000);
for (let i = 0; i < period; i++) bytes[i] = i;
for (let done = period; done < bytes.byteLength; done *= 2) bytes.copyWithin(done, 0, done);
const storage = new FileStorage(new BytesSource(bytes), 0, bytes.byteLength);

const views: Record<string, { shape: number[]; stride: number[]; offset: number }> = {
  'all of it': { shape: [36_000_000], stride: [1], offset: 0 },
  'a part': { shape: [7, 5_000_000], stride: [5_000_000, 1], offset: 3 },
  'rows larger than a piece': { shape: [2, 17_000_000], stride: [18_000_000, 1], offset: 5 },
  transposed: { shape: [18_000, 1_000], stride: [1, 18_000], offset: 0 },
  'dimensions of 1': { shape: [1, 3, 1, 6_000_001], stride: [7, 1, 7, 4], offset: 1 },
  'one element': { shape: [], stride: [], offset: 35_999_999 },
  none: { shape: [4, 0], stride: [1, 1], offset: 0 },
};

for (const [name, { shape, ...layout }] of Object.entries(views)) {
  test(`pieces are bounded, and together the bytes: ${name}`, async (t) => {
    const own = { ...layout, storage, requiresGrad: false, parameter: false };
    const tensor = new LazyTensor('uint8', shape, own, bytes.byteLength);
    const expected = Buffer.from(await tensor.bytes());
    t.is(expected.byteLength, tensor.byteLength);
    let done = 0;
    for await (const piece of tensor.chunks()) {
      t.true(piece.byteLength <= chunkBytes);
      t.is(Buffer.compare(piece, expected.subarray(done, done + piece.byteLength)), 0);
      done += piece.byteLength;
    }
    t.is(done, expected.byteLength);
  });
}

test('data is the tensor in memory', async (t) => {
  const layout = { storage, offset: 2, stride: [2], requiresGrad: false, parameter: false };
  const data = await new LazyTensor('int16', [3], layout, 100).data();
  t.is(data.dtype, 'int16');
  t.deepEqual(data.bytes, Uint8Array.of(4, 5, 8, 9, 12, 13));
});
