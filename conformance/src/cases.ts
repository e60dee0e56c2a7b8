import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromJSON, toJSON } from './case.ts';
import type { Program } from './program.ts';

export interface StoredCase {
  file: string;
  program: Program;
}

/**
 * Reads a stored case.
 *
 * @throws Error if there is none, or it holds no program
 */
export function readCase(file: string): StoredCase {
  try {
    return { file, program: fromJSON(readFileSync(file, 'utf8')) };
  } catch (error) {
    throw new Error(`${file} is no stored case: ${(error as Error).message}`, { cause: error });
  }
}

/** The cases in a folder, by name; none if there is no such folder. */
export function readCases(folder: string): StoredCase[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return names.sort().map((name) => readCase(join(folder, name)));
}

/** Writes a case to a folder, under a name of its content, so that the same case is there once. */
export function storeCase(folder: string, program: Program): string {
  const text = toJSON(program);
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 10);
  const file = join(folder, `${program.optimizer.toLowerCase()}-${digest}.json`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, text);
  return file;
}
