import { Dealer } from 'zeromq';
import { findPython, startProcess, type OracleProcess } from './oracle_process.ts';
import type { Program } from './program.ts';
import type { Profile } from './subject.ts';
import type { TraceKind } from './trace.ts';
import {
  decodeReply,
  encodeLoad,
  encodePlain,
  encodeRun,
  encodeSave,
  protocol,
  type Hello,
  type LoadItem,
  type OracleFormat,
  type Read,
  type Reply,
  type Result,
  type Saved,
  type SaveItem,
} from './wire.ts';

export interface OracleOptions {
  /** The Python that has torch. */
  python?: string | undefined;
  /** The version of torch that is wanted, for instance `2.1.2`; any if left out. */
  torch?: string | undefined;
  /** Worker processes of the oracle; its own default if left out. */
  workers?: number | undefined;
  /** A Python file with optimizers of the user's own, which programs may name beside torch's. It is run. */
  optimizers?: string | undefined;
  /** An oracle that runs already; nothing is started then. */
  endpoint?: string | undefined;
  /** How long an oracle with work may stay silent before it counts as hung. */
  silenceSeconds?: number | undefined;
}

/** torch.optim as a service. */
export interface Oracle extends AsyncDisposable {
  readonly hello: Hello;
  /** Runs programs; one result each, in order. Calls may overlap. */
  run(
    programs: readonly Program[],
    want: readonly TraceKind[],
    options?: { profile?: Profile },
  ): Promise<Result[]>;
  /** Files as torch and safetensors write them; one result each, in order. */
  save(format: OracleFormat, items: readonly SaveItem[]): Promise<Saved[]>;
  /** What torch and safetensors read in files; one result each, in order. */
  load(items: readonly LoadItem[]): Promise<Read[]>;
  /** The process that was started here, which is a process group with its workers. */
  readonly pid: number | undefined;
  /** Lets go of the oracle, and ends it if it was started here. */
  close(): Promise<void>;
}

/** The oracle is missing, broken, hung, of another version, or refuses a request. */
export class OracleError extends Error {
  override readonly name = 'OracleError';
}

/**
 * Starts an oracle, or connects to one, and shakes hands with it.
 *
 * @throws OracleError if it cannot serve
 */
export async function startOracle(options: OracleOptions = {}): Promise<Oracle> {
  const { endpoint, python, torch, workers, optimizers, silenceSeconds = 60 } = options;
  let process: OracleProcess | undefined;
  try {
    process =
      endpoint === undefined
        ? await startProcess({ python: findPython(python, torch), workers, optimizers })
        : undefined;
  } catch (error) {
    throw new OracleError((error as Error).message, { cause: error });
  }
  const client = new Client((endpoint ?? process?.endpoint)!, process, silenceSeconds);
  try {
    await client.connect(torch);
    return client;
  } catch (error) {
    await client.close();
    throw error;
  }
}

interface Waiting {
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

class Client implements Oracle {
  hello!: Hello;
  readonly #socket = new Dealer({ linger: 0, immediate: true, sendTimeout: 30_000 });
  readonly #process: OracleProcess | undefined;
  readonly #waiting = new Map<number, Waiting>();
  readonly #watch: NodeJS.Timeout;
  readonly #reading: Promise<void>;
  #sending: Promise<unknown> = Promise.resolve();
  #lastId = 0;
  #silent = 0;
  #broken: OracleError | undefined;

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  constructor(endpoint: string, process: OracleProcess | undefined, silenceSeconds: number) {
    this.#process = process;
    this.#socket.connect(endpoint);
    this.#reading = this.#read();
    void process?.ended.then((how) => this.#fail(`the oracle ${how}`));
    // Counted in ticks, not in time: a subject that keeps this thread busy is no silence of the oracle.
    this.#watch = setInterval(() => {
      this.#silent = this.#waiting.size === 0 ? 0 : this.#silent + 1;
      if (this.#silent > silenceSeconds)
        this.#fail(`the oracle at ${endpoint} has not answered for ${silenceSeconds} s`);
    }, 1000);
  }

  async connect(torch: string | undefined): Promise<void> {
    const reply = await this.#request((id) => encodePlain('hello', id));
    if (reply.type !== 'hello') throw new OracleError(`the oracle answered hello with ${reply.type}`);
    this.hello = reply.hello;
    if (this.hello.protocol !== protocol) {
      throw new OracleError(
        `the oracle speaks protocol ${this.hello.protocol}, but this harness speaks ${protocol}`,
      );
    }
    if (torch !== undefined && this.hello.torch.split('+')[0] !== torch) {
      throw new OracleError(
        `the oracle has torch ${this.hello.torch}, but ${torch} is wanted: run \`make setup TORCH=${torch}\``,
      );
    }
  }

  async run(
    programs: readonly Program[],
    want: readonly TraceKind[],
    options: { profile?: Profile } = {},
  ): Promise<Result[]> {
    const reply = await this.#request((id) => encodeRun({ id, programs, want, ...options }));
    if (reply.type !== 'result') throw new OracleError(`the oracle answered run with ${reply.type}`);
    return counted(reply.results, programs, 'programs');
  }

  async save(format: OracleFormat, items: readonly SaveItem[]): Promise<Saved[]> {
    const reply = await this.#request((id) => encodeSave(id, format, items));
    if (reply.type !== 'save result') throw new OracleError(`the oracle answered save with ${reply.type}`);
    return counted(reply.results, items, 'items');
  }

  async load(items: readonly LoadItem[]): Promise<Read[]> {
    const reply = await this.#request((id) => encodeLoad(id, items));
    if (reply.type !== 'load result') throw new OracleError(`the oracle answered load with ${reply.type}`);
    return counted(reply.results, items, 'items');
  }

  async close(): Promise<void> {
    clearInterval(this.#watch);
    this.#fail('the oracle was closed');
    this.#socket.close();
    await this.#reading;
    await this.#process?.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #request(encode: (id: number) => Uint8Array[]): Promise<Reply> {
    if (this.#broken) throw this.#broken;
    const id = (this.#lastId += 1);
    const answered = new Promise<Reply>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    // One at a time: a second send() while the first still waits is refused.
    this.#sending = this.#sending.then(() => this.#socket.send(encode(id)));
    this.#sending.catch((error: Error) => this.#fail(`the oracle cannot be reached: ${error.message}`));
    return answered;
  }

  async #read(): Promise<void> {
    try {
      for await (const frames of this.#socket) this.#answer(decodeReply(frames));
    } catch (error) {
      this.#fail(`the oracle's answer could not be read: ${(error as Error).message}`);
    }
  }

  #answer(reply: Reply): void {
    this.#silent = 0;
    if (reply.type === 'error' && reply.id === null) {
      this.#fail(`the oracle could not read a message: ${reply.code}: ${reply.message}`);
      return;
    }
    // A reply that nobody waits for any more is dropped.
    const waiting = this.#waiting.get(reply.id!);
    this.#waiting.delete(reply.id!);
    if (reply.type === 'error')
      waiting?.reject(new OracleError(`the oracle refused: ${reply.code}: ${reply.message}`));
    else waiting?.resolve(reply);
  }

  #fail(message: string): void {
    this.#broken ??= new OracleError(message);
    for (const { reject } of this.#waiting.values()) reject(this.#broken);
    this.#waiting.clear();
  }
}

function counted<R>(results: R[], items: readonly unknown[], what: string): R[] {
  if (results.length !== items.length)
    throw new OracleError(`the oracle gave ${results.length} results for ${items.length} ${what}`);
  return results;
}
