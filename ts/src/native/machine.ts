import { CommandError, run } from './command.ts';
import { SetupError } from './setup_error.ts';

/** Refuses a machine that TensorFlow's wheels are not for. */
export function checkPlatform(platform: string = process.platform, arch: string = process.arch): void {
  if (platform !== 'linux' || arch !== 'x64') {
    throw new SetupError(
      `setup-tensorflow works on Linux x86-64, and this is ${platform} ${arch}: use a Linux x86-64 machine or container`,
    );
  }
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  if (header.glibcVersionRuntime === undefined) {
    throw new SetupError(
      'TensorFlow needs glibc, which this Linux lacks: use Debian, Ubuntu or another with glibc',
    );
  }
}

/** The compiler's own name and version. */
export async function compilerVersion(): Promise<string> {
  try {
    return (await run('g++', ['--version'])).split('\n')[0] ?? '';
  } catch {
    throw new SetupError('g++ is missing: sudo apt install g++');
  }
}

/** The Python that pip comes from: `PYTHON`, or python3. */
export async function checkPython(): Promise<string> {
  const python = process.env['PYTHON'] || 'python3';
  try {
    await run(python, ['-c', 'import venv, ensurepip']);
  } catch (error) {
    const isThere = error instanceof CommandError && error.output.includes('ModuleNotFoundError');
    throw new SetupError(
      isThere
        ? `${python} lacks the venv module: sudo apt install python3-venv`
        : `${python} is missing or broken: sudo apt install python3 python3-venv`,
    );
  }
  return python;
}
