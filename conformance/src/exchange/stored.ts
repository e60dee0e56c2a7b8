import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toJSON } from '../case.ts';
import { boolean, fields, SchemaError, text, type Reader } from '../schema.ts';
import type { ExchangeDifference } from './case.ts';

/** How a case of the exchange is asked for again. */
export interface Place {
  case: string;
  seed: number;
  /** Whether torch 2.1.2 takes part. */
  old: boolean;
}

/**
 * Stores where a difference is found again, with the program that shows it, and its file beside; gives the paths. The
 * program alone would not do: it is one part of a training, and the other side may be at fault.
 */
export function storeDifference(
  folder: string,
  place: Place,
  { file, program, format }: ExchangeDifference,
): string[] {
  const json = `{\n"exchange": ${JSON.stringify(place)}${program ? `,\n"program": ${toJSON(program)}` : '\n'}}\n`;
  const digest = createHash('sha256')
    .update(file ?? '')
    .update(json)
    .digest('hex');
  const name = `${place.case.replaceAll(/[^\w.]+/g, '-').slice(0, 40)}-${digest.slice(0, 10)}`;
  const stored: [path: string, content: Uint8Array | string][] = [[join(folder, `${name}.json`), json]];
  if (file) stored.push([join(folder, `${name}.${format === 'safetensors' ? format : 'pt'}`), file]);
  mkdirSync(folder, { recursive: true });
  for (const [path, content] of stored) writeFileSync(path, content);
  return stored.map(([path]) => path);
}

/**
 * The case that a stored difference names; undefined for any other file.
 *
 * @throws SchemaError if it names none that could be
 */
export function readPlace(file: string): Place | undefined {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
  if (json === null || typeof json !== 'object' || !('exchange' in json)) return undefined;
  return form(json, '').exchange;
}

const seed: Reader<number> = (input, path) => {
  if (!Number.isSafeInteger(input)) throw new SchemaError(path, 'must be an integer');
  return input as number;
};
const anything: Reader<unknown> = (input) => input;
const form = fields({ exchange: fields({ case: text, seed, old: boolean }) }, { program: anything });
