import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildOnce } from './cache.ts';
import { full, run } from './command.ts';
import type { Flavor } from './flavor.ts';
import { checkPython } from './machine.ts';

/** The files of this package that are no TypeScript. */
export const nativeFiles: string = fileURLToPath(new URL('../../native/', import.meta.url));

/** The most that the cache holds while it is made, in bytes, and what is downloaded. */
const sizes = {
  cpu: { disk: 1.5e9, download: '274 MB' },
  gpu: { disk: 10e9, download: '3.4 GB' },
} as const;

// The wheels' own tags, so that one and the same wheel is taken on every machine and under every Python. pip takes no
// list, and does not conclude one from another.
const platforms = ['2_27', '2_25', '2_17', '2_12'].map((glibc) => `manylinux_${glibc}_x86_64`);
const wheelTags = [
  ...platforms.flatMap((platform) => ['--platform', platform]),
  ...['--python-version', '3.11', '--implementation', 'cp', '--abi', 'cp311', '--abi', 'none'],
];

/**
 * TensorFlow's headers and libraries, downloaded if they are not in the cache.
 *
 * They are laid out as pip would install them (`tensorflow/` beside `nvidia/`), because the library looks for CUDA
 * relative to its own place.
 *
 * @param home - the cache
 * @param step - is told what begins
 * @returns the directory that holds `tensorflow/`
 */
export async function provideTensorflow(
  home: string,
  flavor: Flavor,
  step: (text: string) => void,
): Promise<string> {
  const lock = join(nativeFiles, `tensorflow-${flavor}.txt`);
  const text = await readFile(lock, 'utf8');
  const version = /^tensorflow(?:-cpu)?==(\S+)/m.exec(text)?.[1];
  const key = createHash('sha256').update(text).digest('hex').slice(0, 8);

  return buildOnce(home, `tensorflow-${flavor}-${version}-${key}`, async (directory, signal) => {
    const systemPython = await checkPython();
    await checkSpace(home, sizes[flavor].disk);
    const work = join(directory, 'work');
    await mkdir(work);
    const show = { show: true, signal, env: { TMPDIR: work } };

    step(`downloading TensorFlow ${version} for ${flavor} (${sizes[flavor].download})`);
    // A virtual environment brings a pip along, which Debian's python3 alone does not have. It is made in two
    // commands, since venv keeps to itself why ensurepip failed.
    await run(systemPython, ['-m', 'venv', '--without-pip', join(work, 'venv')], { signal });
    const python = join(work, 'venv', 'bin', 'python');
    await run(python, ['-m', 'ensurepip'], { signal, env: { TMPDIR: work } });
    const wheels = join(work, 'wheels');
    // pip's own cache would keep a second copy of what is kept here.
    const pip = ['-m', 'pip', '--no-cache-dir', '--disable-pip-version-check', 'download', '--dest', wheels];
    const pinned = ['--no-deps', '--require-hashes', '--only-binary=:all:', ...wheelTags];
    await run(python, [...pip, ...pinned, '--requirement', lock], show);

    for (const wheel of await readdir(wheels)) {
      step(`unpacking ${wheel.split('-', 2).join(' ')}`);
      // Python's zipfile, since Python is here anyway: Node has no reader of zip files.
      await run(python, [join(nativeFiles, 'extract_wheel.py'), join(wheels, wheel), directory], show);
      await rm(join(wheels, wheel));
    }
    await rm(work, { recursive: true });
  });
}

async function checkSpace(home: string, needed: number): Promise<void> {
  const { bavail, bsize } = await statfs(home);
  if (bavail * bsize < needed) throw full(home, `${(needed / 1e9).toFixed(1)} GB`);
}
