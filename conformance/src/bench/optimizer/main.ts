import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { findPython } from '../../oracle_process.ts';
import { Progress } from '../../report/progress.ts';
import { runBenchmark } from '../run.ts';
import { cases, smallCases, textOf } from './cases.ts';
import { chart } from './chart.ts';
import { measureCase, Workers, type Plan, type Result } from './measure.ts';
import { goalsOf, rowsOf } from './ratios.ts';
import { sides } from './sides.ts';
import { remarks, table } from './table.ts';

const usage = `usage: node conformance/dist/bench/optimizer/main.js [options]

Measures steps of optimizers: torch-parity on both engines, torch.optim as it is and compiled, optax, tfjs's own, and a
loop in C++ as the limit, turn by turn on the same values, with as many threads each. Writes
build/bench/optimizer.json and optimizer.svg.

  --rows TEXT            only the cases whose name contains it: '2,000', bfloat16, SGD
  --sides A,B            only these sides: ${sides.map(({ name }) => name).join(',')}
  --rounds N             rounds, in which all sides take a turn; times are their medians (5)
  --threads N            threads of each side, on the first N cores (all)
  --compile-limit N      seconds that a side may take until its first steps are done, and for a turn (60)
  --small                little work: whether it runs, not how fast
  --device cpu|cuda      where torch computes (cpu)
  --python PATH          a Python that has torch
  --optax PATH           a Python that has optax (.venv-bench/bin/python)`;

const options = {
  rows: { type: 'string', default: '' },
  sides: { type: 'string' },
  rounds: { type: 'string', default: '5' },
  threads: { type: 'string' },
  'compile-limit': { type: 'string', default: '60' },
  small: { type: 'boolean', default: false },
  device: { type: 'string', default: 'cpu' },
  python: { type: 'string' },
  optax: { type: 'string', default: join('.venv-bench', 'bin', 'python') },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

async function main(): Promise<void> {
  const { values } = parseArgs({ options });
  if (values.help) return console.log(usage);
  const known = values.small ? smallCases : cases;
  const chosen = known.filter((each) => textOf(each).includes(values.rows));
  if (chosen.length === 0)
    throw new Error(`no case is named ${values.rows}: ${known.map((each) => textOf(each)).join('; ')}`);
  const cores = availableParallelism();
  const build = resolve('build', 'bench');
  const progress = new Progress();
  const plan: Plan = {
    python: findPython(values.python),
    optax: existsSync(values.optax) ? values.optax : undefined,
    threads: values.threads === undefined ? cores : integer('threads', values.threads),
    cores,
    device: deviceOf(values.device),
    scratch: join(build, `optimizer-${process.pid}`),
    sides: sidesOf(values.sides),
    rounds: integer('rounds', values.rounds),
    turnSeconds: values.small ? 0.002 : 0.25,
    compileSeconds: integer('compile-limit', values['compile-limit']),
    onProgress: (text) => progress.show(text),
  };
  if (plan.threads > cores) throw new Error(`--threads is ${plan.threads}, but there are ${cores} cores`);
  const absent = plan.sides.filter((side) => side.command(plan) === undefined).map(({ name }) => name);

  mkdirSync(plan.scratch, { recursive: true });
  process.once('exit', () => rmSync(plan.scratch, { recursive: true, force: true }));
  const results: Result[] = [];
  {
    await using workers = new Workers(plan);
    for (const each of chosen) results.push(await measureCase(each, workers, plan));
  }
  progress.clear();
  const machine = `${cpus()[0]?.model ?? 'unknown'}, ${plan.threads} threads each, node ${process.versions.node}`;
  const rows = results.flatMap(rowsOf);
  const goals = values.small ? [] : goalsOf(rows);
  const report = { machine, rounds: plan.rounds, small: values.small, rows, goals, results };
  writeFileSync(join(build, 'optimizer.json'), `${JSON.stringify(report, undefined, 2)}\n`);
  const texts = new Map(plan.sides.map(({ name, text }) => [name, text]));
  writeFileSync(join(build, 'optimizer.svg'), chart(results, texts));

  const columns = plan.sides.map(({ name }) => name).filter((name) => !absent.includes(name));
  console.log(table(results, columns));
  for (const name of absent) console.log(`${name} left out: ${values.optax} is no Python that has it`);
  for (const remark of remarks(results, goals)) console.log(remark);
  const size = values.small ? 'small sizes, which tell no speed; ' : '';
  console.log(`Adadelta where no other is named; ${size}medians of ${plan.rounds} round(s); ${machine}`);
  console.log(`written to ${join(build, 'optimizer.json')} and optimizer.svg`);
  if (results.some(({ leftOut }) => leftOut.some(({ failed }) => failed))) process.exitCode = 1;
}

function integer(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new Error(`--${name} must be an integer of at least 1, but got ${text}`);
}

function deviceOf(device: string): 'cpu' | 'cuda' {
  if (device === 'cpu' || device === 'cuda') return device;
  throw new Error(`--device must be cpu or cuda, but got ${device}`);
}

function sidesOf(names: string | undefined): Plan['sides'] {
  if (names === undefined) return sides;
  return names.split(',').map((name) => {
    const side = sides.find((each) => each.name === name);
    if (side !== undefined) return side;
    throw new Error(`there is no side ${name}: ${sides.map((each) => each.name).join(', ')}`);
  });
}

await runBenchmark(main);
