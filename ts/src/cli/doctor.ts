import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import '../node_util.ts';
import { loadKernels } from '../engine/fused/library.ts';
import { Unavailable } from '../engine/fused/unavailable.ts';
import { compilerVersion } from '../native/machine.ts';
import { Adadelta } from '../optim/adadelta.ts';
import '../optim/table.ts';
import { chooseFlavor } from '../native/flavor.ts';

export const usage = `Usage: torch-parity doctor [--python PATH]

Shows the versions, the device and the engine in use, whether subnormal numbers survive TensorFlow, and whether the oracle answers
and is exact. Exits with 1 where something is wrong.

Options:
  --python PATH   a Python that has torch, pyzmq and msgpack (default: $ORACLE_PYTHON, else the one that was set up)`;

interface Finding {
  what: string;
  found: string;
  /** What to do about it, where it is wrong. */
  cure?: string;
}

export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { python: { type: 'string' } } });
  let status = 0;
  for await (const { what, found, cure } of examine(values.python)) {
    if (cure) status = 1;
    console.log(`${cure ? 'bad' : 'ok '}  ${what.padEnd(12)}${found}${cure ? `: ${cure}` : ''}`);
  }
  return status;
}

async function* examine(python?: string): AsyncGenerator<Finding> {
  yield { what: 'node', found: process.version };
  yield* examineTensorflow();
  yield* examineOracle(python);
}

const setUp = 'run `npx torch-parity setup-tensorflow`';

/** What tfjs-node-gpu has beyond its types. */
interface TensorflowBackend {
  isUsingGpuDevice: boolean;
  binding: { TF_Version: string };
}

async function* examineTensorflow(): AsyncGenerator<Finding> {
  const require = createRequire(import.meta.url);
  try {
    const { version } = require('@tensorflow/tfjs-node-gpu/package.json') as { version: string };
    yield { what: 'tfjs', found: version };
  } catch {
    const cure = 'npm install --ignore-scripts @tensorflow/tfjs-node-gpu@4.22.0';
    yield { what: 'tfjs', found: 'tfjs-node-gpu is not installed', cure };
    return;
  }
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  let tf;
  try {
    tf = await import('@tensorflow/tfjs-node-gpu');
  } catch (error) {
    const [line = ''] = String((error as Error).message).split('\n');
    yield { what: 'TensorFlow', found: `does not load (${line.trim()})`, cure: setUp };
    return;
  }
  const { binding, isUsingGpuDevice } = tf.backend() as unknown as TensorflowBackend;
  yield { what: 'TensorFlow', found: binding.TF_Version };
  yield explainDevice(isUsingGpuDevice);
  yield examineEngine();
  yield await examineCompiler();

  const lost = [1, 100_000].flatMap((size) => {
    const tiny = tf.fill([size], 2 ** -140);
    const products = tf.mul(tiny, 0.5).dataSync();
    const roots = tf.sqrt(tiny).dataSync();
    return products.every((x) => x === 2 ** -141) && roots.every((x) => x === 2 ** -70) ? [] : [size];
  });
  const what = 'subnormals';
  const cure = 'this TensorFlow was not compiled by `torch-parity setup-tensorflow`';
  if (lost.length === 0) yield { what, found: 'survive' };
  // Its kernels for a GPU are made so.
  else if (isUsingGpuDevice) yield { what, found: 'survive in the fused engine alone' };
  else yield { what, found: `become zero in tensors of ${lost.join(' and ')}`, cure };
}

function explainDevice(isUsingGpu: boolean): Finding {
  const { flavor, reason } = chooseFlavor();
  if (isUsingGpu) return { what: 'device', found: `GPU (${reason})` };
  if (flavor === 'cpu') return { what: 'device', found: `CPU (${reason})` };
  return {
    what: 'device',
    found: `CPU, though ${reason}`,
    cure: `${setUp}, or see why CUDA finds no GPU: nvidia-smi`,
  };
}

/** The engine that an optimizer gets where none is asked for. */
function examineEngine(): Finding {
  try {
    loadKernels(Adadelta.definition);
    return { what: 'engine', found: 'fused' };
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    const { reason, cure } = error;
    return { what: 'engine', found: `reference, since ${reason}`, cure };
  }
}

/** What optimizers of one's own are compiled with; nothing is wrong without it. */
async function examineCompiler(): Promise<Finding> {
  const what = 'compiler';
  try {
    return { what, found: await compilerVersion() };
  } catch {
    const found =
      'none, so optimizers of your own run on the reference engine unless they are compiled already';
    return { what, found: `${found} (sudo apt install g++)` };
  }
}

/** What is used of the handshake (conformance/PROTOCOL.md, "Wire"). */
interface Oracle {
  hello: {
    torch: string;
    python: string;
    capability: string;
    device: string;
    exact: boolean;
    checks: Record<string, boolean>;
  };
  close(): Promise<void>;
}

interface Conformance {
  startOracle(options: { python?: string; workers: number }): Promise<Oracle>;
}

async function* examineOracle(python?: string): AsyncGenerator<Finding> {
  let conformance: Conformance;
  try {
    // Not a dependency: it depends on this package.
    const name = 'torch-conformance';
    conformance = (await import(name)) as Conformance;
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND';
    const why = isMissing ? 'torch-conformance is not installed' : (error as Error).message;
    yield { what: 'oracle', found: `not asked (${why})` };
    return;
  }
  let oracle: Oracle;
  try {
    oracle = await conformance.startOracle({ workers: 1, ...(python && { python }) });
  } catch (error) {
    yield { what: 'oracle', found: 'does not answer', cure: (error as Error).message };
    return;
  }
  const { hello } = oracle;
  await oracle.close();
  yield { what: 'torch', found: `${hello.torch} (Python ${hello.python})` };
  const found = `answers (${hello.device}, capability ${hello.capability})`;
  const failed = Object.keys(hello.checks).filter((check) => !hello.checks[check]);
  if (hello.exact) yield { what: 'oracle', found: `${found} and is exact` };
  else
    yield {
      what: 'oracle',
      found,
      cure: `it is not exact here: ${failed.join(', ') || 'it does not say why'}`,
    };
}
