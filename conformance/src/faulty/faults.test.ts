import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import test from 'ava';
import { adadelta, sgd } from './definitions.ts';
import { featuresOf, programArbitrary } from '../arbitrary/program.ts';
import { compare } from '../compare.ts';
import type { Program } from '../program.ts';
import { sample } from '../sample.ts';
import { torchParity } from '../subjects/torch_parity.ts';
import type { Trace } from '../trace.ts';
import { tableOf, type Fault } from './fault.ts';
import { faults } from './faults.ts';
import { hostOperations, onHost } from './host.ts';

tf.env().set('PROD', true); // else it advises to install tfjs-node
await tf.setBackend('cpu');

const enough = 3000;
const sampled = sample(programArbitrary({ ...featuresOf('2.15.0'), dtypes: ['float32'] }), 7, enough);
const programs: { program: Program; trace: Trace }[] = [];

/** A program and the trace of torch-parity without a fault. */
function example(index: number): { program: Program; trace: Trace } | undefined {
  while (programs.length <= index) {
    const { value, done } = sampled.next();
    if (done) return undefined;
    programs.push({ program: value.value, trace: run(undefined, value.value)! });
  }
  return programs[index];
}

/** The trace of a fault; undefined where the fault breaks. */
function run(fault: Pick<Fault, 'table'> | undefined, program: Program): Trace | undefined {
  try {
    return torchParity(fault?.table).run(program) as Trace;
  } catch {
    return undefined;
  }
}

/** The first program in which a fault shows, without breaking. */
function firstShown(fault: Fault): { index: number; trace: Trace } | undefined {
  for (let index = 0; ; index += 1) {
    const shown = example(index);
    if (shown === undefined) return undefined;
    const trace = run(fault, shown.program);
    if (trace && compare(trace, shown.trace)) return { index, trace };
  }
}

test('there are at least 40 faults, with names and claims of their own', (t) => {
  t.true(faults.length >= 40);
  for (const key of ['name', 'claim'] as const)
    t.is(new Set(faults.map((fault) => fault[key])).size, faults.length);
  t.true(faults.every(({ name }) => /^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)));
});

test('every fault is one, no two are the same, and none of them outlives its program', (t) => {
  const first = new Map(faults.map((fault) => [fault, firstShown(fault)]));
  const missed = faults.filter((fault) => first.get(fault) === undefined);
  t.deepEqual(
    missed.map(({ name }) => name),
    [],
  );

  for (const [i, fault] of faults.entries()) {
    for (const other of faults.slice(i + 1)) {
      const [a, b] = [first.get(fault)!, first.get(other)!];
      if (a.index !== b.index || compare(a.trace, b.trace)) continue;
      let apart = false;
      for (let index = a.index + 1; !apart; index += 1) {
        const shown = example(index);
        if (shown === undefined) break;
        const [mine, theirs] = [run(fault, shown.program), run(other, shown.program)];
        apart =
          mine === undefined || theirs === undefined ? mine !== theirs : compare(mine, theirs) !== undefined;
      }
      t.true(apart, `${fault.name} and ${other.name} are the same`);
    }
  }

  for (const { program, trace } of programs.slice(0, 100))
    t.is(compare(run(undefined, program)!, trace), undefined);
});

test('arithmetic on the host is that of tfjs, bit for bit', (t) => {
  const onTheHost = {
    table: tableOf({ Adadelta: onHost(adadelta, hostOperations), SGD: onHost(sgd, hostOperations) }),
  };
  for (let index = 0; index < 200; index += 1) {
    const { program, trace } = example(index)!;
    t.is(compare(run(onTheHost, program)!, trace), undefined);
  }
});
