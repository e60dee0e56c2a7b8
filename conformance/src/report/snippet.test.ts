import { spawnSync } from 'node:child_process';
import test from 'ava';
import fc from 'fast-check';
import { featuresOf, programArbitrary } from '../arbitrary/program.ts';
import { startOracle } from '../oracle.ts';
import { findPython } from '../oracle_process.ts';
import type { Program } from '../program.ts';
import type { Trace } from '../trace.ts';
import { pythonSnippet } from './snippet.ts';

/** Runs each snippet, and says how it ended: with which parameters, or with which error. */
const driver = `
import contextlib, json, os, sys, torch, warnings
from torch.optim.optimizer import _global_optimizer_post_hooks, _global_optimizer_pre_hooks

warnings.simplefilter("ignore")
torch.set_num_threads(1)
torch.ones(2).add_(1)  # it chooses its instructions here, before a snippet asks for others
for snippet in json.load(sys.stdin):
    space = {}
    try:
        with open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing):
            exec(snippet, space)
        end = {"params": [x.detach().reshape(-1).view(torch.uint8).numpy().tobytes().hex() for x in space["p"]]}
    except Exception as error:
        end = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(end))
    _global_optimizer_pre_hooks.clear()
    _global_optimizer_post_hooks.clear()
`;

interface End {
  params?: string[];
  error?: string;
}

function run(snippets: string[]): End[] {
  const child = spawnSync(findPython(undefined), ['-c', driver], {
    input: JSON.stringify(snippets),
    encoding: 'utf8',
  });
  return child.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as End);
}

/** The same of a trace. */
function endOf({ records, tensors }: Trace): End {
  const { error } = records.at(-1)!;
  if (error) return { error: `${error.class}: ${error.message}` };
  const { params } = records.findLast(({ snapshot }) => snapshot)!.snapshot!;
  return { params: params.map((index) => Buffer.from(tensors[index]!.bytes).toString('hex')) };
}

/** Python's own sets have no order, and a message with an address is not the same twice. */
function isRepeatable({ argument, commands }: Program): boolean {
  return !JSON.stringify([argument, commands]).includes('"set":');
}

test('a snippet does in plain Python what the program does in torch as it is', async (t) => {
  await using oracle = await startOracle({ workers: 1 });
  const arbitrary = programArbitrary(featuresOf(oracle.hello.torch));
  const programs = fc.sample(arbitrary, { seed: 11, numRuns: 200 }).filter(isRepeatable);
  const results = await oracle.run(programs, ['torch']);
  const ends = run(programs.map((program) => pythonSnippet(program, program.commands.length, '')));
  t.is(ends.length, programs.length);
  for (const [index, result] of results.entries()) {
    if ('failed' in result) return t.fail(result.failed.message);
    t.deepEqual(ends[index], endOf(result.torch!), pythonSnippet(programs[index]!, 99, ''));
  }
  t.true(ends.some(({ error }) => error) && ends.some(({ params }) => params));
});
