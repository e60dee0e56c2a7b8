import { spawn } from 'node:child_process';
import { SetupError } from './setup_error.ts';

interface Options {
  /** Ends the command when it fires. */
  signal?: AbortSignal;
  /** Shows what the command writes, instead of keeping it to itself. */
  show?: boolean;
  env?: Record<string, string>;
}

/**
 * Runs a command to its end.
 *
 * @returns what it wrote to stdout; empty if shown
 * @throws CommandError if it cannot be started or fails
 */
export function run(command: string, args: string[], options: Options = {}): Promise<string> {
  const { signal, show = false, env = {} } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', show ? 'inherit' : 'pipe', 'pipe'],
      env: { ...process.env, ...env },
      ...(signal ? { signal } : {}),
    });
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      if (show) process.stderr.write(text);
    });
    child.on('error', (cause) => {
      // An interrupted command may still be writing: its end is waited for.
      if (!signal?.aborted) reject(new CommandError(command, cause.message));
    });
    child.on('close', (code) => {
      if (signal?.aborted) reject(signal.reason);
      else if (code === 0) resolve(stdout);
      else reject(new CommandError(command, stderr));
    });
  });
}

/** A command that could not be started, or failed. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  /** What it wrote to stderr, or why it could not be started. */
  readonly output: string;

  constructor(command: string, output: string) {
    const lines = output.trim().split('\n');
    super(`${command} failed: ${lines.find((line) => /\berror\b/i.test(line)) ?? lines.at(-1)}`);
    this.output = output;
  }
}

const diskFull = /no space left|disk quota exceeded|file too large|ENOSPC|EDQUOT|EFBIG/i;
// pip's last word is that it found no version at all.
const noNetwork =
  /NewConnectionError|ConnectTimeout|ReadTimeout|ConnectionResetError|ProxyError|name resolution|connection refused|connection broken|from versions: none/i;

/** The one line that says what to do about a failure while files were made under a directory. */
export function explain(error: unknown, directory: string): unknown {
  const text = error instanceof CommandError ? error.output : String(error);
  if (diskFull.test(text)) return full(directory);
  if (noNetwork.test(text)) {
    return new SetupError(
      'no network: pip could not reach its package index; check the connection, or the proxy or mirror in `pip config list`, and try again',
    );
  }
  return error instanceof CommandError ? new SetupError(error.message) : error;
}

/** The disk under a directory is full, or would be. */
export function full(directory: string, needed = ''): SetupError {
  return new SetupError(
    `the disk is full: free ${needed || 'space'} under ${directory}, or set TORCH_PARITY_HOME to a directory on another disk`,
  );
}
