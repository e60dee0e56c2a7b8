import { existsSync } from 'node:fs';
import { SetupError } from './setup_error.ts';

/** Which of TensorFlow's builds: without CUDA, or with it. */
export type Flavor = 'cpu' | 'gpu';

export interface Choice {
  flavor: Flavor;
  reason: string;
}

/** What NVIDIA's driver shows where it is installed; the last is the Windows Subsystem for Linux. */
const driverFiles = ['/dev/nvidiactl', '/proc/driver/nvidia/version', '/usr/lib/wsl/lib/libcuda.so.1'];

/** The build for this machine; `TF_FLAVOR` overrides what is found. */
export function chooseFlavor(env: NodeJS.ProcessEnv = process.env, files: string[] = driverFiles): Choice {
  const asked = env['TF_FLAVOR'];
  if (asked) {
    if (asked === 'cpu' || asked === 'gpu') return { flavor: asked, reason: `TF_FLAVOR=${asked}` };
    throw new SetupError(`TF_FLAVOR is "${asked}": set it to cpu or gpu, or leave it out`);
  }
  const found = files.find((file) => existsSync(file));
  if (found === undefined) return { flavor: 'cpu', reason: 'no NVIDIA GPU found' };
  return { flavor: 'gpu', reason: `NVIDIA driver found (${found})` };
}
