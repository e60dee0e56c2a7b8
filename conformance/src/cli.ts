#!/usr/bin/env node
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { integer, natural } from './commands/integer.ts';
import { replayCommand } from './commands/replay.ts';
import { verifyCommand } from './commands/verify.ts';

const usage = `usage: torch-conformance verify [options]        checks a subject against torch.optim
       torch-conformance exchange [options]      exchanges checkpoints with torch, more than verify does
       torch-conformance replay FILE [options]   runs a stored case again
       torch-conformance fuzz --help             reads mutated checkpoints

  --subject NAME    tensorflow (default), cpu (plain tfjs), or the path of a module whose default export is a Subject
  --optimizer FILE  a .js module that exports optimizers made by defineOptimizer, to check in place of torch-parity's
  --torch-optimizer FILE  a Python file that defines them, where torch.optim does not
  --python PATH     a Python that has torch; default: ORACLE_PYTHON, or what \`make setup\` made
  --torch VERSION   the version of torch that the oracle must have
  --workers N       processes of the oracle; default: a core less than there are
verify and exchange:
  --runs N          programs to sample (2000); exchange: trainings that are resumed, and values
  --seed N          where sampling starts, also SEED in the environment; default: random, and printed
verify alone:
  --faults          judges planted faults instead of the subject, and prints when each is caught
exchange alone:
  --old             torch 2.1.2 takes part, from .venv-torch-2.1.2
  --case NAME       one case alone, as it was printed

Exits with 0 if all programs ran and all agreed, 1 on a difference, 2 where something could not run.`;

const options = {
  subject: { type: 'string', default: 'tensorflow' },
  optimizer: { type: 'string' },
  'torch-optimizer': { type: 'string' },
  python: { type: 'string' },
  torch: { type: 'string' },
  workers: { type: 'string' },
  runs: { type: 'string', default: '2000' },
  seed: { type: 'string' },
  faults: { type: 'boolean', default: false },
  old: { type: 'boolean', default: false },
  case: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

async function main(args: string[]): Promise<number> {
  if (args[0] === 'fuzz') return (await import('./commands/fuzz.ts')).fuzzCommand(args.slice(1));
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  const [command, file, ...rest] = positionals;
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const { subject, optimizer, python, torch } = values;
  const common = {
    subject,
    optimizer,
    torchOptimizer: values['torch-optimizer'],
    python,
    torch,
    workers: values.workers ? natural('--workers', values.workers) : undefined,
  };
  if ((command === 'verify' || command === 'exchange') && file === undefined) {
    const seed = values.seed ?? process.env['SEED'];
    const run = {
      ...common,
      runs: natural('--runs', values.runs),
      seed: seed ? integer('--seed', seed) : randomInt(2 ** 31),
    };
    if (command === 'exchange')
      return (await import('./commands/exchange.ts')).exchangeCommand({
        ...run,
        old: values.old,
        case: values.case,
      });
    return values.faults ? (await import('./commands/faults.ts')).faultsCommand(run) : verifyCommand(run);
  }
  if (command === 'replay' && file !== undefined && rest.length === 0)
    return replayCommand({ ...common, file });
  const problem =
    command === 'replay' ? 'replay needs one FILE' : `${positionals.join(' ') || 'nothing'} is not a command`;
  throw new Error(`${problem}\n${usage}`);
}

// The oracle is ended when this process exits, and a signal alone would not count as that.
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.once(signal, () => process.exit(code));
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`torch-conformance: ${(error as Error).message}`);
  process.exitCode = 2;
}
