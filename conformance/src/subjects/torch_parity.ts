import * as tf from '@tensorflow/tfjs-core';
import {
  NativeTensor,
  optimizers,
  Parameter,
  PythonNumber,
  pythonTypeOf,
  SparseTensor,
  TensorData,
} from 'torch-parity';
import { OrderedDict, type Dict } from 'torch-parity/checkpoint';
import type { Definition, Gradient, Optimizer, RemovableHandle, StateDict } from 'torch-parity';
import { torchParityFiles, type Files } from '../exchange/files.ts';
import type { Closure, Command, Edit, Program } from '../program.ts';
import type { Subject } from '../subject.ts';
import type { Snapshot, Trace, TraceRecord } from '../trace.ts';
import type { Value } from '../value.ts';
import { Arguments } from './arguments.ts';
import { applyEdits } from './edits.ts';
import { registerHook, type HookContext } from './hooks.ts';
import { fromJs, plain, tensorAt, toJs } from './python_values.ts';

/** Optimizers by torch's names; their constructors differ in options alone. */
export type OptimizerTable = Readonly<
  Record<string, new (params: never, options: never) => Optimizer<object>>
>;

/** Optimizers that `defineOptimizer` made. */
export type DefinedTable = Readonly<
  Record<string, OptimizerTable[string] & { definition: Definition<object> }>
>;

/**
 * torch-parity on the tfjs backend that is registered, through its public interface.
 *
 * @param table - planted faults put other classes in the place of torch-parity's; so may whoever has their own
 * @param files - and another way to write or read checkpoints
 */
export function torchParity(
  table: OptimizerTable = optimizers,
  name = 'torch-parity',
  files: Files = torchParityFiles,
): Subject {
  return {
    name,
    claim: 'exact',
    device: device(),
    ...(isDefined(table) && hasKernels(table) && { engines: exactEngines() }),
    // A planted fault is not worth compiling.
    run: (program, engine = 'reference') => new Run(program, table, files, engine).trace(),
  };
}

/** Whether all of a table are classes that `defineOptimizer` made, and none extends one. */
function isDefined(table: OptimizerTable): table is DefinedTable {
  return Object.values(table).every((kind) => Object.hasOwn(kind, 'definition'));
}

/** Whether the fused engine has to be there: on TensorFlow, and for others' optimizers with a compiler. */
function hasKernels(table: DefinedTable): boolean {
  if (!('isUsingGpuDevice' in tf.backend())) return false;
  if ((table as OptimizerTable) === optimizers) return true;
  const parameter = new Parameter(TensorData.from('float32', [0]));
  const fallbacks = Object.values(table).map((kind) => new kind([parameter] as never, {} as never).fallback);
  parameter.dispose();
  const fallback = fallbacks.find((reason) => reason !== undefined);
  if (fallback !== undefined) console.error(`The reference engine alone is checked: ${fallback}`);
  return fallback === undefined;
}

/** TensorFlow's own kernels for a GPU, which the reference engine takes, do not give torch's bits. */
function exactEngines(): string[] {
  const { isUsingGpuDevice } = tf.backend() as { isUsingGpuDevice?: boolean };
  return isUsingGpuDevice ? ['fused'] : ['fused', 'reference'];
}

function device(): string {
  // tfjs-node's backend alone knows whether TensorFlow found a GPU.
  const { isUsingGpuDevice } = tf.backend() as { isUsingGpuDevice?: boolean };
  return `${tf.getBackend()}${isUsingGpuDevice === undefined ? '' : isUsingGpuDevice ? ' (gpu)' : ' (cpu)'}`;
}

/** What the optimizer of a program is made of; of a planted fault, what it should be made of. */
function definitionOf({ optimizer }: Program, table: OptimizerTable): Definition<object> | undefined {
  const own: OptimizerTable = optimizers;
  return ((own[optimizer] ?? table[optimizer]) as Partial<DefinedTable[string]> | undefined)?.definition;
}

/** One program's run. */
class Run implements HookContext {
  readonly #program: Program;
  readonly #table: OptimizerTable;
  readonly #files: Files;
  readonly #engine: string;
  /** The program's tensors, and after them those of state dicts that were kept. */
  readonly #inputs: TensorData[];
  readonly #outputs: TensorData[] = [];
  readonly #params: Parameter[];
  readonly #arguments: Arguments;
  readonly #kept = new Map<string, Value>();
  readonly #handles = new Map<string, RemovableHandle>();
  readonly #gradients: tf.Tensor[] = [];
  #optimizer: Optimizer<object> | undefined;
  #events: string[] = [];

  constructor(program: Program, table: OptimizerTable, files: Files, engine: string) {
    this.#program = program;
    this.#table = table;
    this.#files = files;
    this.#engine = engine;
    this.#inputs = [...program.tensors];
    this.#params = program.params.map(({ tensor }) => new Parameter(tensorAt(this.#inputs, tensor)));
    this.#arguments = new Arguments(this.#params, this.#inputs, definitionOf(program, table));
  }

  /** At once, unless files are written or read: programs that wait do not overlap with others by themselves. */
  trace(): Trace | Promise<Trace> {
    const run = this.#run();
    const first = run.next();
    return first.done ? first.value : finished(run, first);
  }

  /** Yields where it waits for a file, and takes the record of that command. */
  *#run(): Generator<Promise<TraceRecord>, Trace, TraceRecord> {
    const records: TraceRecord[] = [];
    try {
      records.push(this.#record(() => this.#construct()));
      for (const command of this.#program.commands) {
        if (records.at(-1)?.error !== undefined) break;
        if (command.op === 'save') records.push(yield this.#save(command));
        else if (command.op === 'resume') records.push(yield this.#resume(command));
        else records.push(this.#record(() => this.#execute(command)));
      }
    } finally {
      for (const handle of this.#handles.values()) handle.remove();
      for (const tensor of this.#gradients) tensor.dispose();
      for (const parameter of this.#params) parameter.dispose();
      this.#optimizer?.dispose();
    }
    return { tensors: this.#outputs, records };
  }

  #record(run: () => TraceRecord): TraceRecord {
    this.#events = [];
    const warnings: string[] = [];
    const { emitWarning } = process;
    // torch's categories are the library's; what else warns is Node, of tfjs's old calls.
    process.emitWarning = (...args: [warning: string | Error, ...rest: never[]]): void => {
      const [text, category] = args as unknown[];
      if (category === 'UserWarning' || category === 'FutureWarning') warnings.push(String(text));
      else emitWarning.apply(process, args as unknown as Parameters<typeof emitWarning>);
    };
    let record: TraceRecord;
    try {
      record = run();
    } catch (error) {
      // The library's own errors are its behaviour; any other is a bug, and must be seen as one.
      if (!(error instanceof Error) || !('code' in error)) throw error;
      record = { error: { class: error.name, message: error.message } };
    } finally {
      process.emitWarning = emitWarning;
    }
    if (this.#events.length > 0) record.events = this.#events;
    if (warnings.length > 0) record.warnings = warnings;
    return record;
  }

  #construct(): TraceRecord {
    const { optimizer, argument, options } = this.#program;
    const kind = this.#table[optimizer];
    if (kind === undefined) throw new RangeError(`torch-parity has no ${optimizer}`);
    this.#optimizer = new kind(
      this.#arguments.argument(argument) as never,
      { ...this.#arguments.options(options), engine: this.#engine } as never,
    );
    return { snapshot: this.#snapshot() };
  }

  #execute(command: Exclude<Command, { op: 'save' | 'resume' }>): TraceRecord {
    const optimizer = this.#optimizer as Optimizer<object>;
    switch (command.op) {
      case 'grad':
        this.#setGrad(command.param, command.tensor);
        return {};
      case 'sparseGrad': {
        const parameter = this.#arguments.param(command.param);
        parameter.grad = sparseGradient(parameter);
        return {};
      }
      case 'step': {
        const { closure } = command;
        const loss = closure === undefined ? optimizer.step() : optimizer.step(() => this.#close(closure));
        return { result: fromJs(loss, this.#outputs), snapshot: this.#snapshot() };
      }
      case 'zeroGrad':
        optimizer.zeroGrad({ setToNone: command.setToNone });
        return {};
      case 'addParamGroup': {
        const group = 'group' in command ? this.#arguments.group(command.group) : this.value(command.value);
        optimizer.addParamGroup(group as never);
        return {};
      }
      case 'setOption':
        this.setOption(command);
        return {};
      case 'repr':
        return { result: String(optimizer) };
      case 'stateDict': {
        const stateDict = optimizer.stateDict();
        this.#kept.set(command.as, fromJs(stateDict, this.#inputs));
        return { result: fromJs(stateDict, this.#outputs) };
      }
      case 'load': {
        const kept = this.#kept.get(command.from);
        if (kept === undefined) throw new RangeError(`no state dict was kept as ${command.from}`);
        optimizer.loadStateDict(this.#toStateDict(applyEdits(kept, command.edits)));
        return { snapshot: this.#snapshot() };
      }
      case 'register':
        this.#handles.set(command.as, registerHook(optimizer, command, this));
        return {};
      case 'remove':
        this.#handles.get(command.hook)?.remove();
        return {};
    }
  }

  async #save({ format, params, target = '2.15' }: Extract<Command, { op: 'save' }>): Promise<TraceRecord> {
    let checkpoint: object | undefined;
    const record = this.#record(() => {
      const optimizer = (this.#optimizer as Optimizer<object>).stateDict();
      const named = this.#params.map((param, k): [string, Parameter] => [`layers.${k}`, param]);
      checkpoint = {
        params:
          params === 'dict' ? new OrderedDict(named) : this.#params.map((param) => param.toTensorData()),
        optimizer,
      };
      return {};
    });
    if (checkpoint === undefined) return record;
    const file = await this.#files.save(checkpoint, { format, target });
    return { ...record, result: fromJs(new TensorData('uint8', [file.length], file), this.#outputs) };
  }

  async #resume({ tensor, mmap }: Extract<Command, { op: 'resume' }>): Promise<TraceRecord> {
    const file = tensorAt(this.#inputs, tensor).bytes;
    const checkpoint = (await this.#files.load(file, mmap ? 'disk' : 'memory')) as Dict;
    const saved: TensorData[] = Array.from(checkpoint.get('params').values());
    return this.#record(() => {
      for (const [k, param] of this.#params.entries()) param.replaceData(new Parameter(saved[k]!).data);
      (this.#optimizer as Optimizer<object>).loadStateDict(checkpoint.get('optimizer'));
      return { snapshot: this.#snapshot() };
    });
  }

  // What hooks use

  log(event: string): void {
    this.#events.push(event);
  }

  value(value: Value): unknown {
    return this.#arguments.value(value);
  }

  setOption({ group, key, value }: { group: number; key: string; value: Value }): void {
    const target = this.#optimizer?.paramGroups[group];
    if (target === undefined) throw new RangeError(`the optimizer has no group ${group}`);
    for (const [name, option] of Object.entries(this.#arguments.options([[key, value]]))) {
      // A whole number put where one was remembered as an int would be taken for that int, unless it says its type; and
      // an array is a list here.
      target[name] = typeof option === 'number' && !Number.isInteger(option) ? option : this.value(value);
    }
  }

  edited(stateDict: StateDict, edits: readonly Edit[]): StateDict {
    return this.#toStateDict(applyEdits(fromJs(stateDict, this.#inputs), edits));
  }

  #close({ loss, grads }: Closure): unknown {
    this.log('closure');
    for (const [param, tensor] of grads) this.#setGrad(param, tensor);
    return this.value(loss);
  }

  #setGrad(param: number, tensor: number | null): void {
    this.#arguments.param(param).grad =
      tensor === null ? null : this.#gradient(tensorAt(this.#inputs, tensor));
  }

  /** A float32 gradient comes from tfjs, as in training; what tfjs has no dtype for comes as TensorData. */
  #gradient(data: TensorData): Gradient {
    if (data.dtype !== 'float32') return data;
    const tensor = tf.tensor(data.toFloat32Array(), [...data.shape], 'float32');
    this.#gradients.push(tensor);
    return tensor;
  }

  /** A state dict from its tagged form; ids stay what they are, so `state` is a Map. */
  #toStateDict(value: Value): StateDict {
    const { dict } = value as { dict: [Value, Value][] };
    return Object.fromEntries(
      dict.map(([key, part]) => {
        if (key === 'state') return [key, this.#toState(part)];
        if (key === 'param_groups') return [key, (part as Value[]).map((group) => this.#toSavedGroup(group))];
        return [plain(key), toJs(part, this.#inputs)];
      }),
    ) as StateDict;
  }

  #toState(value: Value): StateDict['state'] {
    const { dict } = value as { dict: [Value, Value][] };
    return new Map(dict.map(([id, entry]) => [plain(id), this.value(entry) as Record<string, unknown>]));
  }

  #toSavedGroup(value: Value): unknown {
    const { dict } = value as { dict: [Value, Value][] };
    return Object.fromEntries(
      dict.map(([key, item]) => [
        plain(key),
        key === 'params' ? (item as Value[]).map(plain) : this.value(item),
      ]),
    );
  }

  #snapshot(): Snapshot {
    const { state } = this.#optimizer as Optimizer<object>;
    return {
      params: this.#params.map((parameter) => this.#outputs.push(parameter.toTensorData()) - 1),
      state: Array.from(state, ([key, entry]): Snapshot['state'][number] => {
        const number =
          key instanceof Parameter ? this.#params.indexOf(key) : { key: fromJs(key, this.#outputs) };
        return [number, fromJs(onHost(entry), this.#outputs)];
      }),
    };
  }
}

async function finished(
  run: Generator<Promise<TraceRecord>, Trace, TraceRecord>,
  first: IteratorYieldResult<Promise<TraceRecord>>,
): Promise<Trace> {
  let next: IteratorResult<Promise<TraceRecord>, Trace> = first;
  while (!next.done) {
    next = await next.value.then(
      (record) => run.next(record),
      (error: unknown) => run.throw(error),
    );
  }
  return next.value;
}

/** A live state entry with its device tensors read. */
function onHost(entry: Record<string, unknown>): Map<string, unknown> {
  return new Map(
    Object.entries(entry).map(([key, value]) => {
      if (value instanceof NativeTensor) return [key, value.toTensorData()];
      if (value instanceof tf.Tensor) return [key, TensorData.from('float32', value.dataSync(), value.shape)];
      if (typeof value === 'number') return [key, new PythonNumber(pythonTypeOf(entry, key), value)];
      return [key, value];
    }),
  );
}

/** A gradient with one entry, as the oracle makes it. */
function sparseGradient({ shape, dtype }: Parameter): SparseTensor {
  const indices = new TensorData('int64', [shape.length, 1], new Uint8Array(8 * shape.length));
  return new SparseTensor(indices, TensorData.from(dtype as 'float32' | 'float64', [1]), shape);
}
