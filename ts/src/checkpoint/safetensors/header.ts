import { itemSizes, type DType } from '../../dtype.ts';
import { isSize } from '../../python/collections.ts';
import { FormatError, LimitError, UnsupportedError, type FormatCode } from '../errors.ts';
import type { Limits } from '../limits.ts';
import { dtypeOfName, metadataName } from './dtypes.ts';
import { JsonError, parseJson, type Json } from './json.ts';

/** A tensor as the header tells of it. */
export interface HeaderEntry {
  name: string;
  dtype: DType;
  shape: number[];
  /** Bytes from the end of the header to its first and behind its last. */
  begin: number;
  end: number;
}

export interface Header {
  entries: HeaderEntry[];
  metadata: Map<string, string> | undefined;
}

/**
 * Reads a header and checks all that it says.
 *
 * @param dataBytes - what the file has after the header: the tensors fill it without overlap or hole
 * @param file - for errors
 */
export function parseHeader(bytes: Uint8Array, dataBytes: number, limits: Limits, file: string): Header {
  const json = parse(bytes, limits, file);
  if (!(json instanceof Map)) throw new FormatError('HEADER_JSON', 'the header is no JSON object', { file });
  const metadata = json.get(metadataName);
  json.delete(metadataName);
  if (json.size > limits.entries) {
    const details = { file, key: 'entries', expected: limits.entries, found: json.size };
    throw new LimitError(
      'LIMIT',
      `${json.size} tensors: raise limits.entries if you trust the file`,
      details,
    );
  }
  const entries = Array.from(json, ([name, value]) => readEntry(name, value, file));
  checkOffsets(entries, dataBytes, file);
  return { entries, metadata: metadata === undefined ? undefined : readMetadata(metadata, file) };
}

function parse(bytes: Uint8Array, limits: Limits, file: string): Json {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new FormatError('HEADER_JSON', 'the header is not UTF-8', { file, offset: 8, cause });
  }
  try {
    return parseJson(text, limits);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    if (error.limit !== undefined) {
      const details = { file, offset: 8 + error.offset, key: error.limit, expected: limits[error.limit] };
      throw new LimitError('LIMIT', `the header: ${error.message}`, details);
    }
    throw new FormatError(
      'HEADER_JSON',
      `the header is no JSON at character ${error.offset}: ${error.message}`,
      {
        file,
        offset: 8 + error.offset,
      },
    );
  }
}

function readEntry(name: string, value: Json, file: string): HeaderEntry {
  const refuse = (code: FormatCode, message: string): FormatError =>
    new FormatError(code, `tensor ${JSON.stringify(name)}: ${message}`, { file, record: name });
  if (!(value instanceof Map) || value.size !== 3) {
    throw refuse('HEADER_ENTRY', 'its entry is not {dtype, shape, data_offsets}');
  }
  const code = value.get('dtype');
  const shape = value.get('shape');
  const offsets = value.get('data_offsets');
  if (typeof code !== 'string') throw refuse('HEADER_ENTRY', 'its dtype is no string');
  if (!areSizes(shape)) throw refuse('HEADER_ENTRY', 'its shape is no list of sizes');
  if (!areSizes(offsets) || offsets.length !== 2) {
    throw refuse('HEADER_ENTRY', 'its data_offsets are not two numbers of bytes');
  }
  const dtype = dtypeOfName.get(code);
  if (dtype === undefined) {
    const message = `tensor ${JSON.stringify(name)}: its dtype ${JSON.stringify(code)} is not supported`;
    throw new UnsupportedError('UNSUPPORTED_DTYPE', message, { file, record: name, key: code });
  }
  const [begin, end] = offsets as [number, number];
  const expected = byteLength(shape, dtype);
  if (end - begin !== expected) {
    const message = `${dtype} of shape [${shape.join(', ')}] takes ${expected} bytes, but its data_offsets are ${end - begin} apart`;
    throw refuse('DATA_OFFSETS', message);
  }
  return { name, dtype, shape, begin, end };
}

function areSizes(value: Json | undefined): value is number[] {
  return Array.isArray(value) && value.every(isSize);
}

/** Beyond 2^53, and so beyond all files, where its strides would be: also if another dimension is 0. */
function byteLength(shape: readonly number[], dtype: DType): number {
  const filled = shape.reduce((product, size) => product * Math.max(size, 1), itemSizes[dtype]);
  return Number.isSafeInteger(filled) && shape.includes(0) ? 0 : filled;
}

function checkOffsets(entries: readonly HeaderEntry[], dataBytes: number, file: string): void {
  let end = 0;
  for (const entry of entries.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (entry.begin !== end) {
      const what = entry.begin < end ? 'overlaps the tensor before it' : 'has a hole before it';
      const details = { file, record: entry.name, expected: end, found: entry.begin };
      throw new FormatError('DATA_OFFSETS', `tensor ${JSON.stringify(entry.name)} ${what}`, details);
    }
    end = entry.end;
  }
  if (end !== dataBytes) {
    const message = `the tensors take ${end} bytes, but the file has ${dataBytes} for them`;
    throw new FormatError('DATA_OFFSETS', message, { file, expected: end, found: dataBytes });
  }
}

function readMetadata(value: Json, file: string): Map<string, string> {
  if (value instanceof Map && [...value.values()].every((text) => typeof text === 'string')) {
    return value as Map<string, string>;
  }
  throw new FormatError('HEADER_ENTRY', `${metadataName} does not map names to strings`, { file });
}
