import { constants } from 'node:os';
import { ClosedError, FormatError, LimitError, UnsupportedError } from '../checkpoint/index.ts';

/** The exit status of a command that could not read or write a file. */
const trouble = 2;

/** A file is not what a command needs, though it can be read. */
export class FileError extends Error {
  override readonly name = 'FileError';
  constructor(file: string, message: string) {
    super(`${file}: ${message}`);
  }
}

/**
 * Runs a command about files. A file that is at fault ends it with a line on stderr and exit status 2; an interruption
 * ends it by way of the signal, which removes half-written files, and with the status that shells give it: 130 for Ctrl-C.
 *
 * @returns the exit status
 */
export async function fileCommand(run: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const controller = new AbortController();
  const { signal } = controller;
  const stop = (name: NodeJS.Signals): void => controller.abort(name);
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of names) process.once(name, stop); // a second one ends the process at once
  try {
    return await run(signal);
  } catch (error) {
    if (signal.aborted) return 128 + constants.signals[signal.reason as NodeJS.Signals];
    const line = explain(error);
    if (line === undefined) throw error;
    console.error(`torch-parity: ${line}`);
    return trouble;
  } finally {
    for (const name of names) process.off(name, stop);
  }
}

/** What is wrong with a file, on one line; undefined for an error that is ours. */
function explain(error: unknown): string | undefined {
  const { message, path, syscall } = error as NodeJS.ErrnoException;
  // Names out of the file stand in messages, and a terminal must not obey them.
  if (isAboutFile(error)) return escapeControls(message);
  if (syscall === undefined) return undefined;
  const [, reason = message] = /^[A-Z0-9]+: (.+?)(?:, .*)?$/.exec(message) ?? [];
  return escapeControls(path === undefined ? reason : `${path}: ${reason}`);
}

function isAboutFile(error: unknown): boolean {
  return [FileError, FormatError, LimitError, UnsupportedError, ClosedError].some(
    (known) => error instanceof known,
  );
}

/** A text in which nothing moves the cursor, changes colours, or reorders what is read. */
export function escapeControls(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) as number;
    return `\\u{${code.toString(16)}}`;
  });
}
