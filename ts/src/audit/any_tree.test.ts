import test from 'ava';
import fc from 'fast-check';
import { open, saveToBytes, TensorData, Tuple } from '../checkpoint/index.ts';
import { diff } from '../inspect/diff.ts';
import { toJson } from '../inspect/json.ts';
import { optimizersIn } from '../inspect/optimizers.ts';
import { survey } from '../inspect/survey.ts';
import { treeLines } from '../inspect/tree.ts';
import { audit } from './audit.ts';

const words = [
  ...[
    'state',
    'param_groups',
    'params',
    'param_names',
    'lr',
    'initial_lr',
    'momentum',
    'dampening',
    'weightDecay',
  ],
  ...['step', 'exp_avg', 'momentum_buffer', '_last_lr', 'base_lrs', 'last_epoch', '0', '1', 'x'],
];
const tensors = (['float32', 'bfloat16', 'int64', 'complex64', 'bool'] as const).flatMap((dtype) =>
  [[], [1], [2, 3], [0]].map((shape) => {
    const size = shape.reduce((product, length) => product * length, 1);
    const item = { float32: 4, bfloat16: 2, int64: 8, complex64: 8, bool: 1 }[dtype];
    return new TensorData(dtype, shape, new Uint8Array(size * item).fill(1));
  }),
);
const tuple = new Tuple();
tuple.push(0, 'a');
const leaf = fc.oneof(
  fc.constantFrom<unknown>(null, true, 0, 1, -0.5, NaN, Infinity, 2n ** 70n, 'x', 'weight'),
  fc.constantFrom<unknown>(...tensors),
);
const key = fc.oneof(fc.constantFrom<unknown>(...words), fc.constantFrom<unknown>(0, 1, null, tuple));
const { tree, optimizer } = fc.letrec<{
  tree: unknown;
  optimizer: unknown;
  dict: Map<unknown, unknown>;
  list: unknown[];
}>((tie) => ({
  tree: fc.oneof({ maxDepth: 4 }, leaf, tie('dict'), tie('list'), tie('optimizer')),
  dict: fc.array(fc.tuple(key, tie('tree')), { maxLength: 5 }).map((entries) => new Map(entries)),
  list: fc.array(tie('tree'), { maxLength: 4 }),
  // What is nearly an optimizer's state dict is where the rules have to be careful.
  optimizer: fc
    .tuple(
      tie('dict'),
      fc.array(fc.tuple(tie('dict'), fc.array(key, { maxLength: 3 })), { maxLength: 3 }),
      tie('dict'),
    )
    .map(([state, groups, more]) => {
      const list = groups.map(([group, ids]) => new Map([...group, ['params', ids]]));
      return new Map<unknown, unknown>([...more, ['state', state], ['param_groups', list]]);
    }),
}));

test('whatever a file holds, it is shown, compared and audited', async (t) => {
  let audited = 0;
  const property = fc.asyncProperty(fc.oneof(tree, optimizer), async (value) => {
    await using file = await open(await saveToBytes(value));
    const found = survey(file.value);
    audited += optimizersIn(found).length;
    for await (const line of treeLines(file.value, found)) t.notRegex(line, /\n/);
    toJson(file.value, found, { file: '', format: 'pt', size: 0 });
    for await (const difference of diff(file.value, file.value)) t.fail(JSON.stringify(difference));
    for await (const { repair } of audit(file.value, { model: file.value })) repair?.();
    await saveToBytes(file.value);
  });
  await fc.assert(property, { numRuns: 500, includeErrorInReport: true });
  t.true(audited > 100);
});
