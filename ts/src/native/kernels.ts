import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { compileKernels } from '../engine/fused/compile.ts';
import { builtInLibrary, kernelFlags } from '../engine/fused/library.ts';
import { operationFor } from '../engine/fused/operation.ts';
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
    const sources = ['registry.cc', 'fused_step.cc'].map((name) => join(nativeFiles, name));
    const built = join(building, basename(operation.file));
    const libraries = ['cc', 'framework'].map((part) => join(library, `libtensorflow_${part}.so.2`));
    await run(
      'g++',
      [
        ...['-std=c++17', '-fPIC', '-O2', '-shared', '-D_GLIBCXX_USE_CXX11_ABI=1'],
        // TensorFlow's own headers warn.
        ...['-w', `-I${nodeApi}`, `-I${join(library, 'include')}`, ...sources, ...libraries],
        // Relative, so that the cache can be moved.
        `-Wl,-rpath,$ORIGIN/../${basename(tensorflow)}/tensorflow`,
        ...['-o', built],
      ],
      { signal },
    );
    await load([addon, built], signal);
  });
  compileKernels(builtInLibrary(operation), kernelFlags, operation, step);
}

/** Whether they load shows here, and not in the user's program. */
async function load(libraries: readonly string[], signal: AbortSignal): Promise<void> {
  const calls = libraries.map((path) => `process.dlopen({ exports: {} }, ${JSON.stringify(path)});`);
  await run(process.execPath, ['-e', calls.join('')], { signal });
}
