import { rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { kernelFlags, libraryFor } from '../engine/fused/library.ts';
import '../optim/table.ts';
import { buildOnce } from './cache.ts';
import { run } from './command.ts';
import { nativeFiles } from './tensorflow.ts';

const require = createRequire(import.meta.url);

/**
 * Compiles the kernels of every optimizer, and the operation that runs them, if they are not in the cache.
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
  const { directory, file, source } = libraryFor(addon);
  await buildOnce(home, directory, async (building, signal) => {
    step('compiling the kernels of the fused engine');
    const { include_dir: nodeApi } = require('node-api-headers') as { include_dir: string };
    const library = join(tensorflow, 'tensorflow');
    // Kept beside the library, for whoever wants to read what runs.
    const generated = join(building, 'kernels.cc');
    await writeFile(generated, source);
    const objects = [join(building, 'kernels.o'), join(building, 'fused_step.o')] as const;
    const compile = (input: string, output: string, ...flags: string[]): Promise<string> =>
      run('g++', ['-std=c++17', '-fPIC', `-I${nativeFiles}`, ...flags, '-c', input, '-o', output], {
        signal,
      });
    await Promise.all([
      compile(generated, objects[0], ...kernelFlags),
      compile(
        join(nativeFiles, 'fused_step.cc'),
        objects[1],
        // TensorFlow's own headers warn.
        ...['-O2', '-w', '-D_GLIBCXX_USE_CXX11_ABI=1', `-I${nodeApi}`, `-I${join(library, 'include')}`],
      ),
    ]);
    const built = join(building, basename(file));
    const libraries = ['cc', 'framework'].map((part) => join(library, `libtensorflow_${part}.so.2`));
    // Relative, so that the cache can be moved.
    const runpath = `-Wl,-rpath,$ORIGIN/../${basename(tensorflow)}/tensorflow`;
    await run('g++', ['-shared', ...objects, ...libraries, runpath, '-o', built], { signal });
    await Promise.all(objects.map((object) => rm(object)));
    // Whether it loads shows here, and not in the user's program.
    const load = [addon, built].map((path) => `process.dlopen({ exports: {} }, ${JSON.stringify(path)});`);
    await run(process.execPath, ['-e', load.join('')], { signal });
  });
}
