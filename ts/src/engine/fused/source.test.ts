import { readFileSync } from 'node:fs';
import test from 'ava';
import { Adadelta, SGD } from '../../index.ts';
import { kernelsOf } from './kernels.ts';
import { kernelSource } from './source.ts';

test("Adadelta's kernels are those that were reviewed", (t) => {
  const snapshot = new URL('../../../src/engine/fused/adadelta.snapshot.cc', import.meta.url);
  const kernels = kernelsOf(Adadelta.definition);
  t.is(kernelSource([...new Set(kernels.values())]), readFileSync(snapshot, 'utf8'));
});

test('variants for which an update does the same share a kernel', (t) => {
  const kernels = kernelsOf(SGD.definition);
  t.is(kernels.size, 32);
  t.is(new Set(kernels.values()).size, 20);
  t.is(kernels.get('nesterov'), kernels.get(''));
  t.is(kernels.get('maximize_without_momentum_buffer'), kernels.get('maximize'));
  t.not(kernels.get('hasMomentum_without_momentum_buffer'), kernels.get('hasMomentum'));
});

test('a kernel has the tensors that its update touches, and takes all scalars', (t) => {
  const kernels = kernelsOf(SGD.definition);
  t.deepEqual(kernels.get('')!.slots, ['param']);
  t.deepEqual(kernels.get('hasMomentum')!.slots, ['param', 'momentum_buffer']);
  t.deepEqual(kernels.get('')!.scalars, ['minusLr', 'momentum', 'oneMinusDampening', 'weightDecay']);
});
