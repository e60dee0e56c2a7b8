import '../node_util.ts';
import * as tf from '@tensorflow/tfjs-node-gpu';
import test from 'ava';
import {
  defineOptimizer,
  Optimizer,
  Parameter,
  pyInt,
  TensorData,
  Tuple,
  type Description,
  type Operations,
} from '../index.ts';

const Momentum = defineOptimizer({
  name: 'Momentum',
  options: { lr: 0.5, betas: [0.5, 0.25], weightDecay: pyInt(0), maximize: false, foreach: null },
  state: { step: 'count', average: 'zeros', first: 'lazy' },
  prepare: ({ lr, betas: [beta], weightDecay, maximize, foreach }, step) => {
    // What TypeScript makes of the options.
    const types: [number, number, number, boolean, boolean | null, number] = [
      ...([lr, beta, weightDecay, maximize, foreach] as const),
      step,
    ];
    return { scalars: { minusLr: -lr / step, beta }, flags: { maximize: types[3] } };
  },
  update(o, { param, grad, average, first }, { minusLr, beta }, is) {
    // @ts-expect-error: a scalar that prepare does not give
    void (({ lr }: { lr: never }) => lr)({ minusLr, beta });
    const g = is.maximize ? o.neg(grad) : grad;
    const v = o.add(g, average, beta);
    return { param: o.add(param, v, minusLr), average: v, ...(first === undefined && { first: o.clone(g) }) };
  },
});

const parameter = (...values: number[]): Parameter => new Parameter(TensorData.from('float32', values));
const valuesOf = (p: Parameter): number[] => [...(p.toTensorData().toTypedArray() as Float32Array)];

function step(optimizer: Optimizer<never>, ...params: Parameter[]): void {
  for (const p of params) p.grad = TensorData.from('float32', valuesOf(p).fill(1));
  optimizer.step();
  for (const p of params) p.grad = null;
}

test('a definition gives a class like those of torch', (t) => {
  const p = parameter(1);
  const optimizer = new Momentum([p], { betas: [0.5, 1] });
  t.is(Momentum.name, 'Momentum');
  t.true(optimizer instanceof Momentum && optimizer instanceof Optimizer);
  t.is(
    String(optimizer),
    'Momentum (\nParameter Group 0\n    betas: (0.5, 1.0)\n    foreach: None\n    lr: 0.5\n    maximize: False\n    weight_decay: 0\n)',
  );
  step(optimizer as never, p);
  const saved = optimizer.stateDict();
  t.deepEqual(Object.keys(saved.param_groups[0]!), [
    ...['lr', 'betas', 'weight_decay', 'maximize', 'foreach', 'params'],
  ]);
  t.true(saved.param_groups[0]!['betas'] instanceof Tuple);
  t.deepEqual(Object.keys(saved.state.get(0)!), ['step', 'average', 'first']);
  const other = new Momentum([parameter(1)]);
  other.loadStateDict(saved);
  t.deepEqual(other.stateDict(), saved);
  for (const betas of [0.5, [0.5], [0.5, 'x']]) {
    t.throws(() => new Momentum([p], { betas: betas as never }), {
      code: 'OPTION_TYPE',
      message: /^betas must be 2 numbers, but got /,
    });
  }
});

for (const engine of ['reference', 'fused'] as const) {
  test(`${engine}: scalars follow the step of each parameter, also of one that stands twice`, (t) => {
    const { emitWarning } = process;
    process.emitWarning = () => {};
    const [p, q] = [parameter(0), parameter(0)];
    const optimizer = new Momentum([p, q, q], { engine, betas: [0, 0] });
    process.emitWarning = emitWarning;
    step(optimizer as never, p);
    t.deepEqual(valuesOf(p), [-0.5]);
    step(optimizer as never, p, q);
    t.deepEqual(valuesOf(p), [-0.75], 'its second: lr / 2');
    t.deepEqual(valuesOf(q), [-0.75], 'its first and its second');
    step(optimizer as never, q);
    t.deepEqual(valuesOf(q), [Math.fround(-0.75 - Math.fround(0.5 / 3)) - 0.125].map(Math.fround));
  });
}

test('where nothing is prepared, options stand for themselves', (t) => {
  const Plain = defineOptimizer({
    name: 'Plain',
    options: { lr: 0.5, maximize: false },
    state: {},
    update: (o, { param, grad }, { lr }, is) => ({
      param: o.add(param, is.maximize ? grad : o.neg(grad), lr),
    }),
  });
  const [p, q] = [parameter(1), parameter(1)];
  step(new Plain([p, { params: [] }].slice(0, 1) as never) as never, p);
  step(new Plain([{ params: [q], maximize: true }]) as never, q);
  t.deepEqual([valuesOf(p), valuesOf(q)], [[0.5], [1.5]]);
});

for (const engine of ['reference', 'fused'] as const) {
  test(`${engine}: an update may give what it was given, and one tensor for two`, (t) => {
    const Shift = defineOptimizer({
      name: 'Shift',
      options: { lr: 1 },
      state: { last: 'zeros', before: 'zeros', same: 'zeros', sum: 'zeros', again: 'lazy' },
      update(o, { param, grad, last, same, sum }, { lr }) {
        const total = o.add(sum, grad, lr);
        return { param, last: grad, before: last, same, sum: total, again: total };
      },
    });
    const p = parameter(7);
    const optimizer = new Shift([p], { engine });
    const gradients = [1, 2, 3].map((value) => tf.tensor1d([value]));
    for (const gradient of gradients) {
      p.grad = gradient as never;
      optimizer.step();
    }
    t.deepEqual(
      gradients.map((gradient) => gradient.dataSync()[0]),
      [1, 2, 3],
      'they stay their owner’s',
    );
    const entry = optimizer.stateDict().state.get(0)!;
    const values = Object.entries(entry).map(([key, value]) => [
      key,
      (value as TensorData).toTypedArray()[0],
    ]);
    t.deepEqual(Object.fromEntries(values), { last: 3, before: 2, same: 0, sum: 6, again: 6 });
    t.deepEqual(valuesOf(p), [7]);
    optimizer.dispose();
    for (const gradient of gradients) gradient.dispose();
  });
}

test('what a load adds has the types that Python gives it', (t) => {
  const Later = defineOptimizer({
    name: 'Later',
    options: { lr: 1, momentum: pyInt(0), rate: 0.5, betas: [0.5, 1] },
    state: {},
    addedOnLoad: { momentum: pyInt(0), rate: 1, betas: [0, 1] },
    update: (o, { param, grad }, { lr }) => ({ param: o.add(param, grad, lr) }),
  });
  const optimizer = new Later([parameter(1)]);
  const saved = optimizer.stateDict();
  for (const key of ['momentum', 'rate', 'betas']) delete saved.param_groups[0]![key];
  optimizer.loadStateDict(saved);
  t.regex(String(optimizer), /betas: \(0\.0, 1\.0\)\n {4}lr: 1\.0\n {4}momentum: 0\n {4}rate: 1\.0\n/);
});

test('two definitions of one name are two', (t) => {
  const defined = (scale: (o: Operations<unknown, unknown>, x: never) => unknown) =>
    defineOptimizer({
      name: 'Twin',
      options: { lr: 1 },
      state: {},
      update: (o, { param, grad }, { lr }) => ({ param: o.add(param, scale(o, grad as never) as never, lr) }),
    });
  const [p, q] = [parameter(0), parameter(0)];
  const [One, Other] = [defined((_, x) => x), defined((o, x) => o.neg(x))];
  const optimizers = [new One([p], { engine: 'fused' }), new Other([q], { engine: 'fused' })];
  for (let i = 0; i < 2; i++) optimizers.forEach((optimizer, k) => step(optimizer as never, [p, q][k]!));
  t.deepEqual([valuesOf(p), valuesOf(q)], [[2], [-2]]);
});

for (const engine of ['reference', 'fused'] as const) {
  test(`${engine}: what prepare gives has the same names always, in any order`, (t) => {
    const Two = defineOptimizer({
      name: 'Two',
      options: { lr: 1, other: false, none: false },
      state: {},
      prepare: ({
        lr,
        other,
        none,
      }): { scalars: { lr: number; twice: number }; flags: Record<string, boolean> } => {
        if (none) return { scalars: { lr } as never, flags: { a: true } };
        if (other) return { scalars: { twice: lr * 2, lr }, flags: { b: true, a: true } };
        return { scalars: { lr, twice: lr * 2 }, flags: { a: false, b: false } };
      },
      update: (o, { param, grad }, { lr, twice }, is) => ({
        param: o.add(param, grad, is['a'] && is['b'] ? twice : lr),
      }),
    });
    const p = parameter(0);
    const optimizer = new Two([p], { engine });
    step(optimizer as never, p);
    t.deepEqual(valuesOf(p), [1]);
    optimizer.paramGroups[0]!.other = true;
    step(optimizer as never, p);
    t.deepEqual(valuesOf(p), [3]);
    optimizer.paramGroups[0]!.none = true;
    t.throws(() => step(optimizer as never, p), {
      code: 'DEFINITION',
      message: /prepare gives the scalars lr, but of the defaults it gives lr, twice: /,
    });
    t.deepEqual(valuesOf(p), [3]);
  });
}

test('what prepare gives may be one object for every group, with its names in any order', (t) => {
  const scalars = { lr: 0 };
  const Shared = defineOptimizer({
    name: 'Shared',
    options: { lr: 1, maximize: false },
    state: {},
    prepare({ lr, maximize }) {
      scalars.lr = lr;
      return { scalars, flags: maximize ? { maximize, twice: true } : { twice: false, maximize } };
    },
    update(o, { param, grad }, { lr }, { maximize, twice }) {
      const g = maximize ? o.neg(grad) : grad;
      return { param: o.add(param, twice ? o.add(g, g, lr) : g, lr) };
    },
  });
  for (const engine of ['reference', 'fused'] as const) {
    const params = [1, 2, 3].map((x) => new Parameter(TensorData.from('float32', [x])));
    const [p, q, r] = params as [Parameter, Parameter, Parameter];
    const optimizer = new Shared([{ params: p }, { params: q, lr: 2 }, { params: r, maximize: true }], {
      engine,
    });
    for (let i = 0; i < 2; i++) {
      for (const parameter of params) parameter.grad = TensorData.from('float32', [1]);
      optimizer.step();
    }
    t.deepEqual(params.map(valuesOf), [[3], [6], [-1]], engine);
  }
});

test('state of another shape is spread by both engines, as torch does', (t) => {
  const Scaled = defineOptimizer({
    name: 'Scaled',
    options: { lr: 1 },
    state: { scale: 'zeros', total: 'zeros' },
    update: (o, { param, grad, scale, total }, { lr }) => ({
      param: o.add(param, o.mul(grad, scale), lr),
      scale,
      total: o.add(total, grad, lr),
    }),
  });
  for (const engine of ['reference', 'fused'] as const) {
    const [p, q] = [parameter(1, 2), parameter(3, 4)];
    const optimizer = new Scaled([{ params: p }, { params: q, lr: 2 }], { engine });
    step(optimizer as never, p, q);
    const entry = optimizer.state.get(q)!;
    entry['scale'] = tf.tensor1d([5]);
    entry['total'] = tf.tensor2d([[1, 2], [3, 4]]); // prettier-ignore
    for (let i = 0; i < 2; i++) step(optimizer as never, p, q);
    t.deepEqual(
      [valuesOf(p), valuesOf(q)],
      [
        [1, 2],
        [23, 24],
      ],
      engine,
    );
    const { total } = optimizer.stateDict().state.get(1)!;
    t.deepEqual([...(total as TensorData<'float32'>).toTypedArray()], [5, 6, 7, 8], engine);
  }
});

type Any = Record<string, unknown>;
type Update = (
  o: Operations<string, string>,
  x: Record<string, string>,
  s: Record<string, string>,
) => unknown;
const fine = { name: 'Mine', options: { lr: 1 }, state: { m: 'zeros' } };
const update: Update = (o, { param, grad, m }, { lr }) => ({ param: o.add(param!, grad!, lr!), m });

const wrong: [what: string, change: Any, message: RegExp][] = [
  ['no name', { name: undefined }, /its name is None: letters/],
  ['a name that is none', { name: 'My Adam' }, /its name is 'My Adam': letters/],
  ['no options', { options: undefined }, /options is NoneType: an object/],
  ['no update', { update: undefined }, /update is NoneType: a function/],
  ['a field that is unknown', { zeros: [] }, /zeros is nothing that describes one/],
  [
    'an option of another form',
    { options: { lr: 'fast' } },
    /its option lr has the default 'fast': a number/,
  ],
  [
    'an option in snake_case',
    { options: { weight_decay: 0 } },
    /its option weight_decay must be named in camelCase/,
  ],
  [
    'an option that all have',
    { options: { params: 0 } },
    /its option params has a name that every optimizer uses/,
  ],
  ['state of another form', { state: { m: 'ones' } }, /the state m is 'ones': 'count', 'zeros' or 'lazy'/],
  ['a count that is not step', { state: { t: 'count' } }, /named step, and nothing else is/],
  ['a step that stands last', { state: { m: 'zeros', step: 'count' } }, /step stands first/],
  ['state with the name of a scalar', { state: { lr: 'zeros' } }, /lr names two things/],
  ['state with the name of the gradient', { state: { grad: 'zeros' } }, /grad names two things/],
  ['state with a name that C++ has', { state: { double: 'zeros' } }, /double is a word of the kernels/],
  [
    'a scalar with a name that kernels use',
    { prepare: () => ({ scalars: { t1: 1 } }) },
    /t1 is a word of the kernels/,
  ],
  [
    'an option added on load that is none',
    { addedOnLoad: { eps: 1 } },
    /addedOnLoad has eps, which is no option/,
  ],
  [
    'a scalar that is no number',
    { prepare: () => ({ scalars: { a: '1' } }) },
    /prepare gives 1 for the scalar a: a number/,
  ],
  [
    'a flag that is no boolean',
    { prepare: () => ({ flags: { a: 0 } }) },
    /prepare gives 0 for the flag a: a boolean/,
  ],
  [
    'a prepare that fails',
    {
      prepare: () => {
        throw new Error('oh');
      },
    },
    /prepare fails on the defaults \(Error: oh\)/,
  ],
  ['a prepare that gives nothing', { prepare: () => null }, /prepare gives null: \{ scalars, flags \}/],
  ['an asynchronous prepare', { prepare: async () => ({}) }, /prepare gives \[object Promise\]: /],
  [
    'a prepare that gives something else',
    { prepare: () => ({ scalar: {} }) },
    /prepare gives \{ scalar \}: /,
  ],
  [
    'a prepare that changes its options',
    { prepare: (options: Any) => ({ scalars: { lr: (options['lr'] = 2) } }) },
    /prepare fails on the defaults \(TypeError: Cannot assign to read only property 'lr'/,
  ],
  [
    'a prepare that looks at the step unseen',
    {
      state: { step: 'count', m: 'zeros' },
      prepare: ({ lr }: Any, step = 1) => ({ scalars: { lr: (lr as number) * step } }),
    },
    /prepare gives other values each time: .* name it, \(options, step\), without a default/,
  ],
  [
    'an option that every object has',
    { options: { toString: 1 } },
    /its option toString has a name that every/,
  ],
  [
    'state that every object has',
    { state: { constructor: 'lazy' } },
    /every object has something named constructor: rename it/,
  ],
  ['state with a name that C has', { state: { INT64_MAX: 'zeros' } }, /INT64_MAX is a word of the kernels/],
  [
    'a step that nothing counts',
    { prepare: ({ lr }: Any, step: number) => ({ scalars: { lr: (lr as number) / step } }) },
    /put step: 'count' into the state/,
  ],
  [
    'too many flags',
    { prepare: () => ({ flags: Object.fromEntries([...'abcdefghi'].map((key) => [key, false])) }) },
    /9 flags and lazy state tensors are more than 8/,
  ],
  [
    'flags that are ambiguous together',
    {
      prepare: ({ lr }: Any) => ({ scalars: { lr }, flags: { a: false, b_c: false, a_b: false, c: false } }),
    },
    /two sets of its flags are one text/,
  ],
  [
    'an update that would be compiled for minutes',
    {
      update: (...[o, x, s]: Parameters<Update>) => {
        for (let i = 0; i < 6000; i++) o.neg(x['grad']!);
        return update(o, x, s);
      },
    },
    /its kernels have 6001 operations together, and more than 5000 take too long to compile: shorten/,
  ],
  [
    'an update that fails',
    {
      update: () => {
        throw new Error('oh');
      },
    },
    /update fails where it is run on symbols \(Error: oh\)/,
  ],
  [
    'an update that gives nothing',
    { update: () => undefined },
    /\(TypeError: it gives undefined, and not \{ param, \.\.\. \}\)/,
  ],
  [
    'an update that forgets the parameter',
    { update: (_: Any, { m }: Any) => ({ m }) },
    /update does not give param/,
  ],
  [
    'an update that forgets state',
    { update: (_: Any, { param }: Any) => ({ param }) },
    /update does not give m/,
  ],
  [
    'an update that gives what is no state',
    { update: (...[o, x, s]: Parameters<Update>) => ({ ...(update(o, x, s) as Any), v: x['m'] }) },
    /update gives v, which is no state/,
  ],
  [
    'an update that computes with a number',
    { update: (o: Any, { param, m }: Any) => ({ param: (o['mulScalar'] as Function)(param, 0.5), m }) },
    /update has 0\.5 where mulScalar takes a scalar: the scalars are lr/,
  ],
  [
    'an update that uses a scalar that is not there',
    {
      update: (o: Any, { param, m }: Any, { eps }: Any) => ({
        param: (o['addScalar'] as Function)(param, eps),
        m,
      }),
    },
    /update has undefined where addScalar takes a scalar/,
  ],
  [
    'an update that uses lazy state before it is there',
    { state: { m: 'lazy' }, update: (o: Any, { m }: Any) => ({ param: (o['neg'] as Function)(m) }) },
    /update \(without m\) has undefined where neg takes a tensor/,
  ],
  [
    'an update that does another thing each time',
    {
      update: (...[o, x, s]: Parameters<Update>) => {
        calls += 1;
        return calls > 1 ? update(o, x, s) : { ...(update(o, x, s) as Any), m: x['grad'] };
      },
    },
    /update does another thing each time/,
  ],
  [
    'an update that compares a scalar',
    {
      update: (...[o, x, s]: Parameters<Update>) =>
        (s['lr'] as never) > 0 ? { ...x, grad: undefined } : update(o, x, s),
    },
    /update does another thing where its scalars are 1: what it decides by, prepare must give as a flag/,
  ],
  [
    'an update that asks whether a scalar is 0',
    { update: (...[o, x, s]: Parameters<Update>) => (s['lr'] ? update(o, x, s) : { ...x, grad: undefined }) },
    /update does another thing where its scalars are 0: /,
  ],
  ['an update that is asynchronous', { update: async () => ({}) }, /update does not give param/],
];
let calls = 0;

test('the description of these tests is fine', (t) => {
  t.notThrows(() => defineOptimizer({ ...fine, update } as never));
});

for (const [what, change, message] of wrong) {
  test(`a description is refused: ${what}`, (t) => {
    const description = { ...fine, update, ...change } as unknown as Description<never, never, never, never>;
    t.throws(() => defineOptimizer(description), { name: 'TypeError', code: 'DEFINITION', message });
  });
}
