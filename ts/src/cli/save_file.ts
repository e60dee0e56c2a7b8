import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { save, UnsupportedError, type Checkpoint, type SaveOptions } from '../checkpoint/index.ts';
import { escapeControls, FileError } from './file_command.ts';
import { lossesOf } from './losses.ts';
import { ProgressBar } from './progress_bar.ts';

type Options = Omit<SaveOptions, 'onProgress'> & {
  /** What a bar on the terminal says. */
  label: string;
};

/**
 * Writes a checkpoint where a command was told to, and tells on stderr what the new file has no place for.
 *
 * @param to - a path or, as everywhere, the text of a file: URL
 * @throws FileError for a path that names a folder or a device
 */
export async function saveFile(
  checkpoint: Checkpoint,
  to: string,
  { label, ...options }: Options,
): Promise<void> {
  const path = to.startsWith('file:') ? pathOf(to) : to;
  const there = await stat(path).catch(() => undefined); // what else is wrong, save tells
  if (there?.isFile() === false) throw new FileError(path, 'it is not a regular file: give the path of one');
  const format = options.format ?? formatOf(path);
  using bar = new ProgressBar(label);
  try {
    await save(checkpoint.value, path, { ...options, format, onProgress: bar.show });
  } catch (error) {
    // What the format cannot hold is told with its place in the tree, and not with the file.
    if (error instanceof UnsupportedError && error.details.file === undefined)
      throw new FileError(path, error.message);
    const { syscall } = error as NodeJS.ErrnoException;
    // The file beside, which is written first, is nobody's concern.
    if (syscall !== undefined && syscall !== 'read') throw Object.assign(error as Error, { path });
    throw error;
  }
  bar.clear();
  for (const loss of lossesOf(checkpoint, format)) {
    console.error(`torch-parity: ${escapeControls(to)}: ${loss}`);
  }
}

/** The format that a file's name asks for. */
export function formatOf(path: string): 'pt' | 'safetensors' {
  return /\.safetensors$/i.test(path) ? 'safetensors' : 'pt';
}

function pathOf(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw new FileError(url, `it names no file: ${(error as Error).message}`);
  }
}
