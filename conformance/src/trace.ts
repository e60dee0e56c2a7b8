import type { TensorData } from 'torch-parity';
import type { Value } from './value.ts';

/** The key of an entry of `optimizer.state`: a parameter's number, or what a foreign entry is filed under. */
export type StateKey = number | { key: Value };

/** The fields of every parameter at one moment; numbers are indices into the trace's tensors. */
export interface Snapshot {
  params: number[];
  state: [StateKey, Value][];
}

/** What one command did (PROTOCOL.md, "Trace"). */
export interface TraceRecord {
  events?: string[];
  warnings?: string[];
  error?: { class: string; message: string };
  result?: Value;
  snapshot?: Snapshot;
  /** Of kind `truth` alone: the error bound of each element of the snapshot; Infinity where undecided. */
  bounds?: Snapshot;
}

/** What running a program showed: a record for the construction, then one for each command that was begun. */
export interface Trace {
  tensors: TensorData[];
  records: TraceRecord[];
}

/** How the oracle can run a program. */
export const traceKinds = ['exact', 'foreach', 'torch', 'truth'] as const;
export type TraceKind = (typeof traceKinds)[number];
