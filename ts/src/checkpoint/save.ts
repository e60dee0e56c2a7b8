import { createFile } from '#platform';
import { ValueError } from '../errors.ts';
import { checkOptions } from './check_options.ts';
import { Output } from './output.ts';
import type { Target } from './pickle/target.ts';
import type { FilePlan } from './plan.ts';
import { planPt } from './pt/writer.ts';
import { planSafetensors } from './safetensors/writer.ts';
import { MemorySink, StreamSink, type Sink } from './sink.ts';
import type { ProgressOptions } from './source.ts';

export interface SaveOptions extends ProgressOptions {
  /** By the extension if left out: `.safetensors`, and `pt` for all others. */
  format?: 'pt' | 'safetensors';
  /** The oldest torch that is to read the file with `weights_only=True`; `2.15` if left out. */
  target?: Target;
  /** The archive's one folder; as torch has it, the file's name without its extension, or `archive` where there is none. */
  name?: string;
}

/**
 * Writes a value as a file: what `torch.load(path, weights_only=True)` reads, or a safetensors file. The same value makes the
 * same bytes.
 *
 * A path gets its new content at once and only when all of it is written; until then, and after any failure, the old file
 * stands. When the promise resolves, the content is on the disk. It may be the very file that `value` is being read from. Tensors of
 * an open checkpoint are streamed.
 *
 * Until the promise resolves nothing may change in `value`: bytes are written as they are found, and a file of which some changed
 * meanwhile may be one that cannot be read.
 *
 * @param value - tensors, numbers, strings, arrays, Maps, plain objects …: see the table of values
 * @throws TypeError UNKNOWN_OPTION, ValueError BAD_OPTION for options that are none
 * @throws UnsupportedError for what cannot be saved, before anything is written; `details.path` says where it is
 */
export async function save(
  value: unknown,
  to: string | URL | WritableStream<Uint8Array>,
  options: SaveOptions = {},
): Promise<void> {
  options.signal?.throwIfAborted();
  const path = to instanceof WritableStream ? '' : pathOf(to);
  const plan = planFile(value, path, options);
  const sink = to instanceof WritableStream ? new StreamSink(to, options.signal) : await createFile(to);
  await writeFile(plan, sink, options);
}

/** The bytes of the file that `save` would write. */
export async function saveToBytes(
  value: unknown,
  options: SaveOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  options.signal?.throwIfAborted();
  const plan = planFile(value, '', options);
  const sink = new MemorySink(plan.size);
  await writeFile(plan, sink, options);
  return sink.bytes;
}

function planFile(value: unknown, path: string, options: SaveOptions): FilePlan {
  checkOptions('save', options, ['format', 'target', 'name', 'signal', 'onProgress']);
  const { format, target = '2.15', name } = options;
  const extension = /\.safetensors$/i.test(path) ? 'safetensors' : 'pt';
  switch (format ?? extension) {
    case 'safetensors':
      return planSafetensors(value);
    case 'pt':
      if (target !== '2.1' && target !== '2.15') {
        throw new ValueError('BAD_OPTION', `target ${String(target)}: it must be '2.1' or '2.15'`);
      }
      return planPt(value, name === undefined ? stemOf(path) : folder(name), target);
    default:
      throw new ValueError('BAD_OPTION', `format ${String(format)}: it must be 'pt' or 'safetensors'`);
  }
}

async function writeFile(plan: FilePlan, sink: Sink, options: ProgressOptions): Promise<void> {
  try {
    const out = new Output(sink, plan.size, options);
    await plan.write(out, options);
    await out.flush();
    options.signal?.throwIfAborted();
    await sink.commit();
  } catch (error) {
    await sink.abort(error).catch(() => {}); // the first error tells more
    throw error;
  }
}

function pathOf(to: string | URL): string {
  if (typeof to === 'string') return to;
  if (to instanceof URL) return decodeURIComponent(to.pathname);
  throw new TypeError(
    'a checkpoint is saved to a path, a file: URL or a WritableStream (of Node: Writable.toWeb(stream))',
  );
}

/** As torch takes it from the path; it uses its default too where the path is not ASCII. */
function stemOf(path: string): string {
  const stem = path.replace(/^.*[\\/]/s, '').replace(/\.[^.]*$/s, '');
  return ['', '.', '..'].includes(stem) || /[^\0-\x7f]/.test(path) ? 'archive' : stem;
}

/** As in a file's name; torch's reader of archives takes 511 with the record's own. */
const maxFolderBytes = 255;

function folder(name: string): string {
  const isOne = !['', '.', '..'].includes(name) && !/[\\/\0]/.test(name);
  if (isOne && new TextEncoder().encode(name).length <= maxFolderBytes) return name;
  const shown = JSON.stringify(name.slice(0, 80));
  throw new ValueError(
    'BAD_OPTION',
    `name ${shown}: it is one folder in the archive, without / or \\, of at most ${maxFolderBytes} bytes`,
  );
}
