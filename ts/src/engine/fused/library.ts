import { RuntimeError } from '../../errors.ts';
import type { Definition } from '../../optim/definition.ts';
import { tensorflowBackend } from '../binding.ts';
import { kernelsOf, type Kernel } from './kernels.ts';
import { kernelSource } from './source.ts';

/** How kernels are compiled: all that the processor has, and IEEE arithmetic as it is written. */
export const kernelFlags: readonly string[] = [
  '-O3',
  '-march=native',
  '-fno-math-errno',
  '-ffp-contract=off',
];

/** The library of compiled kernels: its file in the cache, and what it is made of. */
export interface Library {
  /** The directory, named after everything that goes into the library. */
  directory: string;
  file: string;
  source: string;
}

const nativeSources: readonly string[] = ['aten.h', 'kernels.h', 'fused_step.cc'];

let builtIn: readonly Definition<object>[] = [];

/** Says which optimizers have kernels. Their table does: a list here would import what imports the engines. */
export function registerDefinitions(...definitions: readonly Definition<object>[]): void {
  builtIn = definitions;
}

// getBuiltinModule, because imports of Node's modules would keep the package from loading outside Node.
const node = <T>(name: string): T => process.getBuiltinModule(name) as T;

/**
 * The library for an addon of tfjs-node that is in the cache. Its name tells what is in it, so that kernels of other
 * updates, or for another processor, count as none.
 *
 * @param addon - the addon's file
 */
export function libraryFor(addon: string): Library {
  const { createHash } = node<typeof import('node:crypto')>('node:crypto');
  const { readFileSync } = node<typeof import('node:fs')>('node:fs');
  const { basename, dirname, join } = node<typeof import('node:path')>('node:path');
  const source = kernelSource(builtIn.flatMap((definition) => [...new Set(kernelsOf(definition).values())]));
  const native = nativeSources.map((name) =>
    readFileSync(new URL(`../../../native/${name}`, import.meta.url), 'utf8'),
  );
  const processor = /^flags\s*:.*$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[0];
  // The name of the addon's directory stands for TensorFlow and the compiler.
  const inputs = [basename(dirname(addon)), kernelFlags, processor, native, source];
  const key = createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 8);
  const directory = `kernels-${key}`;
  return { directory, file: join(dirname(addon), '..', directory, 'kernels.node'), source };
}

/** Why there is no fused engine, and what to do about it. */
export class Unavailable extends RuntimeError {
  readonly reason: string;
  readonly cure: string;

  constructor(reason: string, cure: string) {
    super('NO_FUSED_ENGINE', `the fused engine is not available, since ${reason}: ${cure}`);
    this.reason = reason;
    this.cure = cure;
  }
}

const setUp = 'run `npx torch-parity setup-tensorflow`';
let loaded = false;
const kernels = new Map<Definition<object>, ReadonlyMap<string, Kernel>>();

/**
 * The kernels of an optimizer, by variant, loaded where that is still to do.
 *
 * @throws Unavailable where there are none
 */
export function loadKernels(definition: Definition<object>): ReadonlyMap<string, Kernel> {
  loadLibrary();
  if (!builtIn.includes(definition)) {
    throw new Unavailable(
      `${definition.name} is not one of torch-parity's own optimizers`,
      "use engine 'reference'",
    );
  }
  let found = kernels.get(definition);
  if (found === undefined) kernels.set(definition, (found = kernelsOf(definition)));
  return found;
}

/** Loads the library, where that is still to do. @throws Unavailable where it cannot be used */
export function loadLibrary(): void {
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
  if (loaded) return;
  if (process.platform !== 'linux') {
    throw new Unavailable('kernels are compiled on Linux alone', "use engine 'reference'");
  }
  const { createRequire } = node<typeof import('node:module')>('node:module');
  const { existsSync } = node<typeof import('node:fs')>('node:fs');
  const { dlopen } = node<typeof import('node:os')>('node:os').constants;
  const addon = Object.keys(createRequire(import.meta.url).cache).find((file) =>
    file.endsWith('tfjs_binding.node'),
  );
  if (addon === undefined) throw new Unavailable('tfjs-node was loaded in an unknown way', setUp);
  const { file } = libraryFor(addon);
  if (!existsSync(file)) {
    throw new Unavailable('the kernels are not compiled for this version and this processor', setUp);
  }
  try {
    process.dlopen({ exports: {} }, file, dlopen.RTLD_NOW);
  } catch (error) {
    throw new Unavailable(`the kernels do not load (${(error as Error).message})`, setUp);
  }
  loaded = true;
}
