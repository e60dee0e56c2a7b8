import { Packr } from 'msgpackr';
import { TensorData } from 'torch-parity';
import type { Description } from './exchange/description.ts';
import type { Program } from './program.ts';
import type { Profile } from './subject.ts';
import { traceKinds, type Trace, type TraceKind } from './trace.ts';

/** The version of PROTOCOL.md that this client speaks. */
export const protocol = 1;

/** What the oracle says about itself. */
export interface Hello {
  protocol: number;
  torch: string;
  python: string;
  numpy: string;
  capability: string;
  device: string;
  threads: number;
  workers: number;
  /** The dtypes in which every primitive was found to be what the exact trace rests on. */
  exact: string[];
  checks: Record<string, boolean>;
  optimizers: string[];
  /** What torch itself puts into checkpoints, by name. */
  catalogue: string[];
}

/** The traces that were asked for, or why the oracle has none. */
export type Result = Partial<Record<TraceKind, Trace>> | { failed: { code: string; message: string } };

export interface RunRequest {
  id: number;
  programs: readonly Program[];
  want: readonly TraceKind[];
  profile?: Profile | undefined;
}

/** A file that the oracle is to make: of a value that is described, or of something that it has itself. */
export type SaveItem = Description | { catalogue: string };

/** The formats that the oracle writes. */
export type OracleFormat = 'pt' | 'pt-legacy' | 'safetensors';

/** A file that the oracle is to read; `resume` names what it is to resume from it, and step. */
export interface LoadItem {
  file: Uint8Array;
  mmap: boolean;
  resume?: string;
}

/** What torch refused, and in which words; or why the oracle has no answer. */
export type Refusal =
  { refused: { class: string; message: string } } | { failed: { code: string; message: string } };

/** A file, and what went into it where the caller does not know. */
export type Saved = { file: Uint8Array; description?: Description; undescribed?: string } | Refusal;

/** What a file holds, and what the training is after it was resumed and stepped. */
export type Read =
  { description: Description; after?: Description | { error: { class: string; message: string } } } | Refusal;

export type Reply =
  | { type: 'hello'; id: number; hello: Hello }
  | { type: 'result'; id: number; results: Result[] }
  | { type: 'save result'; id: number; results: Saved[] }
  | { type: 'load result'; id: number; results: Read[] }
  | { type: 'error'; id: number | null; code: string; message: string }
  | { type: 'bye'; id: number };

// Records are a form of msgpackr alone, which Python cannot read; `auto` gives a number wherever one can hold the int.
const options: object = { useRecords: false, int64AsType: 'auto' }; // 'auto' is missing from its types
const packr = new Packr(options);

/** The frames of a message without tensors. */
export function encodePlain(type: 'hello' | 'bye', id: number): Uint8Array[] {
  return [packr.pack(type === 'hello' ? { type, id, protocol } : { type, id })];
}

/** The frames of a `run` message: the header, then the bytes of every tensor. */
export function encodeRun({ id, programs, want, profile }: RunRequest): Uint8Array[] {
  const frames: Uint8Array[] = [];
  const bare = programs.map((program) => ({
    ...(withWideInts(program) as Program),
    tensors: program.tensors.map(({ dtype, shape, bytes }) => {
      frames.push(bytes);
      return { dtype, shape };
    }),
  }));
  return [packr.pack({ type: 'run', id, want, ...(profile && { profile }), programs: bare }), ...frames];
}

/** The frames of a `save` message: the header, then the bytes of every storage. */
export function encodeSave(id: number, format: OracleFormat, items: readonly SaveItem[]): Uint8Array[] {
  const frames: Uint8Array[] = [];
  const bare = items.map((item) => {
    if ('catalogue' in item) return item;
    frames.push(...item.storages);
    return {
      ...(withWideInts(item) as Description),
      storages: item.storages.map((bytes) => bytes.byteLength),
    };
  });
  return [packr.pack({ type: 'save', id, format, items: bare }), ...frames];
}

/** The frames of a `load` message: the header, then the files. */
export function encodeLoad(id: number, items: readonly LoadItem[]): Uint8Array[] {
  const bare = items.map(({ mmap, resume }) => ({ mmap, ...(resume !== undefined && { resume }) }));
  return [packr.pack({ type: 'load', id, items: bare }), ...items.map(({ file }) => file)];
}

/**
 * Reads a message of the oracle.
 *
 * @throws Error if it is not of this protocol's form
 */
export function decodeReply(frames: readonly Uint8Array[]): Reply {
  const [head, ...rest] = frames;
  if (head === undefined) throw new Error('the oracle sent a message without a frame');
  const header = packr.unpack(head) as Record<string, unknown> & Reply;
  if (header.type === 'hello') {
    const { type, id, ...hello } = header as unknown as { type: 'hello'; id: number } & Hello;
    return { type, id, hello };
  }
  const take = framesOf(rest);
  if (header.type === 'result') fillTraces(header.results, take);
  else if (header.type === 'save result') {
    for (const result of header.results) {
      if ('refused' in result || 'failed' in result) continue;
      result.file = take();
      fillStorages(result.description, take);
    }
  } else if (header.type === 'load result') {
    for (const result of header.results) {
      if (!('description' in result)) continue;
      fillStorages(result.description, take);
      if (result.after && 'value' in result.after) fillStorages(result.after, take);
    }
  }
  take.end();
  return header;
}

/** Gives the frames that follow a header one after the other; copies, which let go of the socket's memory. */
function framesOf(frames: readonly Uint8Array[]): { (): Uint8Array; end(): void } {
  let next = 0;
  const take = (): Uint8Array => {
    const frame = frames[next++];
    if (frame === undefined)
      throw new Error("the oracle's message has fewer frames than its header describes");
    return new Uint8Array(frame); // a Buffer's slice() would be no copy
  };
  take.end = (): void => {
    if (next !== frames.length) {
      throw new Error(
        `the oracle's header describes ${next} tensors, but ${frames.length} frames came with it`,
      );
    }
  };
  return take;
}

function fillStorages(description: Description | undefined, take: () => Uint8Array): void {
  if (description) description.storages = description.storages.map(take);
}

function fillTraces(results: Result[], take: () => Uint8Array): void {
  for (const result of results) {
    for (const kind of traceKinds) {
      const trace = (result as Partial<Record<TraceKind, Trace>>)[kind];
      if (trace)
        trace.tensors = trace.tensors.map(({ dtype, shape }) => new TensorData(dtype, shape, take()));
    }
  }
}

/** msgpackr writes an int beyond 32 bits as a float, which Python would take for one, unless it is a bigint. */
function withWideInts(value: unknown): unknown {
  if (typeof value === 'number') return Math.abs(value) < 2 ** 31 ? value : BigInt(value);
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value) || value instanceof TensorData)
    return value;
  if (Array.isArray(value)) return value.map(withWideInts);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withWideInts(item)]));
}
