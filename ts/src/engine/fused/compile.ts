import type { KernelLibrary } from './library.ts';
import { node } from './node.ts';
import type { CachedLibrary } from './operation.ts';
import { cudaHeader } from './source.ts';
import { Unavailable } from './unavailable.ts';

/**
 * Compiles a library of kernels, if it is not in the cache: in this thread, since an optimizer's constructor waits for it.
 *
 * It is compiled beside its place and renamed when it is whole, so that it is whole or absent for every process. Several
 * may compile it at the same time; the first to finish wins.
 *
 * @param operation - the library that it registers its kernels with
 * @param step - is told what begins
 * @throws Unavailable where it cannot be compiled
 */
export function compileKernels(
  { file, names, source, cudaSource }: KernelLibrary,
  flags: readonly string[],
  operation: CachedLibrary,
  step: (text: string) => void,
): void {
  const fs = node<typeof import('node:fs')>('node:fs');
  const { basename, dirname, join } = node<typeof import('node:path')>('node:path');
  const { hostname } = node<typeof import('node:os')>('node:os');
  const { threadId } = node<typeof import('node:worker_threads')>('node:worker_threads');
  if (fs.existsSync(file)) return;
  const place = dirname(file);
  // The form that set-up takes for abandoned once the process is gone (native/cache.ts).
  const building = `${place}.${threadId}.building-${hostname()}-${process.pid}`;
  try {
    // What a killed process of the same id began.
    fs.rmSync(building, { recursive: true, force: true });
    fs.mkdirSync(building);
    // Kept beside the library, for whoever wants to read what runs.
    const generated = join(building, 'kernels.cc');
    fs.writeFileSync(generated, source);
    fs.writeFileSync(join(building, 'cuda_source.h'), cudaHeader(cudaSource));
    step(`compiling the kernels of ${names}`);
    compile(dirname(place), [
      ...flags,
      `-I${node<typeof import('node:url')>('node:url').fileURLToPath(new URL('../../../native', import.meta.url))}`,
      ...['-shared', generated, `-L${dirname(operation.file)}`, `-l:${basename(operation.file)}`],
      // Relative, so that the cache can be moved.
      `-Wl,-rpath,$ORIGIN/../${operation.directory}`,
      ...['-o', join(building, basename(file))],
    ]);
    if (!fs.existsSync(file)) fs.rmSync(place, { recursive: true, force: true });
    fs.renameSync(building, place);
  } catch (error) {
    if (fs.existsSync(file)) return;
    if (error instanceof Unavailable) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw notWritten(dirname(place), code ?? message);
  } finally {
    fs.rmSync(building, { recursive: true, force: true });
  }
}

function notWritten(home: string, why: string): Unavailable {
  return new Unavailable(
    `its kernels cannot be written to ${home} (${why})`,
    'make room there, or run `npx torch-parity setup-tensorflow` with TORCH_PARITY_HOME on another disk',
  );
}

/** @param home - the directory under which it writes */
function compile(home: string, args: readonly string[]): void {
  const { spawnSync } = node<typeof import('node:child_process')>('node:child_process');
  const { error, status, signal, stderr } = spawnSync('g++', args, { encoding: 'utf8', maxBuffer: Infinity });
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') {
    throw new Unavailable('there is no compiler for its kernels', 'sudo apt install g++');
  }
  if (status === 0) return;
  if (/no space left|disk quota exceeded/i.test(stderr ?? '')) throw notWritten(home, 'the disk is full');
  const lines = (stderr ?? '').trim().split('\n');
  const line = lines.find((text) => /\berror\b/.test(text)) ?? lines.at(-1);
  const why = error?.message ?? (line || `it ended with ${signal ?? status}`);
  throw new Unavailable(`g++ does not compile its kernels (${why})`, "use engine 'reference'");
}
