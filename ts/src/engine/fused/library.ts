import type { Definition } from '../../optim/definition.ts';
import { compileKernels } from './compile.ts';
import { kernelsOf, type Kernel } from './kernels.ts';
import { node } from './node.ts';
import { loadOperation, openLibrary, readNative, type CachedLibrary } from './operation.ts';
import { cudaSource, kernelSource } from './source.ts';
import { Unavailable } from './unavailable.ts';

/** How kernels are compiled: all that the processor has, and IEEE arithmetic as it is written. */
export const kernelFlags: readonly string[] = [
  ...['-std=c++17', '-fPIC', '-O3', '-march=native'],
  ...['-fno-math-errno', '-ffp-contract=off'],
];

/** What a source of CUDA C++ begins with, in native/. */
const cudaHeaders: readonly string[] = ['aten.h', 'cuda_launch.h'];

/** A library of kernels. */
export interface KernelLibrary extends CachedLibrary {
  /** Whose kernels they are, for people. */
  names: string;
  source: string;
  /** The same kernels for a GPU, which are compiled when one steps. */
  cudaSource: string;
  /** By definition, and then by variant. */
  kernels: ReadonlyMap<Definition<object>, ReadonlyMap<string, Kernel>>;
}

let builtIn: readonly Definition<object>[] = [];
const libraries = new WeakMap<Definition<object>, KernelLibrary>();
/** By file: what was loaded, or why it could not be. */
const outcomes = new Map<string, Unavailable | undefined>();

/** Says which optimizers are torch-parity's own: set-up compiles their kernels, into one library. */
export function registerDefinitions(...definitions: readonly Definition<object>[]): void {
  builtIn = definitions;
}

/** The library of torch-parity's own optimizers. */
export function builtInLibrary(operation: CachedLibrary): KernelLibrary {
  const kernels = new Map(builtIn.map((definition) => [definition, kernelsOf(definition)]));
  return library("torch-parity's optimizers", kernels, operation);
}

/** The library of a definition of someone else's. Its kernels have names by their content: a name may stand for many. */
function ownLibrary(definition: Definition<object>, operation: CachedLibrary): KernelLibrary {
  const kernels = kernelsOf(definition);
  const digest = hash([...kernels]);
  const renamed = new Map(
    Array.from(kernels, ([variant, kernel]) => [
      variant,
      { ...kernel, name: kernel.name.replace(definition.name, `${definition.name}_${digest}`) },
    ]),
  );
  return library(definition.name, new Map([[definition, renamed]]), operation);
}

/** The name of a library's directory tells what is in it, so that kernels of other updates, or for another processor, count as none. */
function library(names: string, kernels: KernelLibrary['kernels'], operation: CachedLibrary): KernelLibrary {
  const { readFileSync } = node<typeof import('node:fs')>('node:fs');
  const { dirname, join } = node<typeof import('node:path')>('node:path');
  const unique = new Map(
    Array.from(kernels.values(), (variants) => [...variants.values()])
      .flat()
      .map((kernel) => [kernel.name, kernel]),
  );
  const source = kernelSource([...unique.values()]);
  const processor = /^flags\s*:.*$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[0];
  // It has aten.h in it; the operation's directory stands for the compiler and the other headers.
  const forGpu = cudaSource([...unique.values()], cudaHeaders.map(readNative));
  const directory = `kernels-${hash([operation.directory, kernelFlags, processor, source, forGpu])}`;
  const file = join(dirname(operation.file), '..', directory, 'kernels.node');
  return { directory, file, names, source, cudaSource: forGpu, kernels };
}

function hash(content: unknown): string {
  const { createHash } = node<typeof import('node:crypto')>('node:crypto');
  return createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 8);
}

/**
 * The kernels of an optimizer, by variant: loaded where that is still to do, and compiled where nobody has yet.
 *
 * @throws Unavailable where there are none
 */
export function loadKernels(definition: Definition<object>): ReadonlyMap<string, Kernel> {
  const operation = loadOperation();
  let found = libraries.get(definition);
  if (found === undefined) {
    found = builtIn.includes(definition) ? builtInLibrary(operation) : ownLibrary(definition, operation);
    for (const each of found.kernels.keys()) libraries.set(each, found);
  }
  loadLibrary(found, operation);
  return found.kernels.get(definition)!;
}

/** Once in a process: what failed would fail again, after seconds of compiling. */
function loadLibrary(found: KernelLibrary, operation: CachedLibrary): void {
  if (!outcomes.has(found.file)) {
    try {
      compileKernels(found, kernelFlags, operation, (text) => console.warn(`torch-parity: ${text} ...`));
      openOrRemove(found.file);
      outcomes.set(found.file, undefined);
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      outcomes.set(found.file, error);
    }
  }
  const failure = outcomes.get(found.file);
  if (failure !== undefined) throw failure;
}

/** What does not load would not load in another process either: that one is to compile it anew. */
function openOrRemove(file: string): void {
  try {
    openLibrary(file, 'start again, which compiles it anew');
  } catch (error) {
    const { dirname } = node<typeof import('node:path')>('node:path');
    node<typeof import('node:fs')>('node:fs').rmSync(dirname(file), { recursive: true, force: true });
    throw error;
  }
}
