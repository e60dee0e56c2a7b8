import { parseArgs } from 'node:util';
import { open } from '../checkpoint/index.ts';
import { fileCommand } from './file_command.ts';
import { formatOf, saveFile } from './save_file.ts';
import { UsageError } from './usage_error.ts';

export const usage = `Usage: torch-parity convert [--format pt|safetensors] [--target 2.1|2.15] IN OUT

Writes a checkpoint in another format. IN is what torch.save wrote, in any version, or safetensors; OUT is replaced as cp would,
but only once it is written in full, so that it may be IN. Tensors are streamed and keep every bit. A tree that is more
than names and tensors is kept in safetensors, too, in its metadata. What cannot be kept is told on stderr; without a word,
tensors of other devices become the CPU's, and in safetensors an OrderedDict of tensors and nothing else becomes a dict.

Options:
  --format pt|safetensors   the format of OUT (default: safetensors where OUT ends so, else pt)
  --target 2.1|2.15         the oldest torch that is to read a pt file with weights_only=True (default: 2.15)

Exits with 0 if OUT was written; 2 if it was not, and is as it was before; 130 after Ctrl-C.

Examples:
  torch-parity convert checkpoint.pt checkpoint.safetensors
  torch-parity convert old.pth new.pth                        from a file of torch before 1.6
  torch-parity convert --target 2.1 checkpoint.pt for-2.1.pt`;

const options = {
  format: { type: 'string' },
  target: { type: 'string' },
} as const;

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  const [from, to, ...rest] = positionals;
  if (from === undefined || to === undefined || rest.length > 0) {
    throw new UsageError('convert needs two files, IN and OUT');
  }
  const format = values.format ?? formatOf(to);
  const { target } = values;
  if (format !== 'pt' && format !== 'safetensors') {
    throw new UsageError(`--format is pt or safetensors, but got ${format}`);
  }
  if (target !== undefined && target !== '2.1' && target !== '2.15') {
    throw new UsageError(`--target is 2.1 or 2.15, but got ${target}`);
  }
  if (target !== undefined && format !== 'pt') throw new UsageError('--target is about pt files alone');
  return fileCommand(async (signal) => {
    await using checkpoint = await open(from, { signal });
    await saveFile(checkpoint, to, { label: 'converting', format, signal, ...(target && { target }) });
    return 0;
  });
}
