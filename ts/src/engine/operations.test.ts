import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import '../node_util.ts';
import '@tensorflow/tfjs-node-gpu';
import test from 'ava';
import { load } from '../checkpoint/index.ts';
import { itemSizes } from '../dtype.ts';
import type { Definition } from '../index.ts';
import { run } from '../native/command.ts';
import { TensorData } from '../tensor_data.ts';
import { runPython } from '../testing/python.ts';
import { download, upload, type ParameterDType } from './arithmetic.ts';
import { kernelsOf, type Kernel } from './fused/kernels.ts';
import { kernelFlags } from './fused/library.ts';
import { cudaHeader, kernelSource } from './fused/source.ts';
import type { Operations } from './operations.ts';
import { referenceStep } from './reference.ts';

const dtypes: readonly ParameterDType[] = ['float32', 'float64', 'float16', 'bfloat16', 'complex64'];

/** Pairs of scalars, as JavaScript and Python both read them: one that halves may take for infinite, and one that none does. */
const scalars: readonly (readonly [string, string])[] = [
  ['0.9', '0.09999999999999998'],
  ['1', '1'],
  ['-0.001', '-0.001'],
  ['0.3333333333333333', '0.5'],
  ['1e39', '0.49999999999'],
  ['65', '65'],
  ['-1e6', '-0.4999'],
  // A double that is no tie of halves, and becomes one where it is rounded to float32.
  ['1.0004882812509095', '1.0004882812509095'],
  ['0', '-0.0'],
  ['-0.0', '1e-8'],
  ['Infinity', '-Infinity'],
  ['NaN', 'NaN'],
];

/** An update that does every operation once, on the elements x, y, z: each to a state tensor of its name. */
const everything = {
  name: 'Everything',
  options: {},
  lazy: [],
  scalars: ['s', 'a'],
  flags: [],
  update<T, S>(o: Operations<T, S>, given: Record<string, T>, { s, a }: { s: S; a: S }): Record<string, T> {
    const [x, y, z] = [given['param']!, given['grad']!, given['z']!] as const;
    const [p, q, r] = [o.viewAsReal(x), o.viewAsReal(y), o.viewAsReal(z)];
    const real: Record<string, T> = {
      neg: o.neg(p),
      abs: o.abs(p),
      sign: o.sign(p),
      sqrt: o.sqrt(p),
      mul: o.mul(p, q),
      div: o.div(p, q),
      maximum: o.maximum(p, q),
      minimum: o.minimum(p, q),
      addcmul: o.addcmul(p, q, r, a),
      addcdiv: o.addcdiv(p, q, r, a),
      lerp: o.lerp(p, q, a),
      addScalar: o.addScalar(p, s),
      mulScalar: o.mulScalar(p, s),
      divScalar: o.divScalar(p, s),
      add: o.add(p, q, a),
    };
    return {
      param: o.neg(o.clone(x)),
      whole_mulScalar: o.mulScalar(x, s),
      whole_add: o.add(x, y, a),
      ...Object.fromEntries(Object.entries(real).map(([name, value]) => [name, o.viewAsComplex(value)])),
    };
  },
};
const names = Object.keys(everything.update(nothing(), { param: 0, grad: 0, z: 0 }, { s: 0, a: 0 }));
const definition = {
  ...everything,
  zeros: ['z', ...names.filter((name) => name !== 'param')],
} as unknown as Definition<object>;

/** Operations that do nothing. */
function nothing(): Operations<number, number> {
  return new Proxy({}, { get: () => () => 0 }) as Operations<number, number>;
}

/** For each dtype, the inputs, and for each pair of scalars the result of each operation, as torch has them. */
let fromTorch: Map<string, Map<'inputs' | 'expected', unknown>>;
let directory: string | undefined;
/** The files of programs that were compiled: as the engine does, and as for a processor that does not round to float16. */
let [kernels, withoutF16C] = ['', ''];

const { slots, ...kernel } = [...kernelsOf(definition).values()][0]!;

test.before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'torch-parity-'));
  [kernels, withoutF16C] = [join(directory, 'kernels'), join(directory, 'without_f16c')];
  const compiled = Promise.all([
    compile(kernels, { ...kernel, slots }),
    compile(withoutF16C, { ...kernel, slots, dtypes: ['float16'] }, '-U__F16C__'),
  ]);
  const script = await readFile(new URL('../../src/testing/aten.py', import.meta.url), 'utf8');
  const file = await runPython(`import sys\nsys.argv = ['', '${JSON.stringify(scalars)}']\n${script}`);
  fromTorch = await load(new Uint8Array(file));
  await compiled;
});

async function compile(file: string, kernel: Kernel, ...flags: string[]): Promise<void> {
  await writeFile(`${file}.cc`, kernelSource([kernel]) + callKernel);
  await writeFile(join(dirname(file), 'cuda_source.h'), cudaHeader(''));
  const native = fileURLToPath(new URL('../../native', import.meta.url));
  const sources = [`${file}.cc`, join(native, 'registry.cc')];
  await run('g++', [`-I${native}`, ...kernelFlags, ...flags, ...sources, '-o', file]);
}

test.after.always(() => directory && rm(directory, { recursive: true }));

/** A program that calls a kernel: argv has its name, and the bytes and elements of a tensor. */
const callKernel = `
#include <cstdio>
#include <cstdlib>
#include <vector>
int main(int, char** argv) {
  const parity::Kernel& kernel = *parity::find_kernel(argv[1]);
  std::vector<std::vector<char>> given(kernel.slots + 1), made(kernel.slots);
  std::vector<const void*> from;
  std::vector<void*> to;
  for (auto& tensor : given) {
    tensor.resize(std::atoi(argv[2]));
    from.push_back(tensor.data());
    if (std::fread(tensor.data(), 1, tensor.size(), stdin) != tensor.size()) return 1;
  }
  for (auto& tensor : made) {
    tensor.resize(given[0].size());
    to.push_back(tensor.data());
  }
  std::vector<double> scalars(kernel.scalars);
  while (std::fread(scalars.data(), sizeof(double), scalars.size(), stdin) == scalars.size()) {
    kernel.step(from.data(), to.data(), scalars.data(), 0, std::atoi(argv[3]));
    for (const auto& tensor : made) std::fwrite(tensor.data(), 1, tensor.size(), stdout);
  }
}
`;

function runKernel(
  program: string,
  dtype: ParameterDType,
  [x, y, z]: TensorData[],
): Map<string, TensorData>[] {
  const given = ['grad', ...slots].map((name) => ({ param: x!, grad: y! })[name] ?? z!);
  const pairs = new Float64Array(scalars.flat().map(Number));
  const input = Buffer.concat([...given.map(({ bytes }) => bytes), new Uint8Array(pairs.buffer)]);
  const { shape, bytes } = x!;
  const args = [`${kernel.name}_${dtype}`, String(bytes.length), String(x!.size)];
  const output = new Uint8Array(execFileSync(program, args, { input, maxBuffer: 2 ** 28 }));
  return scalars.map(
    (_, i) =>
      new Map(
        slots.map((name, j) => {
          const at = (i * slots.length + j) * bytes.length;
          return [name, new TensorData(dtype, shape, output.slice(at, at + bytes.length))];
        }),
      ),
  );
}

function runReference(inputs: TensorData[]): Map<string, TensorData>[] {
  return scalars.map((pair) => {
    const [param, grad, z] = inputs.map((data) => upload(data));
    const [s, a] = pair.map(Number);
    const results = referenceStep({
      definition,
      tensors: { param: param!, grad: grad!, z },
      scalars: { s: s!, a: a! },
      flags: {},
    });
    const downloaded = new Map(Object.entries(results).map(([name, tensor]) => [name, download(tensor)]));
    for (const tensor of [param, grad, z, ...Object.values(results)]) tensor!.dispose();
    return downloaded;
  });
}

/** The elements bit by bit, with one NaN for all. */
function words(data: TensorData): Uint16Array | Uint32Array {
  const { dtype, bytes } = data;
  if (itemSizes[dtype] === 2) {
    const infinity = dtype === 'float16' ? 0x7c00 : 0x7f80;
    const halves = new Uint16Array(bytes.slice().buffer);
    return halves.map((bits) => ((bits & 0x7fff) > infinity ? 0x7fff : bits));
  }
  const array = data.toTypedArray() as Float32Array | Float64Array;
  return new Uint32Array(array.map((x) => (Number.isNaN(x) ? NaN : x)).buffer);
}

const cases: [
  title: string,
  dtype: ParameterDType,
  compute: (inputs: TensorData[]) => Map<string, TensorData>[],
][] = [
  ...dtypes.flatMap((dtype): typeof cases => [
    [`${dtype}, fused`, dtype, (inputs) => runKernel(kernels, dtype, inputs)],
    [`${dtype}, reference`, dtype, runReference],
  ]),
  ['float16, fused, without F16C', 'float16', (inputs) => runKernel(withoutF16C, 'float16', inputs)],
];

for (const [title, dtype, compute] of cases) {
  test(`${title}: every operation gives torch's bits`, (t) => {
    const torch = fromTorch.get(dtype)!;
    const inputs = torch.get('inputs') as TensorData[];
    const expected = torch.get('expected') as Map<string, TensorData>[];
    const ours = compute(inputs);
    for (const name of names) {
      if (!expected[0]!.has(name)) {
        t.log(`${name} is not compared: this torch does not have it, or rounds otherwise`);
        continue;
      }
      scalars.forEach((pair, i) => {
        const [is, should] = [words(ours[i]!.get(name)!), words(expected[i]!.get(name)!)];
        const at = is.findIndex((word, j) => word !== should[j]);
        t.is(
          at,
          -1,
          `${name} with ${pair.join(' and ')}: word ${at} is ${is[at]}, but torch has ${should[at]}`,
        );
      });
    }
  });
}
