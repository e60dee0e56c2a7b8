import { parseArgs } from 'node:util';
import { open, type Checkpoint, type SaveOptions } from '../checkpoint/index.ts';
import { countText } from '../inspect/quantity.ts';
import { survey } from '../inspect/survey.ts';
import { escapeControls, fileCommand, saveFile } from './file_command.ts';
import { ProgressBar } from './progress_bar.ts';
import { UsageError } from './usage_error.ts';

export const usage = `Usage: torch-parity convert [--format pt|safetensors] [--target 2.1|2.15] IN OUT

Writes a checkpoint in another format. IN is what torch.save wrote, in any version, or safetensors; OUT is replaced as cp would,
but only once it is written in full, so that it may be IN. Tensors are streamed and keep every bit. A tree that is more
than names and tensors is kept in safetensors, too, in its metadata. What cannot be kept is told on stderr.

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
  const format = values.format ?? (to.endsWith('.safetensors') ? 'safetensors' : 'pt');
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
    using bar = new ProgressBar('converting');
    const wanted: SaveOptions = { format, signal, onProgress: bar.show, ...(target && { target }) };
    await saveFile(checkpoint.value, to, wanted);
    bar.clear();
    for (const loss of lossesOf(checkpoint, format))
      console.error(`torch-parity: ${escapeControls(to)}: ${loss}`);
    return 0;
  });
}

/** What the new file has no place for. */
function* lossesOf({ value, metadata }: Checkpoint, format: 'pt' | 'safetensors'): Generator<string> {
  if (metadata !== undefined) {
    const lost = [...metadata.keys()].filter((key) => key !== 'format' && key !== 'torch_parity.tree');
    if (lost.length > 0) yield `metadata of safetensors is not kept: ${escapeControls(lost.join(', '))}`;
  }
  if (format !== 'safetensors') return;
  let tensors = 0;
  let storages = 0;
  for (const views of survey(value).storages.values()) {
    if (views === 1) continue;
    storages++;
    tensors += views;
  }
  if (storages > 0) {
    yield `safetensors has no shared storages: the ${countText(tensors, 'tensor')} of ${countText(storages, 'shared storage')} were written one by one`;
  }
}
