import { parseArgs } from 'node:util';
import { provideAddon } from '../native/addon.ts';
import { cacheHome } from '../native/cache.ts';
import { provideKernels } from '../native/kernels.ts';
import { chooseFlavor } from '../native/flavor.ts';
import { checkPlatform, compilerVersion } from '../native/machine.ts';
import { provideTensorflow } from '../native/tensorflow.ts';

export const usage = `Usage: torch-parity setup-tensorflow

Downloads TensorFlow, and compiles the addon of tfjs-node-gpu and the kernels of the fused engine against it. What is
there already is kept.

Environment:
  TF_FLAVOR=cpu|gpu    TensorFlow without or with CUDA (default: with it where there is an NVIDIA GPU)
  TORCH_PARITY_HOME    where to keep it (default: torch-parity in $XDG_CACHE_HOME or ~/.cache)
  PYTHON               the Python to run pip with (default: python3)`;

export async function run(args: string[]): Promise<number> {
  parseArgs({ args });
  checkPlatform();
  await compilerVersion(); // before the download: without a compiler it would be for nothing
  const { flavor, reason } = chooseFlavor();
  const home = cacheHome();
  const step = (text: string): void => console.log(`${text} ...`);
  const tensorflow = await provideTensorflow(home, flavor, step);
  const addon = await provideAddon(home, tensorflow, step);
  await provideKernels(home, tensorflow, addon, step);
  console.log(`TensorFlow (${flavor}: ${reason}) is set up in ${tensorflow}`);
  return 0;
}
