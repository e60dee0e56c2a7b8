import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { startWorker, TimeLimit, type Worker } from './worker.ts';

/** A worker that evaluates what it is asked. */
function startEvaluator(): Worker {
  const script = `
    const { spawn } = require('node:child_process');
    const answer = async ({ evaluate }) => console.log(JSON.stringify(await eval(evaluate)));
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => answer(JSON.parse(line)));`;
  return startWorker({ name: 'evaluator', command: process.execPath, args: ['-e', script] });
}

test('replies come in the order of requests, and an error is thrown', async (t) => {
  await using worker = startEvaluator();
  t.deepEqual(await worker.ask({ evaluate: '({ one: 1 })' }), { one: 1 });
  await t.throwsAsync(worker.ask({ evaluate: "({ error: 'bad' })" }), { message: 'bad' });
  t.deepEqual(await worker.ask({ evaluate: '({ two: 2 })' }), { two: 2 });
});

test('what does not answer in time is ended, with all that it started', async (t) => {
  await using worker = startEvaluator();
  const { pid } = await worker.ask<{ pid: number }>({
    evaluate: "({ pid: spawn('sleep', ['1000'], { stdio: 'ignore' }).pid })",
  });
  t.true(isRunning(pid));
  const error = await t.throwsAsync(worker.ask({ evaluate: 'new Promise(() => {})' }, 0.1));
  t.true(error instanceof TimeLimit);
  t.is(error.message, 'over 0.1 s');
  for (let tries = 0; tries < 100 && isRunning(pid); tries += 1) await sleep(20);
  t.false(isRunning(pid));
});

test('a worker that hangs ends with its disposal', async (t) => {
  const worker = startEvaluator();
  const { pid } = await worker.ask<{ pid: number }>({ evaluate: '({ pid: process.pid })' });
  void worker.ask({ evaluate: 'while (true);' }).catch(() => {});
  await worker[Symbol.asyncDispose]();
  t.false(isRunning(pid));
});

test('a worker that ends says how, and what it said last', async (t) => {
  await using worker = startEvaluator();
  await t.throwsAsync(worker.ask({ evaluate: "console.error('no memory'); process.exit(3)" }), {
    message: 'the worker evaluator does not answer: it ended with 3; it said last:\nno memory',
  });
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
