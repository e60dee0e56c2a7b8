import { createRequire } from 'node:module';
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { compileKernels } from '../engine/fused/compile.ts';
import { builtInLibrary, kernelFlags } from '../engine/fused/library.ts';
import { operationFor, operationSources } from '../engine/fused/operation.ts';
import '../optim/table.ts';
import { buildOnce } from './cache.ts';
import { run } from './command.ts';
import { nativeFiles } from './tensorflow.ts';

const require = createRequire(import.meta.url);

/**
 * Compiles the operation of the fused engine, and the kernels of every optimizer, if they are not in the cache.
 *
 * @param home - the cache
 * @param tensorflow - the directory in it that holds `tensorflow/`
 * @param addon - the addon that loads before them
 * @param step - is told what begins
 */
export async function provideKernels(
  home: string,
  tensorflow: string,
  addon: string,
  step: (text: string) => void,
): Promise<void> {
  const operation = operationFor(addon);
  await buildOnce(home, operation.directory, async (building, signal) => {
    step('compiling the operation of the fused engine');
    const { include_dir: nodeApi } = require('node-api-headers') as { include_dir: string };
    const library = join(tensorflow, 'tensorflow');
    // TensorFlow's own headers warn.
    const forTensorflow = [
      '-w',
      '-D_GLIBCXX_USE_CXX11_ABI=1',
      `-I${nodeApi}`,
      `-I${join(library, 'include')}`,
    ];
    const compile = async (name: string, flags: readonly string[]): Promise<string> => {
      const object = join(building, `${basename(name, '.cc')}.o`);
      const all = ['-std=c++17', '-fPIC', '-O2', ...flags, '-c', join(nativeFiles, name), '-o', object];
      await run('g++', all, { signal });
      return object;
    };
    const objects = await Promise.all([
      ...operationSources.ofTensorflow.map((name) => compile(name, forTensorflow)),
      ...operationSources.others.map((name) => compile(name, [])),
    ]);
    const built = join(building, basename(operation.file));
    const libraries = ['cc', 'framework'].map((part) => join(library, `libtensorflow_${part}.so.2`));
    // Relative, so that the cache can be moved. The wheel of NVRTC lies beside TensorFlow's where there is a GPU.
    const wheels = `$ORIGIN/../${basename(tensorflow)}`;
    const runpath = `-Wl,-rpath,${wheels}/tensorflow:${wheels}/nvidia/cuda_nvrtc/lib`;
    await run('g++', ['-shared', ...objects, ...libraries, runpath, '-o', built], { signal });
    await Promise.all(objects.map((object) => rm(object)));
    await load([addon, built], signal);
  });
  compileKernels(builtInLibrary(operation), kernelFlags, operation, step);
}

/** Whether they load shows here, and not in the user's program. */
async function load(libraries: readonly string[], signal: AbortSignal): Promise<void> {
  const calls = libraries.map((path) => `process.dlopen({ exports: {} }, ${JSON.stringify(path)});`);
  await run(process.execPath, ['-e', calls.join('')], { signal });
}
