import { tensorflowBackend } from '../binding.ts';
import { node } from './node.ts';
import { Unavailable } from './unavailable.ts';

/** A compiled library in the cache, whose directory is named after everything that goes into it. */
export interface CachedLibrary {
  directory: string;
  file: string;
}

/** Sources of the operation that runs kernels, in native/. */
const sources: readonly string[] = ['kernels.h', 'registry.cc', 'fused_step.cc'];

const setUp = 'run `npx torch-parity setup-tensorflow`';
let loaded: CachedLibrary | undefined;

/**
 * The library of the operation that runs kernels, for an addon of tfjs-node that is in the cache.
 *
 * @param addon - the addon's file
 */
export function operationFor(addon: string): CachedLibrary {
  const { createHash } = node<typeof import('node:crypto')>('node:crypto');
  const { readFileSync } = node<typeof import('node:fs')>('node:fs');
  const { basename, dirname, join } = node<typeof import('node:path')>('node:path');
  const texts = sources.map((name) =>
    readFileSync(new URL(`../../../native/${name}`, import.meta.url), 'utf8'),
  );
  // The name of the addon's directory stands for TensorFlow and the compiler.
  const inputs = [basename(dirname(addon)), texts];
  const key = createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 8);
  const directory = `operation-${key}`;
  return { directory, file: join(dirname(addon), '..', directory, 'operation.node') };
}

/**
 * Loads the operation, where that is still to do.
 *
 * @throws Unavailable where it cannot be used
 */
export function loadOperation(): CachedLibrary {
  const backend = tensorflowBackend();
  if (backend === undefined) {
    throw new Unavailable(
      'tfjs does not run on TensorFlow',
      "import '@tensorflow/tfjs-node-gpu' and call tf.setBackend('tensorflow')",
    );
  }
  if (backend.isUsingGpuDevice) {
    throw new Unavailable('TensorFlow runs on a GPU', 'set CUDA_VISIBLE_DEVICES=-1 to run on the CPU');
  }
  if (loaded !== undefined) return loaded;
  if (process.platform !== 'linux') {
    throw new Unavailable('kernels are compiled on Linux alone', "use engine 'reference'");
  }
  const { createRequire } = node<typeof import('node:module')>('node:module');
  const { existsSync } = node<typeof import('node:fs')>('node:fs');
  const addon = Object.keys(createRequire(import.meta.url).cache).find((file) =>
    file.endsWith('tfjs_binding.node'),
  );
  if (addon === undefined) throw new Unavailable('tfjs-node was loaded in an unknown way', setUp);
  const operation = operationFor(addon);
  if (!existsSync(operation.file)) {
    throw new Unavailable('it is not compiled for this version', setUp);
  }
  openLibrary(operation.file, setUp);
  loaded = operation;
  return operation;
}

/** Opens a library of ours for good. @throws Unavailable where it does not load */
export function openLibrary(file: string, cure: string): void {
  const { dlopen } = node<typeof import('node:os')>('node:os').constants;
  try {
    process.dlopen({ exports: {} }, file, dlopen.RTLD_NOW);
  } catch (error) {
    throw new Unavailable(`its libraries do not load (${(error as Error).message})`, cure);
  }
}
