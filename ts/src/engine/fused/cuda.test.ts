import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { Adadelta, SGD, type Definition } from '../../index.ts';
import { nativeFiles } from '../../native/tensorflow.ts';
import { runPython } from '../../testing/python.ts';
import { kernelsOf, type Kernel } from './kernels.ts';
import { cppTypes, cudaHeader, cudaSource, kernelSource } from './source.ts';

const execute = promisify(execFile);
const kernelsFor = ({ definition }: { definition: Definition<object> }): Kernel[] => [
  ...new Set(kernelsOf(definition).values()),
];
const all = [...kernelsFor(Adadelta), ...kernelsFor(SGD)];
const header = (name: string): Promise<string> => readFile(join(nativeFiles, name), 'utf8');

/** Every kernel for every dtype: the name that the engine knows it by, and what CUDA source calls it. */
const updates = (kernels: readonly Kernel[]): [name: string, update: string][] =>
  kernels.flatMap(({ name, dtypes }) =>
    dtypes.map((dtype): [string, string] => [`${name}_${dtype}`, `${name}<${cppTypes[dtype]}>`]),
  );

async function temporaryDirectory(t: { teardown(fn: () => Promise<void>): void }): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'torch-parity-cuda-'));
  t.teardown(() => rm(directory, { recursive: true }));
  return directory;
}

/** The directory of the NVRTC that torch brought, or why there is none. */
async function findNvrtc(): Promise<{ directory: string } | { reason: string }> {
  const code = `
import glob, importlib.util
spec = importlib.util.find_spec("nvidia")
roots = spec.submodule_search_locations if spec else []
print("\\n".join(path for root in roots for path in glob.glob(f"{root}/*/lib/libnvrtc.so.1[23]")))`;
  const [file] = (await runPython(code)).toString().trim().split('\n');
  if (!file) return { reason: 'the torch in this Python came without NVRTC (libnvrtc.so)' };
  return { directory: join(file, '..') };
}

test('NVRTC makes IEEE arithmetic of every kernel: nothing contracted, approximated or flushed', async (t) => {
  const found = await findNvrtc();
  if ('reason' in found) {
    t.log(`not tested, since ${found.reason}`);
    return t.pass();
  }
  const directory = await temporaryDirectory(t);
  const program = join(directory, 'ptx');
  const sources = ['test_cuda_ptx.cc', 'cuda_compiler.cc'].map((name) => join(nativeFiles, name));
  await execute('g++', ['-std=c++17', ...sources, '-ldl', '-o', program]);

  const source = cudaSource(all, [await header('aten.h'), await header('cuda_launch.h')]);
  const file = join(directory, 'kernels.cu');
  await writeFile(file, source);
  // All kernels are compiled at once for the oldest architecture; for the others, as the engine does.
  const entries = updates(all).map(
    ([name, update]) =>
      `extern "C" __global__ void ${name}(const __grid_constant__ Launch launch) { run_block<${update}>(launch); }\n`,
  );
  const allAtOnce = join(directory, 'all.cu');
  await writeFile(allAtOnce, `${source}namespace parity {\n${entries.join('')}}\n`);
  const compile = async (from: string, update: string, architecture: string): Promise<Buffer> => {
    const { stdout } = await execute(program, [from, update, architecture], {
      env: { ...process.env, LD_LIBRARY_PATH: found.directory },
      encoding: 'buffer',
      maxBuffer: 1e9,
    });
    return stdout;
  };
  const check = (what: string, update: string, ptx: string): void => {
    // .local would be a copy of what the launch was given.
    t.is(/\bfma\b|\bmad\.(rn|f)|\.ftz|\.approx|\.full|\.local\b/.exec(ptx)?.[0], undefined, what);
    if (!update.startsWith('Adadelta')) return;
    const width = update.endsWith('<double>') ? 'f64' : 'f32';
    t.true(ptx.includes(`sqrt.rn.${width}`) && ptx.includes(`div.rn.${width}`), what);
  };

  const ptx = await compile(allAtOnce, 'SGD<float>', 'compute_75');
  const [, ...made] = ptx.toString().split('.visible .entry ');
  const byName = new Map(made.map((text) => [text.slice(0, text.indexOf('(')), text]));
  t.deepEqual([...byName.keys()].toSorted(), ['step', ...updates(all).map(([name]) => name)].toSorted());
  for (const [name, update] of updates(all)) check(name, update, byName.get(name)!);
  for (const architecture of ['compute_80', 'compute_90']) {
    for (const [name, update] of updates(all.filter(({ name }) => /^(Adadelta|SGD)$/.test(name)))) {
      check(`${name} for ${architecture}`, update, (await compile(file, update, architecture)).toString());
    }
  }
  // Machine code, as a GPU of a known kind gets it.
  t.is((await compile(file, 'Adadelta<float>', 'sm_90')).toString('latin1', 1, 4), 'ELF');
  await t.throwsAsync(compile(file, 'Nothing<float>', 'sm_90'), {
    message: /CUDA's compiler refuses Nothing<float>/,
  });
});

test('without NVRTC it is said what is missing', async (t) => {
  const directory = await temporaryDirectory(t);
  const program = join(directory, 'ptx');
  const sources = ['test_cuda_ptx.cc', 'cuda_compiler.cc'].map((name) => join(nativeFiles, name));
  await execute('g++', ['-std=c++17', ...sources, '-ldl', '-o', program]);
  const { stdout } = await execute('/sbin/ldconfig', ['-p']);
  if (stdout.includes('libnvrtc.so')) {
    t.log('not tested, since this system has NVRTC of its own');
    return t.pass();
  }
  const env = { ...process.env, LD_LIBRARY_PATH: '' };
  await t.throwsAsync(execute(program, ['/dev/null', 'Adadelta<float>', 'sm_90'], { env }), {
    message: /CUDA's compiler libnvrtc\.so\.12 is not found/,
  });
});

test('launches step each element of each tensor once, and no other', async (t) => {
  const directory = await temporaryDirectory(t);
  const kernels = all.filter(({ name }) =>
    ['Adadelta_maximize_decays', 'SGD', 'SGD_hasMomentum', 'SGD_hasMomentum_nesterov'].includes(name),
  );
  t.is(kernels.length, 4);
  // What NVRTC has built in, for g++; aten.h is taken as it is on a CPU.
  const builtIn = `
#define __CUDACC__
#define __device__
#define __global__ static
#define __grid_constant__
struct Index { unsigned x; };
Index blockIdx, threadIdx;
`;
  const entries = updates(kernels).map(
    ([name, update]) => `void run_${name}(const Launch* launch) { run_block<${update}>(*launch); }\n`,
  );
  const table = updates(kernels).map(([name]) => `{"${name}", parity::run_${name}}`);
  const source = `${cudaSource(kernels, [await header('aten.h'), builtIn, await header('cuda_launch.h')])
    .replaceAll('extern "C"', '')
    .replace('PARITY_UPDATE', `${kernels[0]!.name}<float>`)}
namespace parity {
${entries.join('')}}
struct Entry { const char* name; void (*run)(const parity::Launch*); };
extern const Entry entries[] = {${table.join(', ')}};
extern const int entry_count = ${table.length};
`;
  await writeFile(join(directory, 'cuda.cc'), source);
  await writeFile(join(directory, 'kernels.cc'), kernelSource(kernels));
  await writeFile(join(directory, 'cuda_source.h'), cudaHeader(source));
  const program = join(directory, 'launches');
  const sources = [
    ...['cuda', 'kernels'].map((name) => join(directory, `${name}.cc`)),
    ...['registry', 'test_cuda_launches'].map((name) => join(nativeFiles, `${name}.cc`)),
  ];
  const flags = ['-std=c++17', '-O1', '-w', '-ffp-contract=off', `-I${nativeFiles}`];
  await execute('g++', [...flags, ...sources, '-o', program]);
  const { stdout } = await execute(program, []);
  t.is(stdout, `${table.length} kernels agree\n`);
});

test("work goes on the stream that is given, and a kernel is compiled once for each device's context", async (t) => {
  const directory = await temporaryDirectory(t);
  const at = (name: string): string => join(nativeFiles, name);
  const library = join(directory, 'libcuda.so.1');
  await execute('g++', ['-std=c++17', '-w', '-shared', '-fPIC', at('test_fake_cuda.cc'), '-o', library]);
  await copyFile(library, join(directory, 'libnvrtc.so.12'));
  const program = join(directory, 'stream');
  const sources = ['test_cuda_stream.cc', 'cuda_stream.cc', 'cuda_compiler.cc'].map(at);
  await execute('g++', ['-std=c++17', ...sources, '-ldl', '-o', program]);
  const { stdout } = await execute(program, [], { env: { ...process.env, LD_LIBRARY_PATH: directory } });
  const flags = '-std=c++17 --fmad=false --prec-div=true --prec-sqrt=true --ftz=false';
  const compiled = [`load ${flags} --gpu-architecture=sm_90 -DPARITY_UPDATE=Toy<float> `, 'find step'];
  const work = (stream: string, scalar: number, compiled: string[] = []): string[] => [
    `push ${stream.replace(/0$/, '1')}`,
    `fill 12 bytes with 0 on ${stream}`,
    ...compiled,
    `launch 7 x 1 x 1 blocks of 256 on ${stream}: 2 tensors, first scalar ${scalar}`,
    'pop',
  ];
  t.deepEqual(stdout.trimEnd().split('\n'), [
    "problem: ''",
    ...work('0x10', 0.5, compiled),
    ...work('0x10', 1),
    ...work('0x20', 1.5, compiled),
    'push 0x11',
    'launch 7 x 1 x 1 blocks of 256 on 0x10: 2 tensors, first scalar -1',
    'pop',
    "CUDA's driver says: out of order",
    'sm_90 compute_80',
    "the GPU's compute capability 6.1 is too old for CUDA's compiler",
  ]);
});
