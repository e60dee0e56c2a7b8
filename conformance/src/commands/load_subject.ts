import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Features } from '../arbitrary/features.ts';
import { specOf } from '../arbitrary/defined.ts';
import type { OptimizerSpec } from '../arbitrary/optimizers.ts';
import type { Files } from '../exchange/files.ts';
import type { Subject } from '../subject.ts';
import type { DefinedTable } from '../subjects/torch_parity.ts';

/** A subject, and what of torch it does not have. */
export interface Loaded {
  subject: Subject;
  without: Partial<Features>;
  /** Its checkpoints, where it has any. */
  files?: Files;
  /** What is known of its optimizers, where they are not torch-parity's. */
  own?: OptimizerSpec[];
}

/**
 * The subject of that name: torch-parity on `tensorflow` or on plain tfjs (`cpu`), or what the module at a path exports
 * by default; as `without` it may export what of torch it does not have.
 *
 * @param optimizers - a module whose optimizers take the place of torch-parity's
 */
export async function loadSubject(name: string, optimizers?: string): Promise<Loaded> {
  if (name === 'tensorflow') {
    process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '1'; // else it tells which instructions the processor has
    await import('@tensorflow/tfjs-node-gpu');
    return torchParity(optimizers);
  }
  if (name === 'cpu') {
    const { env } = await import('@tensorflow/tfjs-core');
    env().set('PROD', true); // else it advises to install tfjs-node
    await import('@tensorflow/tfjs-backend-cpu');
    const { without, ...loaded } = await torchParity(optimizers);
    return { ...loaded, without: { ...without, dtypes: ['float32'] } };
  }
  if (optimizers !== undefined) throw new Error('--optimizer goes with --subject tensorflow or cpu alone');
  if (!/\.[cm]?js$/.test(name)) {
    throw new Error(`there is no subject ${name}: it is tensorflow, cpu, or the path of a .js module`);
  }
  const module = (await import(pathToFileURL(resolve(name)).href)) as {
    default?: Subject;
    without?: Partial<Features>;
  };
  const { default: subject, without = {} } = module;
  if (typeof subject?.run !== 'function') throw new Error(`${name} does not export a Subject by default`);
  return { subject, without };
}

async function torchParity(optimizers: string | undefined): Promise<Loaded> {
  const { ready } = await import('@tensorflow/tfjs-core');
  await ready();
  const { torchParity: subjectOf } = await import('../subjects/torch_parity.ts');
  if (optimizers === undefined) {
    const { torchParityFiles } = await import('../exchange/files.ts');
    return { subject: subjectOf(), without: {}, files: torchParityFiles };
  }
  const table = await loadOptimizers(optimizers);
  return {
    subject: subjectOf(table, Object.keys(table).join(', ')),
    without: { optimizers: Object.keys(table) },
    own: Object.values(table).map(({ definition }) => specOf(definition)),
  };
}

/** The optimizers that a module exports, by the names that they are defined with. */
async function loadOptimizers(path: string): Promise<DefinedTable> {
  if (!/\.[cm]?js$/.test(path)) throw new Error(`${path} is no .js module: compile it first`);
  const exported = Object.values(await importModule(path));
  const kinds = exported.filter((value): value is DefinedTable[string] => Object.hasOwn(value, 'definition'));
  if (kinds.length === 0) throw new Error(`${path} exports no optimizer: export what defineOptimizer gives`);
  return Object.fromEntries(kinds.map((kind) => [kind.definition.name, kind]));
}

/** What a user's module exports. @throws Error that names its path, and the line where one is known */
async function importModule(path: string): Promise<object> {
  if (!existsSync(path)) throw new Error(`there is no file ${path}`);
  const { href } = pathToFileURL(resolve(path));
  try {
    return (await import(href)) as object;
  } catch (error) {
    const { message = String(error), stack = '' } = error as Partial<Error>;
    const line = /^:(\d+)/.exec(stack.split(href)[1] ?? '')?.[1];
    throw new Error(`${path}${line === undefined ? '' : `:${line}`}: ${message}`, { cause: error });
  }
}
