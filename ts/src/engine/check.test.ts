import '../node_util.ts';
import test from 'ava';
import { runPython } from '../testing/python.ts';
import type { ParameterDType } from './arithmetic.ts';
import { metaOperations, type Meta } from './check.ts';

type Operations = ReturnType<typeof metaOperations>;

/** A call that torch may refuse: on tensors `x, y, z` and a scalar `s`, ours and torch's. */
const withScalar: Record<string, [ours: (o: Operations, x: Meta, s: number) => unknown, torchs: string]> = {
  mulScalar: [(o, x, s) => o.mulScalar(x, s), 'x.mul_(s)'],
  add: [(o, x, s) => o.add(x, x, s), 'x.add_(x, alpha=s)'],
  addScalar: [(o, x, s) => o.addScalar(x, s), 'x.add_(s)'],
  divScalar: [(o, x, s) => o.divScalar(x, s), 'x.div_(s)'],
  addcmul: [(o, x, s) => o.addcmul(x, x, x, s), 'x.addcmul_(x, x, value=s)'],
  addcdiv: [(o, x, s) => o.addcdiv(x, x, x, s), 'x.addcdiv_(x, x, value=s)'],
  lerp: [(o, x, s) => o.lerp(x, x, s), 'x.lerp_(x, s)'],
};
const forComplex = ['mulScalar', 'add'];
const dtypes: readonly ParameterDType[] = ['float16', 'bfloat16', 'float32', 'float64', 'complex64'];
/** Around what each dtype holds, as JavaScript and Python both read them. */
const scalars = [
  '65504',
  '65504.1',
  '-65520',
  '3.3895313892515355e38',
  '-3.39e38',
  '3.4028234663852886e38',
].concat('-3.4028234663852890e38', '1e308', 'Infinity', 'NaN');

/** Calls on two tensors of some dtypes and shapes. */
const withTwo: Record<string, [ours: (o: Operations, x: Meta, y: Meta) => unknown, torchs: string]> = {
  add: [(o, x, y) => o.add(x, y, 0.5), 'x.add_(y, alpha=0.5)'],
  mul: [(o, x, y) => o.mul(x, y), 'x.mul_(y)'],
  lerp: [(o, x, y) => o.lerp(x, y, 0.5), 'x.lerp_(y, 0.5)'],
  addcmul: [(o, x, y) => o.addcmul(x, y, y, 0.5), 'x.addcmul_(y, y, value=0.5)'],
  viewAsReal: [(o, x) => o.viewAsReal(x), 'torch.view_as_real(x)'],
};
const pairs: readonly [operation: string, x: Meta, y: Meta][] = [
  ...Object.keys(withTwo).flatMap((operation): typeof pairs =>
    operation === 'viewAsReal'
      ? []
      : [
          [operation, meta('float16', [2]), meta('float16', [2])],
          [operation, meta('float16', [2, 3]), meta('float16', [3])],
          [operation, meta('bfloat16', [2]), meta('bfloat16', [3])],
          [operation, meta('float32', [2]), meta('float32', [3, 2])],
        ],
  ),
  ['add', meta('float32', [2]), meta('complex64', [2])],
  ['add', meta('float16', [2]), meta('complex64', [2])],
  ['mul', meta('float64', [2]), meta('complex64', [2])],
  ['viewAsReal', meta('complex64', [2]), meta('complex64', [2])],
  ['viewAsReal', meta('float32', [2]), meta('complex64', [2])],
];

function meta(dtype: Meta['dtype'], shape: number[]): Meta {
  return { dtype, shape };
}

const reference = `
import json, sys, torch
half = torch.ones(1, dtype=torch.float16)
try:
    half.addcdiv(half, half)
    has_half_addcdiv = True
except RuntimeError:
    has_half_addcdiv = False
refusals = []
for expression, s, x, y in json.load(sys.stdin):
    if x["dtype"] == "float16" and "addc" in expression and not has_half_addcdiv:
        refusals.append("not compared")
        continue
    make = lambda meta: torch.ones(meta["shape"], dtype=getattr(torch, meta["dtype"]))
    try:
        eval(expression, {"torch": torch, "x": make(x), "y": make(y), "s": s})
        refusals.append(None)
    except Exception as error:
        # Older versions say at::Half, and have another class.
        text = f"{type(error).__name__}: {error}".replace("at::", "c10::")
        refusals.append(text.replace("RuntimeError: view_as_real", "TypeError: view_as_real"))
print(json.dumps(refusals))
`;

function refusal(call: () => unknown): string | null {
  try {
    call();
    return null;
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}

test('what torch refuses is refused in its words, and nothing else is', async (t) => {
  const cases: [expression: string, scalar: string, x: Meta, y: Meta, ours: string | null][] = [];
  for (const dtype of dtypes) {
    for (const [operation, [ours, torchs]] of Object.entries(withScalar)) {
      if (dtype === 'complex64' && !forComplex.includes(operation)) continue;
      for (const s of scalars) {
        const x = meta(dtype, [2]);
        cases.push([torchs, s, x, x, refusal(() => ours(metaOperations(dtype), x, Number(s)))]);
      }
    }
  }
  for (const [operation, x, y] of pairs) {
    const [ours, torchs] = withTwo[operation]!;
    cases.push([torchs, '0', x, y, refusal(() => ours(metaOperations(y.dtype as ParameterDType), x, y))]);
  }
  const input = `[${cases.map(([torchs, s, x, y]) => `["${torchs}", ${s}, ${JSON.stringify(x)}, ${JSON.stringify(y)}]`).join()}]`;
  const expected = JSON.parse((await runPython(reference, { input: Buffer.from(input) })).toString()) as (
    string | null
  )[];
  for (const [i, [torchs, s, x, y, ours]] of cases.entries()) {
    if (expected[i] === 'not compared') {
      t.log(`${torchs} of ${x.dtype} is not compared: this torch does not have it, or rounds otherwise`);
      continue;
    }
    t.is(ours, expected[i]!, `${torchs} with ${s}, ${JSON.stringify(x)} and ${JSON.stringify(y)}`);
  }
});

test('complex tensors where only real ones are computed with are refused with the cure', (t) => {
  const o = metaOperations('complex64');
  const x = meta('complex64', [2]);
  const calls: [string, () => unknown][] = [
    ...(['abs', 'sign', 'sqrt'] as const).map((name): [string, () => unknown] => [name, () => o[name](x)]),
    ...(['mul', 'div', 'maximum', 'minimum'] as const).map((name): [string, () => unknown] => [
      name,
      () => o[name](x, x),
    ]),
    ...(['addScalar', 'divScalar'] as const).map((name): [string, () => unknown] => [
      name,
      () => o[name](x, 1),
    ]),
    ...(['addcmul', 'addcdiv'] as const).map((name): [string, () => unknown] => [
      name,
      () => o[name](x, x, x, 1),
    ]),
    ['lerp', () => o.lerp(x, x, 0.5)],
  ];
  for (const [name, call] of calls) {
    t.throws(call, {
      name: 'RuntimeError',
      code: 'COMPLEX',
      message: `${name} is not built for complex tensors: compute with viewAsReal(x), and take viewAsComplex of the result`,
    });
  }
  t.deepEqual(o.viewAsComplex(o.sqrt(o.viewAsReal(x))), x);
  t.throws(() => o.viewAsComplex(x), { code: 'NOT_PAIRS' });
  t.throws(() => o.viewAsComplex(meta('float32', [3])), { code: 'NOT_PAIRS' });
  t.throws(() => o.add(x, meta('float32', [2]), 1), {
    code: 'STATE_DTYPE',
    message: /met complex64 and float32: load state/,
  });
});

test('state of another dtype than its parameter has is refused, whatever the operation', (t) => {
  for (const dtype of ['float16', 'bfloat16', 'float32'] as const) {
    const o = metaOperations(dtype);
    const [x, y] = [meta(dtype, [2]), meta('float64', [2])];
    for (const call of [() => o.mul(x, y), () => o.addcmul(x, y, y, 1), () => o.addcdiv(x, x, y, 1)]) {
      t.throws(call, { name: 'RuntimeError', code: 'STATE_DTYPE' });
    }
  }
});
