#!/usr/bin/env node
import { inspect } from 'node:util';
import { SetupError } from '../native/setup_error.ts';
import { UsageError } from './usage_error.ts';

interface Command {
  usage: string;
  /** @returns the exit status */
  run(args: string[]): Promise<number>;
}

const commands: Record<string, { summary: string; load: () => Promise<Command> }> = {
  doctor: {
    summary: 'shows versions and the device in use, and whether all is exact',
    load: () => import('./doctor.ts'),
  },
  inspect: {
    summary: 'shows what a checkpoint holds, or how two differ',
    load: () => import('./inspect.ts'),
  },
  convert: {
    summary: 'writes a checkpoint in another format',
    load: () => import('./convert.ts'),
  },
  audit: {
    summary: 'finds what torch would load silently and wrongly, and repairs it',
    load: () => import('./audit.ts'),
  },
  'setup-tensorflow': {
    summary: 'downloads TensorFlow and compiles the addon of tfjs-node-gpu',
    load: () => import('./setup_tensorflow.ts'),
  },
};

const summaries = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(18)}${summary}`);
const usage = `Usage: torch-parity <command> [options]

Commands:
${summaries.join('\n')}

torch-parity <command> --help tells more.`;

async function main([name, ...args]: string[]): Promise<number> {
  if (name === '--help' || name === '-h') {
    console.log(usage);
    return 0;
  }
  const entry = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (entry === undefined) {
    console.error(`${name === undefined ? 'which command?' : `unknown command: ${name}`}\n\n${usage}`);
    return 2;
  }
  const command = await entry.load();
  if (args.includes('--help') || args.includes('-h')) {
    console.log(command.usage);
    return 0;
  }
  try {
    return await command.run(args);
  } catch (error) {
    const { code, syscall, message } = error as NodeJS.ErrnoException;
    // The system's own errors are clear as they are: what was refused, and for which file.
    if (error instanceof SetupError || syscall !== undefined) {
      console.error(`torch-parity: ${message}`);
      return 1;
    }
    if (error instanceof UsageError || code?.startsWith('ERR_PARSE_ARGS')) {
      // Of an unknown option, Node goes on about files of which the name starts with a dash.
      const [mistake] = message.split('. To specify');
      const [synopsis] = command.usage.split('\n\n');
      console.error(`torch-parity: ${mistake}\n\n${synopsis}\n\ntorch-parity ${name} --help tells more.`);
      return 2;
    }
    throw error;
  }
}

process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
  // Whoever reads us has seen enough: `torch-parity inspect FILE | head`. The status is that of a program that SIGPIPE ends:
  // 0 would say that nothing differs.
  if (code === 'EPIPE') process.exit(141);
  console.error(`torch-parity: cannot write the output: ${message}`);
  process.exit(2);
});

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  // A mistake of ours. 1, with which node would end, means that something was found; names out of a file may be in the text.
  const { escapeControls } = await import('./file_command.ts');
  console.error(inspect(error).split('\n').map(escapeControls).join('\n'));
  process.exitCode = 2;
}
