import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import test from 'ava';
import { TensorData } from 'torch-parity';
import { featuresOf, programArbitrary } from '../arbitrary/program.ts';
import { compare } from '../compare.ts';
import type { Program } from '../program.ts';
import { sample } from '../sample.ts';
import { torchParity } from '../subjects/torch_parity.ts';
import type { Trace } from '../trace.ts';
import { explain } from './explain.ts';
import { faults } from './faults.ts';

tf.env().set('PROD', true); // else it advises to install tfjs-node
await tf.setBackend('cpu');

const programs: Program[] = [
  ...sample(programArbitrary({ ...featuresOf('2.15.0'), dtypes: ['float32'] }), 3, 250),
].map(({ value }) => value);

/** Programs in which a fault shows, with its trace and the exact one. */
function shown(name: string, count: number): { program: Program; failing: Trace; exact: Trace }[] {
  const { table } = faults.find((fault) => fault.name === name)!;
  const found = [];
  for (const program of programs) {
    const failing = torchParity(table).run(program) as Trace;
    const exact = torchParity().run(program) as Trace;
    if (compare(failing, exact)) found.push({ program, failing, exact });
    if (found.length === count) break;
  }
  return found;
}

for (const name of [
  'eps-outside-root',
  'old-square-avg',
  'lr-off',
  'decay-decoupled',
  'momentum-includes-lr',
  'float16-state',
  'null-gradient-stepped',
  'closure-twice',
  'params-first',
  'whole-floats-as-ints',
  'zip-by-id',
  'state-not-loaded',
]) {
  test(`${name} is named by its claim`, async (t) => {
    const { claim } = faults.find((fault) => fault.name === name)!;
    const found = shown(name, 4);
    const said = await Promise.all(
      found.map(({ program, failing, exact }) => explain(program, failing, exact)),
    );
    t.true(found.length > 0);
    t.true(said.includes(claim), said.join('\n'));
    // A program too small to tell names several faults, or none.
    t.true(
      said.every((text) => text === undefined || text.split(', or ').includes(claim)),
      said.join('\n'),
    );
  });
}

/** A trace with every float32 number of its tensors changed. */
function changed({ tensors, records }: Trace, change: (x: number, index: number) => number): Trace {
  const others = tensors.map((tensor) =>
    tensor.dtype === 'float32' && tensor.shape.length > 0
      ? TensorData.from('float32', tensor.toFloat32Array().map(change), tensor.shape)
      : tensor,
  );
  return { tensors: others, records };
}

test('a fault is named also where the subject rounds otherwise, but rounding alone is not', async (t) => {
  const said = [];
  for (const { program, failing, exact } of shown('eps-outside-root', 6)) {
    const rounded = changed(failing, (x, i) => x * (1 + (1 + (i % 2)) * 2 ** -23));
    if (!compare(rounded, failing)) continue;
    said.push(await explain(program, rounded, exact));
    t.is(await explain(program, rounded, failing), undefined);
  }
  t.deepEqual([...new Set(said.filter((text) => text !== undefined))], ['eps stood outside the roots']);
});

test('what is like no fault has no name', async (t) => {
  for (const program of programs.slice(0, 10)) {
    const exact = torchParity().run(program) as Trace;
    t.is(
      await explain(
        program,
        changed(exact, (x) => x * 1.03),
        exact,
      ),
      undefined,
    );
    t.is(await explain(program, { ...exact, records: exact.records.slice(0, 1) }, exact), undefined);
  }
});
