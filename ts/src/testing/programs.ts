import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { findPython } from './python.ts';

const run = promisify(execFile);
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const flags = '--ignoreConfig --strict --skipLibCheck --module nodenext --target es2022 --types node'.split(
  ' ',
);

/** A folder under build/ in which a test runs programs as a user would. */
export class ProgramFolder {
  readonly #folder: URL;

  constructor(name: string) {
    this.#folder = new URL(`../../../build/${name}/`, import.meta.url);
  }

  /**
   * Runs a program: TypeScript (`.mts`), which is compiled strictly first, JavaScript (`.mjs`) or Python (`.py`).
   *
   * @returns what it printed
   * @throws Error with what the compiler or the program said, if it failed
   */
  async run(file: string, code: string): Promise<string> {
    await mkdir(this.#folder, { recursive: true });
    await writeFile(new URL(file, this.#folder), code);
    if (file.endsWith('.mts')) await this.#execute(process.execPath, tsc, ...flags, file);
    const runtime = file.endsWith('.py') ? findPython() : process.execPath;
    return this.#execute(runtime, file.replace(/\.mts$/, '.mjs'));
  }

  async #execute(program: string, ...args: string[]): Promise<string> {
    try {
      return (await run(program, args, { cwd: this.#folder })).stdout;
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      throw new Error(`${args.at(-1)} failed: ${stdout}${stderr}`, { cause: error });
    }
  }
}
