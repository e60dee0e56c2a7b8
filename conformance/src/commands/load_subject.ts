import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Features } from '../arbitrary/features.ts';
import type { Subject } from '../subject.ts';

/** A subject, and what of torch it does not have. */
export interface Loaded {
  subject: Subject;
  without: Partial<Features>;
}

/**
 * The subject of that name: torch-parity on `tensorflow` or on plain tfjs (`cpu`), or what the module at a path exports
 * by default.
 */
export async function loadSubject(name: string): Promise<Loaded> {
  if (name === 'tensorflow') {
    process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '1'; // else it tells which instructions the processor has
    await import('@tensorflow/tfjs-node-gpu');
    return { subject: await torchParity(), without: {} };
  }
  if (name === 'cpu') {
    const { env } = await import('@tensorflow/tfjs-core');
    env().set('PROD', true); // else it advises to install tfjs-node
    await import('@tensorflow/tfjs-backend-cpu');
    return { subject: await torchParity(), without: { dtypes: ['float32'] } };
  }
  if (!/\.[cm]?js$/.test(name)) {
    throw new Error(`there is no subject ${name}: it is tensorflow, cpu, or the path of a .js module`);
  }
  const { default: subject } = (await import(pathToFileURL(resolve(name)).href)) as { default?: Subject };
  if (typeof subject?.run !== 'function') throw new Error(`${name} does not export a Subject by default`);
  return { subject, without: {} };
}

async function torchParity(): Promise<Subject> {
  const { ready } = await import('@tensorflow/tfjs-core');
  await ready();
  return (await import('../subjects/torch_parity.ts')).torchParity();
}
