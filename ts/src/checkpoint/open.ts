import { openFile } from '#platform';
import { PythonNumber } from '../python/number.ts';
import { checkOptions } from './check_options.ts';
import { Checkpoint } from './checkpoint.ts';
import { FormatError, UnsupportedError } from './errors.ts';
import { withDefaults, type Limits } from './limits.ts';
import { loadTensors } from './load_tensors.ts';
import { legacyMagic, readLegacy } from './pt/legacy.ts';
import { readPt } from './pt/reader.ts';
import { readSafetensors } from './safetensors/reader.ts';
import { BlobSource, BytesSource, CheckedSource, type ProgressOptions, type Source } from './source.ts';

/** A path or file: URL, where there are files; a Blob or File; bytes; or what reads in any order. */
export type Input = string | URL | Blob | ArrayBuffer | Uint8Array | Source;

export interface OpenOptions extends ProgressOptions {
  /** Those of `defaultLimits` that are to be others. */
  limits?: Partial<Limits>;
}

/**
 * Opens a checkpoint of torch.save or safetensors, whatever its name: the tree of values is read and checked at once, and tensors read
 * their bytes when they are asked to. Nothing of a file is run.
 *
 * ```ts
 * await using checkpoint = await open<Dict>('model.pt');
 * const bytes = await checkpoint.value.get('weight').bytes();
 * ```
 *
 * @typeParam T - what the value is taken for; it is not checked
 * @throws FormatError for what is damaged, LimitError for what is too large, UnsupportedError; see errors.ts for all codes; ValueError
 *   BAD_LIMIT for a limit that is no number from 0 on
 */
export async function open<T = unknown>(input: Input, options: OpenOptions = {}): Promise<Checkpoint<T>> {
  checkOptions('open', options, ['limits', 'signal', 'onProgress']);
  options.signal?.throwIfAborted();
  const limits = withDefaults(options.limits);
  const source = await toSource(input);
  try {
    return await read(source, limits, options);
  } catch (error) {
    await source.close();
    throw error;
  }
}

/**
 * Reads a checkpoint with all of its tensors and closes it again. Of bytes in memory, tensors are views.
 *
 * One value is another afterwards, as no Map and no Set can hold it: -0.0 as a key or as a member of a set is 0.0.
 *
 * @typeParam T - what the value is taken for; it is not checked
 * @throws as {@link open}
 */
export async function load<T = unknown>(input: Input, options: OpenOptions = {}): Promise<T> {
  const checkpoint = await open<T>(input, { ...options, onProgress: undefined });
  try {
    return (await loadTensors(checkpoint.value, options)) as T;
  } finally {
    await checkpoint.close();
  }
}

async function toSource(input: Input): Promise<Source> {
  if (typeof input === 'string' || input instanceof URL) return openFile(input);
  if (input instanceof Blob) return new BlobSource(input);
  // Those of another realm, as in a test of Jest, are no instances of this one's classes.
  const kind = Object.prototype.toString.call(input).slice('[object '.length, -1);
  if (kind === 'ArrayBuffer') return new BytesSource(new Uint8Array(input as ArrayBuffer));
  if (kind === 'Uint8Array') return new BytesSource(input as Uint8Array);
  if (typeof input === 'object' && input !== null && 'read' in input && typeof input.read === 'function')
    return new CheckedSource(input);
  throw new TypeError('a checkpoint is opened from a path, a URL of a file, a Blob, bytes or a Source');
}

const headBytes = 512;
const zipMagic = [0x50, 0x4b, 0x03, 0x04];
const protocolOpcode = 0x80;
/** A tar archive has this at 257. */
const tarMagic = Array.from('ustar', (letter) => letter.charCodeAt(0));

async function read<T>(source: Source, limits: Limits, options: ProgressOptions): Promise<Checkpoint<T>> {
  const head = await source.read(0, Math.min(headBytes, source.size), options);
  const has = (at: number, bytes: readonly number[]): boolean =>
    bytes.every((byte, i) => head[at + i] === byte);
  if (has(0, zipMagic)) return new Checkpoint(plain<T>(await readPt(source, limits, options)), 'pt', source);
  if (head[0] === protocolOpcode && has(2, legacyMagic))
    return new Checkpoint(plain<T>(await readLegacy(source, limits, options)), 'pt-legacy', source);
  if (head[8] === '{'.charCodeAt(0)) {
    const { value, metadata } = await readSafetensors(source, limits, options);
    return new Checkpoint(value as T, 'safetensors', source, metadata);
  }
  if (has(257, tarMagic)) {
    const cure = 'load it in Python with weights_only=False if you trust it, and save it again';
    throw new UnsupportedError('UNSUPPORTED_FORMAT', `a tar archive, as torch wrote before 0.1.10: ${cure}`, {
      file: source.name,
    });
  }
  const cure =
    head[0] === protocolOpcode ? ', but a pickle: in Python, save what it holds with torch.save' : '';
  const what =
    source.size === 0 ? 'it is empty' : `it is neither a file of torch.save nor safetensors${cure}`;
  throw new FormatError('NOT_A_CHECKPOINT', what, { file: source.name, found: head.subarray(0, 8) });
}

/** A float as the whole value is a plain number, too. */
function plain<T>(value: unknown): T {
  return (value instanceof PythonNumber ? value.value : value) as T;
}
