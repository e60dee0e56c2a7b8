import test from 'ava';
import fc from 'fast-check';
import { toJSON } from '../case.ts';
import { parameterDTypes, type HookKind, type Program } from '../program.ts';
import { optimizersOf } from './optimizers.ts';
import { featuresOf, programArbitrary } from './program.ts';

const features = featuresOf('2.15.0');
const sampled = fc.sample(programArbitrary(features), { seed: 1, numRuns: 3000 });

test('the same seed and path give the same program, bit for bit', (t) => {
  const again = (path: string) =>
    fc.sample(programArbitrary(features), { seed: 1, path, numRuns: 1 }).map(toJSON);
  for (const run of [0, 7, 1234, 2999]) t.deepEqual(again(String(run)), [toJSON(sampled[run]!)]);
});

/** What a program is made of, a word for each kind of part. */
function parts({ optimizer, dtype, argument, params, commands, options, tensors }: Program): Set<string> {
  const found = new Set([optimizer, `${dtype} program`, `${params.length} params`, ...Object.keys(argument)]);
  for (const [key] of options) found.add(`option ${key}`);
  for (const { dtype, size } of tensors)
    found.add(dtype).add(size > 900 ? 'large' : size === 0 ? 'empty' : 'small');
  const items = 'list' in argument ? argument.list : [];
  for (const item of items) found.add(Object.keys(item)[0]!);
  if (items.every((item) => 'group' in item)) found.add(`${items.length} groups`);
  for (const command of commands) {
    found.add(command.op);
    if (command.op === 'step' && command.closure) found.add('closure');
    if (command.op === 'load') {
      if (command.edits.length === 0) found.add('untouched');
      for (const { edit } of command.edits) found.add(`edit ${edit}`);
    }
    if (command.op === 'register') {
      found.add(`${command.hook} ${command.action.do}${command.prepend ? ' first' : ''}`);
      if ('edits' in command.action)
        for (const { edit } of command.action.edits) found.add(`hook edit ${edit}`);
    }
  }
  return found;
}

const counts = new Map<string, number>();
for (const program of sampled)
  for (const part of parts(program)) counts.set(part, (counts.get(part) ?? 0) + 1);

const edits = [
  ...[
    'setOption',
    'removeOption',
    'setIds',
    'renameState',
    'removeState',
    'setState',
    'removeStateKey',
    'addGroup',
  ],
  ...['removeGroup', 'reorderState', 'removeKey', 'setKey'],
];
const onClosure = ['replaceClosure', 'badReturn'];
const onDict = ['edit', 'replace'];
const actions: Record<HookKind, string[]> = {
  stepPre: onClosure,
  stepPost: [],
  globalStepPre: onClosure,
  globalStepPost: [],
  stateDictPre: [],
  stateDictPost: onDict,
  loadStateDictPre: onDict,
  loadStateDictPost: [],
};

const expected: Record<string, string[]> = {
  optimizers: ['Adadelta', 'SGD'],
  options: optimizersOf(features).flatMap(({ options }) =>
    Object.keys(options).map((key) => `option ${key}`),
  ),
  tensors: [...parameterDTypes, 'int64', 'small', 'large', 'empty'],
  dtypes: parameterDTypes.map((dtype) => `${dtype} program`),
  parameters: [0, 1, 2, 3, 4, 5, 6].map((count) => `${count} params`),
  groups: [1, 2, 3, 4].map((count) => `${count} groups`),
  arguments: ['list', 'set', 'param', 'value', 'named', 'group'],
  commands: [
    ...[
      'grad',
      'sparseGrad',
      'step',
      'closure',
      'zeroGrad',
      'addParamGroup',
      'setOption',
      'repr',
      'stateDict',
    ],
    ...['load', 'untouched', 'register', 'remove'],
  ],
  edits: edits.map((edit) => `edit ${edit}`),
  hooks: Object.entries(actions).flatMap(([hook, own]) =>
    [...own, 'log', 'log first', 'setOption'].map((action) => `${hook} ${action}`),
  ),
};

for (const [what, words] of Object.entries(expected)) {
  test(`all ${what} occur within 3,000 programs`, (t) => {
    t.deepEqual(
      words.filter((word) => !counts.has(word)),
      [],
    );
  });
}

test('most programs step, several times, and with gradients that are set', (t) => {
  const steps = sampled.map(({ commands }) => commands.filter(({ op }) => op === 'step').length);
  const mean = steps.reduce((sum, count) => sum + count) / steps.length;
  t.true(mean > 2.5 && mean < 6, `${mean} steps a program`);
  t.true(steps.filter((count) => count === 0).length / steps.length < 0.15);
  t.true(counts.get('grad')! / sampled.length > 0.6);
});

/** The smallest program of which this is true, and how many shrinks lead to it. */
function smallest(holds: (program: Program) => boolean): { program: Program; shrinks: number } {
  const property = fc.property(programArbitrary(features), (program) => !holds(program));
  const { counterexample, numShrinks } = fc.check(property, { seed: 1, numRuns: 3000 });
  return { program: counterexample![0], shrinks: numShrinks };
}

const one = [{ dtype: 'float32', shape: [1], hex: '0000803f', decimal: '1' }];

test('a program shrinks to the one command that matters, defaults, and one parameter of one 1', (t) => {
  const { program, shrinks } = smallest(({ commands }) =>
    commands.some((command) => command.op === 'load' && command.edits.some(({ edit }) => edit === 'setIds')),
  );
  const json = JSON.parse(toJSON(program)) as Record<string, unknown>;
  t.like(json, { params: [{ tensor: 0 }], argument: { list: [{ param: 0 }] }, options: [], tensors: one });
  t.deepEqual(
    program.commands.map(({ op }) => op),
    ['stateDict', 'load'],
  );
  t.true(shrinks < 100, `${shrinks} shrinks`);
});

test('structure that matters is kept, and nothing else', (t) => {
  const { program, shrinks } = smallest(
    ({ params, commands }) => params.length >= 3 && commands.filter(({ op }) => op === 'step').length >= 2,
  );
  t.is(program.params.length, 3);
  t.is(program.commands.filter(({ op }) => op === 'step').length, 2);
  t.true(program.commands.every(({ op }) => op === 'step' || op === 'grad'));
  t.true(program.tensors.every(({ shape }) => shape.length === 1 && shape[0] === 1));
  t.deepEqual(program.options, []);
  t.true(shrinks < 100, `${shrinks} shrinks`);
});
