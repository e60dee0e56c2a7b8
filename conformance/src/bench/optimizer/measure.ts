import { median } from '../median.ts';
import { TimeLimit, type Worker } from '../worker.ts';
import { sizeOf, textOf, type Case } from './cases.ts';
import { startSide, type Environment, type Side, type SideName } from './sides.ts';

/** What a side took in a case. */
export interface Measured {
  side: SideName;
  /** Milliseconds of a step, the median of all turns. */
  ms: number;
  /** Milliseconds of the first step, compiling included. */
  firstMs: number;
  /** Milliseconds of a whole training step, where there is a model. */
  wholeMs?: number;
}

/** A side that was left out of a case, and why. */
export interface LeftOut {
  side: SideName;
  why: string;
  /** It should have run. */
  failed: boolean;
}

export interface Result extends Pick<Case, 'name' | 'optimizer' | 'dtype'> {
  measured: Measured[];
  leftOut: LeftOut[];
}

export interface Plan extends Environment {
  sides: readonly Side[];
  rounds: number;
  /** How long a turn is to take, in seconds. */
  turnSeconds: number;
  /** How long a side may take for its first steps, which compile, or for a turn, in seconds. */
  compileSeconds: number;
  onProgress(text: string): void;
}

const itemSizes = { float32: 4, float64: 8, bfloat16: 2 } as const;
/** How far samples may be apart after three steps; these move a parameter by some 5e-3. */
const tolerances = { float32: 1e-5, float64: 1e-5, bfloat16: 2e-3 } as const;

/** The processes of all sides; each is started when it is first needed, and again after it failed. */
export class Workers implements AsyncDisposable {
  readonly #running = new Map<SideName, Worker>();
  readonly #environment: Environment;

  constructor(environment: Environment) {
    this.#environment = environment;
  }
  of(side: Side): Worker {
    let worker = this.#running.get(side.name);
    if (worker === undefined) this.#running.set(side.name, (worker = startSide(side, this.#environment)));
    return worker;
  }
  async end(side: Side): Promise<void> {
    await this.#running.get(side.name)?.[Symbol.asyncDispose]();
    this.#running.delete(side.name);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running.values()].map((worker) => worker[Symbol.asyncDispose]()));
  }
}

/** Measures a case: all sides are made ready, one after the other, and then take turns. */
export async function measureCase(given: Case, workers: Workers, plan: Plan): Promise<Result> {
  const { rounds, turnSeconds, compileSeconds, onProgress } = plan;
  const { name, optimizer, dtype } = given;
  const result: Result = { name, optimizer, dtype, measured: [], leftOut: [] };
  const serving = plan.sides.filter((side) => side.command(plan) !== undefined && side.serves(given));
  const lacking = memoryLacking(given, serving.length);
  if (lacking !== undefined) {
    result.leftOut = serving.map(({ name: side }) => ({ side, why: lacking, failed: false }));
    return result;
  }
  let ready: Ready[] = [];
  const attempt = async <T>(side: Side, call: (worker: Worker) => Promise<T>): Promise<T | undefined> => {
    try {
      return await call(workers.of(side));
    } catch (error) {
      await workers.end(side);
      const why = (error as Error).message;
      // Whoever has compiled once, and does not answer now, hangs.
      const hangs = ready.some((each) => each.side === side);
      result.leftOut.push({ side: side.name, why, failed: hangs || !(error instanceof TimeLimit) });
      return undefined;
    }
  };
  for (const side of serving) {
    onProgress(`${textOf(given)}: ${side.name} makes ready`);
    const prepared = await attempt(side, async (worker) => ({
      ...(await worker.ask<Prepared>({ do: 'prepare', ...given }, compileSeconds)),
      steps: await stepsOf(worker, turnSeconds, compileSeconds),
    }));
    if (prepared !== undefined) ready.push({ side, turns: [], ...prepared });
  }
  for (let round = 1; round <= rounds; round += 1) {
    for (const { side, steps, turns } of ready) {
      onProgress(`${textOf(given)}: round ${round} of ${rounds}, ${side.name}`);
      const turn = await attempt(side, (worker) => worker.ask<Turn>({ do: 'turn', steps }, compileSeconds));
      if (turn !== undefined) turns.push(turn);
    }
    ready = ready.filter(({ turns }) => turns.length === round);
  }
  for (const { side } of ready) await attempt(side, (worker) => worker.ask({ do: 'drop' }, compileSeconds));
  const truth = ready.find(({ side }) => side.name === 'torch for-loop') ?? ready[0];
  for (const { side, firstMs, sample, turns } of ready) {
    const apart = Math.max(...sample.map((value, i) => Math.abs(value - truth!.sample[i]!)));
    if (!side.differs?.(given) && !(apart <= tolerances[dtype])) {
      const why = `after three steps its parameters are ${apart.toExponential(1)} from those of ${truth!.side.name}`;
      result.leftOut.push({ side: side.name, why, failed: true });
      continue;
    }
    result.measured.push({
      ...{ side: side.name, ms: median(turns.map(({ ms }) => ms)), firstMs },
      ...(given.batch === undefined ? {} : { wholeMs: median(turns.map(({ wholeMs }) => wholeMs!)) }),
    });
  }
  return result;
}

interface Prepared {
  firstMs: number;
  sample: number[];
}

interface Turn {
  ms: number;
  wholeMs?: number;
}

/** A side that takes turns. */
interface Ready extends Prepared {
  side: Side;
  steps: number;
  turns: Turn[];
}

/** How many steps fill a turn; finding out warms up what compiles while it runs. */
async function stepsOf(worker: Worker, turnSeconds: number, limitSeconds: number): Promise<number> {
  const turnMs = turnSeconds * 1000;
  for (let steps = 1; ;) {
    const { ms, wholeMs = ms } = await worker.ask<Turn>({ do: 'turn', steps }, limitSeconds);
    const fitting = Math.max(1, Math.round(turnMs / wholeMs));
    if (steps * wholeMs >= turnMs / 2 || fitting <= steps) return fitting;
    steps = Math.min(fitting, steps * 10);
  }
}

/** All sides hold their tensors at once: parameters, gradients, two states; one of them has temporary ones. */
function memoryLacking({ dtype, shapes }: Case, count: number): string | undefined {
  const needed = ((4 * count + 5) * sizeOf(shapes) * itemSizes[dtype]) / 1e9;
  const available = process.availableMemory() / 1e9;
  if (needed <= available) return undefined;
  return `all sides together need ${needed.toFixed(0)} GB of memory, and ${available.toFixed(0)} GB are available`;
}
