import test from 'ava';
import fc from 'fast-check';
import { cast, increment } from './cast.ts';
import { TensorData } from './tensor_data.ts';

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

test('bytes survive, NaN payloads too, wherever in a buffer they start', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 8, maxLength: 8 }), fc.nat(7), (bytes, offset) => {
      const shifted = new Uint8Array(16);
      shifted.set(bytes, offset);
      const data = new TensorData('float64', [], shifted.subarray(offset, offset + 8));
      t.deepEqual(data.clone().bytes, bytes);
      t.is(data.toTypedArray()[0], view(bytes).getFloat64(0, true));
    }),
  );
});

test('bytes may come as a Buffer, whose slice() would not copy', (t) => {
  const data = new TensorData('float32', [2], Buffer.from(new Uint8Array(Float32Array.of(1, 2).buffer)));
  t.deepEqual(data.toTypedArray(), Float32Array.of(1, 2));
  const copy = data.clone();
  copy.bytes.fill(0);
  t.deepEqual(data.toTypedArray(), Float32Array.of(1, 2));
});

test('a shape that is none, or that the bytes do not fill, is refused', (t) => {
  t.throws(() => new TensorData('float32', [2], new Uint8Array(4)), { code: 'BAD_BYTES' });
  t.throws(() => new TensorData('float32', [-1], new Uint8Array(0)), { code: 'BAD_SHAPE' });
  t.throws(() => new TensorData('float32', [0.5], new Uint8Array(2)), { code: 'BAD_SHAPE' });
  t.throws(() => new TensorData('float16' as never, [], new Uint8Array(2)), { code: 'UNKNOWN_DTYPE' });
  t.is(new TensorData('int64', [3, 0], new Uint8Array(0)).size, 0);
});

test('float64 to float32 rounds to nearest even', (t) => {
  fc.assert(
    fc.property(fc.double(), (value) => {
      t.is(cast(TensorData.from('float64', [value], []), 'float32').toTypedArray()[0], Math.fround(value));
    }),
  );
});

test('int64 to float32 rounds once', (t) => {
  // Integers around the midpoints of float32, where rounding to a double first would go wrong.
  const nearMidpoint = fc
    .tuple(
      fc.bigInt(2n ** 23n, 2n ** 24n - 1n),
      fc.integer({ min: 1, max: 39 }),
      fc.bigInt(-2n, 2n),
      fc.boolean(),
    )
    .map(([mantissa, shift, nudge, negative]) => {
      const value = ((2n * mantissa + 1n) << BigInt(shift - 1)) + nudge;
      return negative ? -value : value;
    });
  fc.assert(
    fc.property(nearMidpoint, (value) => {
      const int = new TensorData('int64', [], new Uint8Array(BigInt64Array.of(value).buffer));
      const rounded = cast(int, 'float32').toTypedArray()[0]!;
      const error = BigInt(rounded) - value;
      const ulp = 2n ** BigInt(Math.max(0, value.toString(2).replace('-', '').length - 24));
      const size = error < 0n ? -error : error;
      t.true(2n * size <= ulp, `${value} became ${rounded}`);
      const isTie = 2n * size === ulp && ulp > 1n;
      t.true(
        !isTie || (BigInt(rounded) / ulp) % 2n === 0n,
        `${value} is a tie, and became the odd ${rounded}`,
      );
    }),
    { numRuns: 1000 },
  );
});

test('a step counts in its own dtype', (t) => {
  t.is(increment(TensorData.from('float32', [2 ** 24], [])).toTypedArray()[0], 2 ** 24);
  t.is(increment(TensorData.from('float64', [2 ** 24], [])).toTypedArray()[0], 2 ** 24 + 1);
  const int = new TensorData('int64', [], new Uint8Array(BigInt64Array.of(2n ** 60n).buffer));
  t.is(increment(int).toTypedArray()[0], 2n ** 60n + 1n);
});
