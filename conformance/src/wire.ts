import { Packr } from 'msgpackr';
import { TensorData, type DType } from 'torch-parity';
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
  /** Whether every primitive was found to be IEEE on its machine. */
  exact: boolean;
  checks: Record<string, boolean>;
  optimizers: string[];
}

/** The traces that were asked for, or why the oracle has none. */
export type Result = Partial<Record<TraceKind, Trace>> | { failed: { code: string; message: string } };

export interface RunRequest {
  id: number;
  programs: readonly Program[];
  want: readonly TraceKind[];
  profile?: Profile | undefined;
}

export type Reply =
  | { type: 'hello'; id: number; hello: Hello }
  | { type: 'result'; id: number; results: Result[] }
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
  if (header.type !== 'result') return header;
  let next = 0;
  for (const result of header.results) {
    for (const kind of traceKinds) {
      const trace = (result as Partial<Record<TraceKind, Trace>>)[kind];
      if (trace) trace.tensors = trace.tensors.map((tensor) => filled(tensor, rest[next++]));
    }
  }
  if (next !== rest.length) {
    throw new Error(`the oracle's header describes ${next} tensors, but ${rest.length} frames came with it`);
  }
  return header;
}

function filled(
  { dtype, shape }: { dtype: DType; shape: readonly number[] },
  frame?: Uint8Array,
): TensorData {
  if (frame === undefined) throw new Error("the oracle's message has fewer frames than its header describes");
  // A copy: it is a plain Uint8Array (a Buffer's slice() is no copy), and it lets go of the socket's memory.
  return new TensorData(dtype, shape, new Uint8Array(frame));
}

/** msgpackr writes an int beyond 32 bits as a float, which Python would take for one, unless it is a bigint. */
function withWideInts(value: unknown): unknown {
  if (typeof value === 'number') return Math.abs(value) < 2 ** 31 ? value : BigInt(value);
  if (value === null || typeof value !== 'object' || value instanceof TensorData) return value;
  if (Array.isArray(value)) return value.map(withWideInts);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withWideInts(item)]));
}
