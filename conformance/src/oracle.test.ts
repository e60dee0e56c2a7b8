import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { Router } from 'zeromq';
import { OracleError, startOracle } from './oracle.ts';
import { startProcess, findPython } from './oracle_process.ts';
import { parameterDTypes, type Program } from './program.ts';
import { family, isRunning, until } from './testing/processes.ts';
import { smallProgram } from './testing/programs.ts';
import { traceKinds } from './trace.ts';
import { compare } from './compare.ts';
import { Packr } from 'msgpackr';

const packr = new Packr({ useRecords: false });

const programs: Program[] = [...Array(40).keys()].map((k) => smallProgram([k, 2 * k, -k], [3, k + 1], 0.5));

test.serial(
  'the oracle starts, shakes hands, runs overlapping batches in order, and leaves no process',
  async (t) => {
    const service = await startProcess({ python: findPython(undefined), workers: 2 });
    t.teardown(service.stop);
    const oracle = await startOracle({ endpoint: service.endpoint });
    t.teardown(() => oracle.close());
    t.like(oracle.hello, { protocol: 1, workers: 2 });
    t.deepEqual(oracle.hello.exact, [...parameterDTypes]);
    t.true(oracle.hello.optimizers.includes('Adadelta'));

    const batches = await Promise.all(
      [0, 10, 20, 30].map((at) => oracle.run(programs.slice(at, at + 10), traceKinds)),
    );
    const results = batches.flat();
    t.is(results.length, programs.length);
    const [again] = await oracle.run([programs[17]!], ['exact']);
    for (const [index, result] of results.entries()) {
      if ('failed' in result) return t.fail(result.failed.message);
      const start = programs[index]!.tensors[0]!;
      const { params } = result.exact!.records[0]!.snapshot!;
      t.deepEqual(result.exact!.tensors[params[0]!], start);
      t.is(compare(result.exact!, result.foreach!), undefined);
    }
    const seventeenth = results[17]!;
    if ('failed' in seventeenth || 'failed' in again!) return t.fail();
    t.is(compare(seventeenth.exact!, again!.exact!), undefined);
    t.deepEqual(Object.keys(again!), ['exact']);

    const members = family(service.pid);
    t.true(members.length >= 4, 'the server, two workers, and one for torch as it is');
    await oracle.close();
    await service.stop();
    t.false(members.some(isRunning));
  },
);

test.serial(
  'an oracle that is killed while it works is a clear error, and its workers go with it',
  async (t) => {
    const service = await startProcess({ python: findPython(undefined), workers: 2 });
    t.teardown(service.stop);
    const members = family(service.pid);
    process.kill(service.pid, 'SIGKILL');
    t.regex(await service.ended, /ended with SIGKILL/);
    t.true(await until(() => !members.some(isRunning)));

    const oracle = await startOracle({ workers: 1 });
    t.teardown(() => oracle.close());
    const child = oracle.pid!;
    const work = Promise.all([...Array(20)].map(() => oracle.run(programs, traceKinds)));
    setTimeout(() => process.kill(child, 'SIGKILL'), 100);
    const error = await t.throwsAsync(work, { instanceOf: OracleError });
    t.regex(error!.message, /the oracle ended with SIGKILL/);
    await t.throwsAsync(oracle.run(programs, ['exact']), { message: /ended with SIGKILL/ });
    await oracle.close();
    t.false(isRunning(child));
  },
);

test.serial('a request that the oracle refuses is an error, and the oracle lives on', async (t) => {
  await using oracle = await startOracle({ workers: 1 });
  await t.throwsAsync(oracle.run(programs, ['nonsense' as 'exact']), {
    instanceOf: OracleError,
    message: /MALFORMED/,
  });
  const [bad] = await oracle.run([{ ...programs[0]!, params: [{ tensor: 99 }] }], ['exact']);
  t.like(bad, { failed: { code: 'BAD_PROGRAM' } });
  t.is((await oracle.run(programs, ['exact'])).length, programs.length);
});

test.serial('another version of torch than the one wanted is refused', async (t) => {
  await t.throwsAsync(startOracle({ torch: '1.0.0', workers: 1 }), {
    message: /but 1\.0\.0 is wanted: run `make setup TORCH=1\.0\.0`/,
  });
});

test.serial('a Python that is missing, or has no torch, is a clear error', async (t) => {
  await t.throwsAsync(startOracle({ python: '/nowhere/python' }), {
    instanceOf: OracleError,
    message: /could not be started.*ENOENT/s,
  });
  await t.throwsAsync(startOracle({ python: '/bin/false' }), { message: /ended with exit code 1/ });
  await t.throwsAsync(startOracle({ python: '/bin/echo' }), { message: /did not announce its endpoint/ });
});

test.serial('an oracle that does not heed the end of its input ends with this process', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'torch-conformance-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const python = join(folder, 'python');
  writeFileSync(python, `#!/bin/sh\necho '{"endpoint": "tcp://127.0.0.1:9"}'\nexec sleep 1000\n`, {
    mode: 0o755,
  });
  const module = new URL('oracle_process.js', import.meta.url).href;
  const program = `const { startProcess } = await import(${JSON.stringify(module)});
    console.log((await startProcess({ python: ${JSON.stringify(python)} })).pid);
    process.exit();`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  t.regex(stdout, /^\d+\n$/);
  t.true(await until(() => !isRunning(Number(stdout))));
});

/** A stand-in for an oracle, which answers with what it is told. */
async function standIn(
  answer: (header: { type: string; id: number }) => object | undefined,
): Promise<AsyncDisposable & { endpoint: string }> {
  const socket = new Router({ linger: 0 });
  await socket.bind('tcp://127.0.0.1:0');
  const serving = (async () => {
    for await (const [peer, head] of socket) {
      const reply = answer(packr.unpack(head!) as { type: string; id: number });
      if (reply) await socket.send([peer!, packr.pack(reply)]);
    }
  })();
  return {
    endpoint: socket.lastEndpoint!,
    async [Symbol.asyncDispose]() {
      socket.close();
      await serving;
    },
  };
}

const hello = { protocol: 1, torch: '2.15.0', workers: 1 };

test.serial('an oracle that falls silent is a clear error', async (t) => {
  await using silent = await standIn(({ type, id }) =>
    type === 'hello' ? { type, id, ...hello } : undefined,
  );
  await using oracle = await startOracle({ endpoint: silent.endpoint, silenceSeconds: 1 });
  await t.throwsAsync(oracle.run(programs, ['exact']), {
    instanceOf: OracleError,
    message: /has not answered for 1 s/,
  });
});

test.serial('nobody at the endpoint is a clear error', async (t) => {
  await t.throwsAsync(startOracle({ endpoint: 'tcp://127.0.0.1:9', silenceSeconds: 1 }), {
    message: /has not answered for 1 s/,
  });
});

test.serial('another protocol, a short result and an unreadable answer are clear errors', async (t) => {
  await using old = await standIn(({ type, id }) => ({ type, id, ...hello, protocol: 0 }));
  await t.throwsAsync(startOracle({ endpoint: old.endpoint }), {
    message: /speaks protocol 0, but this harness speaks 1/,
  });

  await using short = await standIn(({ type, id }) =>
    type === 'hello' ? { type, id, ...hello } : { type: 'result', id, results: [] },
  );
  await using oracle = await startOracle({ endpoint: short.endpoint });
  await t.throwsAsync(oracle.run(programs, ['exact']), { message: /0 results for 40 programs/ });

  await using garbled = await standIn(({ type, id }) =>
    type === 'hello'
      ? { type, id, ...hello }
      : {
          type: 'result',
          id,
          results: [{ exact: { tensors: [{ dtype: 'float32', shape: [1] }], records: [] } }],
        },
  );
  await using other = await startOracle({ endpoint: garbled.endpoint });
  await t.throwsAsync(other.run(programs, ['exact']), { message: /could not be read.*fewer frames/ });
});
