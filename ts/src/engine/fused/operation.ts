import { tensorflowBackend } from '../binding.ts';
import { node } from './node.ts';
import { Unavailable } from './unavailable.ts';

/** A compiled library in the cache, whose directory is named after everything that goes into it. */
export interface CachedLibrary {
  directory: string;
  file: string;
}

/** The sources of the operations that run kernels, in native/: those that take TensorFlow's headers, and the others. */
export const operationSources: {
  readonly ofTensorflow: readonly string[];
  readonly others: readonly string[];
} = {
  ofTensorflow: ['fused_step.cc', 'step_op.cc', 'cuda_ops.cc'],
  others: ['registry.cc', 'cuda_stream.cc', 'cuda_compiler.cc'],
};

const headers: readonly string[] = [
  ...['kernels.h', 'slots.h', 'step_op.h'],
  ...['cuda_launch.h', 'cuda_launches.h', 'cuda_stream.h', 'cuda_compiler.h'],
];

/** What the library gives JavaScript, besides the operations that TensorFlow gets. */
interface Exports {
  /** Why no kernel can run on a GPU; empty where one can. */
  cudaProblem(): string;
}

const setUp = 'run `npx torch-parity setup-tensorflow`';
let loaded: { library: CachedLibrary; exports: Exports } | undefined;

/**
 * The library of the operation that runs kernels, for an addon of tfjs-node that is in the cache.
 *
 * @param addon - the addon's file
 */
export function operationFor(addon: string): CachedLibrary {
  const { createHash } = node<typeof import('node:crypto')>('node:crypto');
  const { basename, dirname, join } = node<typeof import('node:path')>('node:path');
  const texts = [...headers, ...operationSources.ofTensorflow, ...operationSources.others].map(readNative);
  // The name of the addon's directory stands for TensorFlow and the compiler.
  const inputs = [basename(dirname(addon)), texts];
  const key = createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 8);
  const directory = `operation-${key}`;
  return { directory, file: join(dirname(addon), '..', directory, 'operation.node') };
}

/** The text of a file in native/. */
export function readNative(name: string): string {
  const { readFileSync } = node<typeof import('node:fs')>('node:fs');
  return readFileSync(new URL(`../../../native/${name}`, import.meta.url), 'utf8');
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
  loaded ??= open();
  const problem = backend.isUsingGpuDevice ? loaded.exports.cudaProblem() : '';
  if (problem !== '') {
    throw new Unavailable(
      `${problem}, and TensorFlow runs on a GPU`,
      'run `TF_FLAVOR=gpu npx torch-parity setup-tensorflow`, or set CUDA_VISIBLE_DEVICES=-1 to run on the CPU',
    );
  }
  return loaded.library;
}

function open(): { library: CachedLibrary; exports: Exports } {
  if (process.platform !== 'linux') {
    throw new Unavailable('kernels are compiled on Linux alone', "use engine 'reference'");
  }
  const { createRequire } = node<typeof import('node:module')>('node:module');
  const { existsSync } = node<typeof import('node:fs')>('node:fs');
  const addon = Object.keys(createRequire(import.meta.url).cache).find((file) =>
    file.endsWith('tfjs_binding.node'),
  );
  if (addon === undefined) throw new Unavailable('tfjs-node was loaded in an unknown way', setUp);
  const library = operationFor(addon);
  if (!existsSync(library.file)) {
    throw new Unavailable('it is not compiled for this version', setUp);
  }
  return { library, exports: openLibrary(library.file, setUp) as Exports };
}

/**
 * Opens a library of ours for good.
 *
 * @returns what it gives JavaScript
 * @throws Unavailable where it does not load
 */
export function openLibrary(file: string, cure: string): unknown {
  const { dlopen } = node<typeof import('node:os')>('node:os').constants;
  const module = { exports: {} };
  try {
    process.dlopen(module, file, dlopen.RTLD_NOW);
    return module.exports;
  } catch (error) {
    throw new Unavailable(`its libraries do not load (${(error as Error).message})`, cure);
  }
}
