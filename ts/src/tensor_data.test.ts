import test from 'ava';
import fc from 'fast-check';
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
  t.throws(() => new TensorData('float32', new Array(3), new Uint8Array(4)), { code: 'BAD_SHAPE' });
  t.throws(() => new TensorData('half' as never, [], new Uint8Array(2)), { code: 'UNKNOWN_DTYPE' });
  t.is(new TensorData('int64', [3, 0], new Uint8Array(0)).size, 0);
});

test('what an array cannot hold is refused, and the refusal names what can', (t) => {
  const half = new TensorData('float16', [1], Uint8Array.of(0, 0x3c));
  t.throws(() => half.toTypedArray(), { name: 'TypeError', code: 'NO_ARRAY', message: /toFloat32Array\(\)/ });
  t.deepEqual([...half.toFloat32Array()], [1]);
  for (const dtype of ['complex32', 'complex64', 'complex128'] as const) {
    const complex = new TensorData(dtype, [0], new Uint8Array(0));
    t.throws(() => complex.toFloat32Array(), { name: 'TypeError', code: 'COMPLEX' });
  }
});

test('numbers become elements; complex ones come in pairs', (t) => {
  const complex = TensorData.from('complex64', [1, 2, 3, -4]);
  t.deepEqual(complex.shape, [2]);
  t.deepEqual(complex.toTypedArray(), Float32Array.of(1, 2, 3, -4));
  t.deepEqual(TensorData.from('complex64', [1, 2], []).size, 1);
  t.throws(() => TensorData.from('complex64', [1, 2, 3]), { code: 'BAD_SHAPE' });
});

test('what TensorData.from cannot make is refused, with the way that can', (t) => {
  t.throws(() => TensorData.from('int64' as never, [1]), {
    name: 'TypeError',
    code: 'UNSUPPORTED_DTYPE',
    message: /, but got int64: for another dtype, new TensorData\(/,
  });
  t.throws(() => TensorData.from('bfloat16', [[1, 2]] as never), {
    code: 'NOT_NUMBERS',
    message: /a list in the list/,
  });
  t.throws(() => TensorData.from('float32', ['1'] as never), { code: 'NOT_NUMBERS' });
});
