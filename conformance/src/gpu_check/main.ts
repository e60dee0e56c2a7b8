import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findPython } from '../oracle_process.ts';
import { benchmark } from './benchmark.ts';
import { ask, script } from './children.ts';
import { verifyOnGpu } from './conformance.ts';
import { findDevice } from './device.ts';
import type { EngineState } from './engine_state.ts';
import type { Leaks } from './leaks.ts';

const usage = `usage: node conformance/dist/gpu_check/main.js [options]

Does all that a machine with a GPU is to show, and keeps the results in conformance/results/: both engines against torch,
the same bits as on the CPU, no leaks, and the benchmark beside torch on the same GPU.

  --runs N        programs of each conformance run (2000)
  --seed N        where sampling starts (1)
  --rows A,B      cases of the benchmark (1 x 10M,1 x 100M,500 x 256,ResNet-50)
  --python PATH   a Python that has torch with CUDA`;

const options = {
  runs: { type: 'string', default: '2000' },
  seed: { type: 'string', default: '1' },
  rows: { type: 'string', default: '1 x 10M,1 x 100M,500 x 256,ResNet-50' },
  python: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

async function main(): Promise<number> {
  const { values } = parseArgs({ options });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const device = findDevice();
  const { tensorflow, problem } = await ask<EngineState>({ args: [script('gpu_check/engine_state.js')] });
  if (problem !== undefined) throw new Error(problem);
  const python = findPython(values.python);

  title(`the fused engine and torch: ${device.name}, driver ${device.driver}, TensorFlow ${tensorflow}`);
  const fused = await verifyOnGpu('fused', { ...values, python });
  title("the reference engine and torch: TensorFlow's own kernels, within their error bound");
  const reference = await verifyOnGpu('reference', { ...values, python });

  title('the same bits on the GPU and on the CPU');
  const digests = { args: [script('gpu_check/digests.js'), 'fused'] };
  const onGpu = await ask<Record<string, string>>(digests);
  const onCpu = await ask<Record<string, string>>({ ...digests, env: { CUDA_VISIBLE_DEVICES: '-1' } });
  const compared = Object.keys(onCpu);
  const differing = compared.filter((name) => onGpu[name] !== onCpu[name]);
  console.log(differing.length === 0 ? `of ${compared.join('; ')}` : `not of ${differing.join('; ')}`);

  title('what is held before and after many steps');
  const leaks = await ask<Leaks>({ args: [script('gpu_check/leaks.js')] });
  console.log(leaks);

  title('benchmark beside torch on the same GPU');
  const { bandwidth, rows } = await benchmark(values.rows.split(','), python);
  console.table(rows);

  const codes = [fused.code, reference.code];
  const flat = leaks.after.tensors === leaks.before.tensors;
  const passed = codes.every((code) => code === 0) && differing.length === 0 && flat;
  const file = keep(device.name, {
    ...{ date: new Date().toISOString().slice(0, 10), passed, device },
    versions: { node: process.versions.node, tensorflow, torch: bandwidth.torch },
    conformance: { fused, reference },
    ...{ sameBits: { compared, differing }, leaks, bandwidth, benchmark: rows },
  });
  console.log(`\n${passed ? 'All is as it should be' : 'Not all is as it should be'}: ${file}`);
  return passed ? 0 : 1;
}

function title(text: string): void {
  console.log(`\n== ${text}`);
}

/** One file a device: a newer run takes the place of an older one. */
function keep(device: string, results: object): string {
  const folder = fileURLToPath(new URL('../../results/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  const file = `${folder}${device.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.json`;
  writeFileSync(file, `${JSON.stringify(results, undefined, 2)}\n`);
  return file;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`gpu-check: ${(error as Error).message}`);
  process.exitCode = 2;
}
