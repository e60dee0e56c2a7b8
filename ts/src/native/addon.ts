import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { buildOnce } from './cache.ts';
import { run } from './command.ts';
import { compilerVersion } from './machine.ts';
import { SetupError } from './setup_error.ts';
import { nativeFiles } from './tensorflow.ts';

const require = createRequire(import.meta.url);
const addonFile = 'tfjs_binding.node';

// The newest version of Node-API that tfjs-node-gpu 4.22.0 knows: it looks for the addon in lib/napi-v8.
const napiVersion = 8;
const flags = ['-std=c++17', '-O2', '-fPIC', `-DNAPI_VERSION=${napiVersion}`, '-D_GLIBCXX_USE_CXX11_ABI=1'];

/**
 * Compiles the addon in tfjs-node-gpu's own sources against this TensorFlow, if that is not in the cache, and links
 * it into node_modules.
 *
 * @param home - the cache
 * @param tensorflow - the directory in it that holds `tensorflow/`
 * @param step - is told what begins
 * @returns the addon
 */
export async function provideAddon(
  home: string,
  tensorflow: string,
  step: (text: string) => void,
): Promise<string> {
  const tfjs = findTfjs();
  const { version } = require(join(tfjs, 'package.json')) as { version: string };
  const fix = join(nativeFiles, 'keep_subnormals.cc');
  const sources = [join(tfjs, 'binding', 'tfjs_backend.cc'), join(tfjs, 'binding', 'tfjs_binding.cc'), fix];
  const inputs = [version, basename(tensorflow), await compilerVersion(), flags, await readFile(fix, 'utf8')];
  const key = createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 8);

  const directory = await buildOnce(home, `tfjs-node-gpu-${version}-${key}`, async (building, signal) => {
    step(`compiling the addon of tfjs-node-gpu ${version}`);
    const { include_dir: nodeApi } = require('node-api-headers') as { include_dir: string };
    const library = join(tensorflow, 'tensorflow');
    const includes = [`-I${nodeApi}`, `-I${join(library, 'include')}`];
    const addon = join(building, addonFile);
    const libraries = ['cc', 'framework'].map((part) => join(library, `libtensorflow_${part}.so.2`));
    // Relative, so that the cache can be moved.
    const runpath = `-Wl,-rpath,$ORIGIN/../${basename(tensorflow)}/tensorflow`;
    await run('g++', [...flags, ...includes, ...sources, ...libraries, '-shared', runpath, '-o', addon], {
      signal,
    });
    // Whether it loads shows here, and not in the user's program.
    const load = `process.dlopen({ exports: {} }, ${JSON.stringify(addon)})`;
    await run(process.execPath, ['-e', load], { signal });
  });

  const addon = join(directory, addonFile);
  await link(addon, join(tfjs, 'lib', `napi-v${napiVersion}`, addonFile));
  return addon;
}

/** The tfjs-node-gpu that programs in this folder get: where this package is linked, its own may be another one. */
function findTfjs(): string {
  try {
    const here = createRequire(join(process.cwd(), 'package.json'));
    return dirname(here.resolve('@tensorflow/tfjs-node-gpu/package.json'));
  } catch {
    throw new SetupError(
      `${process.cwd()} has no tfjs-node-gpu: npm install --ignore-scripts @tensorflow/tfjs-node-gpu@4.22.0`,
    );
  }
}

async function link(target: string, place: string): Promise<void> {
  await mkdir(dirname(place), { recursive: true });
  const fresh = `${place}.${process.pid}`;
  await symlink(target, fresh);
  await rename(fresh, place);
}
