import test from 'ava';
import { TensorData } from '../../tensor_data.ts';
import { load, open } from '../open.ts';
import { saveToBytes } from '../save.ts';
import { MemoryStorage } from '../storage.ts';
import { LoadedTensor } from '../tensor.ts';
import { nameTensors } from './names.ts';

// What a tree shares, safetensors writes as often as it occurs.

const format = 'safetensors';

/** Views of one storage, each of so many of its bytes. */
function views(count: number, byteLength: number, storage: MemoryStorage): LoadedTensor[] {
  const layout = { storage, offset: 0, stride: [1], requiresGrad: false, parameter: false };
  const bytes = storage.bytes.subarray(0, byteLength);
  return Array.from({ length: count }, () => new LoadedTensor('uint8', [byteLength], bytes, layout));
}

test('a tree that shares its parts is refused soon where it would grow too large or too deep', async (t) => {
  const doubled = (depth: number, inner: unknown): unknown =>
    Array.from({ length: depth }).reduce<unknown>((list) => [list, list], inner);
  for (const value of [
    doubled(40, 1),
    doubled(40, TensorData.from('int32', [1])),
    doubled(10, 'x'.repeat(1e6)),
  ])
    await t.throwsAsync(saveToBytes(value, { format }), { code: 'UNSUPPORTED_VALUE', message: /\.pt/ });
  t.deepEqual(await load(await saveToBytes(doubled(5, 1), { format })), doubled(5, 1));
  const nested = (inner: unknown): unknown =>
    Array.from({ length: 600 }).reduce<unknown>((list) => [list], inner);
  const part = nested(1);
  await t.throwsAsync(saveToBytes([part, nested(part)], { format }), { message: /deep.*\.pt/ });
});

test('names are found fast where all tensors want the same', (t) => {
  /** All ways to write so many x joined by dots as a path. */
  const paths = (count: number): Record<string, unknown> =>
    Object.fromEntries(
      Array.from({ length: count }, (_, i) => [
        Array(i + 1)
          .fill('x')
          .join('.'),
        i + 1 === count ? TensorData.from('int32', [1]) : paths(count - i - 1),
      ]),
    );
  const start = performance.now();
  const names = Array.from(nameTensors(paths(15)).values(), ({ name }) => name);
  t.true(performance.now() - start < 10_000); // half a minute where each name is sought from the start
  t.is(new Set(names).size, 2 ** 14);
  t.true(names.at(-1)?.endsWith(`.x~${2 ** 14}`));
});

test('damage is found where no tensor is all of its storage', async (t) => {
  const storage = new MemoryStorage(new Uint8Array(100).fill(7));
  const file = await saveToBytes(views(2, 90, storage));
  await t.notThrowsAsync(saveToBytes((await open(file)).value, { format }));
  file[Buffer.from(file).indexOf(new Uint8Array(100).fill(7)) + 95]! ^= 1;
  const { value } = await open(file);
  await t.throwsAsync(saveToBytes(value, { format }), { name: 'FormatError', code: 'ZIP_CRC' });
});

test('views that become tensors of their own count against the limit together', async (t) => {
  const storage = new MemoryStorage(new Uint8Array(100_000));
  const limits = { expandedBytes: 0 };
  const tied = await open(await saveToBytes(views(2, 100_000, storage)), { limits });
  await t.notThrowsAsync(saveToBytes(tied.value, { format }));
  const many = await open(await saveToBytes(views(20, 100_000, storage)), { limits });
  await t.throwsAsync(saveToBytes(many.value, { format }), { name: 'LimitError', message: /expandedBytes/ });
});
