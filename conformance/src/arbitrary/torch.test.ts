import test from 'ava';
import fc from 'fast-check';
import { startOracle } from '../oracle.ts';
import { featuresOf, type Features, programArbitrary } from './program.ts';

type Refusal = [op: string, error: string, message: RegExp, since?: keyof Features];

/** What torch says to programs that it refuses, and after which version of it the words are, if not after all. */
const refusals: Refusal[] = [
  ['construct', 'ValueError', /^Invalid learning rate: -1\.0$/],
  ['construct', 'ValueError', /^Invalid learning rate: nan$/],
  ['construct', 'ValueError', /^Invalid rho value: /],
  ['construct', 'ValueError', /^Invalid epsilon value: /],
  ['construct', 'ValueError', /^Invalid weight_decay value: /],
  ['construct', 'ValueError', /^optimizer got an empty parameter list$/],
  ['construct', 'ValueError', /^some parameters appear in more than one parameter group$/],
  ['construct', 'ValueError', /Some param names are missing$/, 'named'],
  ['construct', 'ValueError', /cannot add param group with names to the optimizer$/, 'named'],
  ['construct', 'ValueError', /cannot add param group without names to the optimizer$/, 'named'],
  ['construct', 'ValueError', /^Nesterov momentum requires a momentum and zero dampening$/, 'capturable'],
  [
    'construct',
    'TypeError',
    /^params argument given to the optimizer should be an iterable of Tensors or dicts/,
  ],
  ['construct', 'TypeError', /^'NoneType' object is not iterable$/],
  ['construct', 'TypeError', /^optimizer can only optimize Tensors, but one of the params is /],
  ['construct', 'TypeError', /^optimizer can only optimize Tensors, but one of the params is dict$/],
  ['construct', 'TypeError', /^param_group must be a dict, but got <class 'torch\./],
  ['construct', 'TypeError', /ordering of tensors in sets will change between runs/],
  ['construct', 'KeyError', /^'params'$/],
  ['addParamGroup', 'TypeError', /^param_group must be a dict, but got <class 'list'>$/],
  ['addParamGroup', 'TypeError', /^'int' object is not iterable$/],
  ['addParamGroup', 'TypeError', /^optimizer can only optimize Tensors, but one of the params is /],
  ['addParamGroup', 'TypeError', /ordering of tensors in sets will change between runs/],
  ['addParamGroup', 'ValueError', /^some parameters appear in more than one parameter group$/],
  ['addParamGroup', 'ValueError', /Some param names are missing$/, 'named'],
  ['addParamGroup', 'ValueError', /cannot add param group with names to the optimizer$/, 'named'],
  ['addParamGroup', 'ValueError', /cannot add param group without names to the optimizer$/, 'named'],
  ['addParamGroup', 'KeyError', /^'params'$/],
  ['load', 'ValueError', /^loaded state dict has a different number of parameter groups$/],
  ['load', 'ValueError', /^loaded state dict contains a parameter group that doesn't match the size/],
  ['load', 'KeyError', /^'state'$/],
  ['load', 'KeyError', /^'param_groups'$/],
  ['load', 'KeyError', /^'params'$/],
  ['load', 'KeyError', /^'step'$/, 'capturable'],
  ['step', 'KeyError', /^'lr'$/],
  ['step', 'KeyError', /^'rho'$/],
  ['step', 'KeyError', /^'eps'$/],
  ['step', 'KeyError', /^'weight_decay'$/],
  ['step', 'KeyError', /^'square_avg'$/],
  ['step', 'KeyError', /^'acc_delta'$/],
  [
    'step',
    'AssertionError',
    /^If capturable=True, params and state_steps must be on supported devices/,
    'capturable',
  ],
  ['step', 'RuntimeError', /^Adadelta does not support sparse gradients$/],
  ['step', 'RuntimeError', /^value cannot be converted to type float without overflow$/],
  [
    'step',
    'RuntimeError',
    /^value cannot be converted to type (c10|at)::Half without overflow$/,
    'dtypeErrors',
  ],
  ['step', 'RuntimeError', /^value cannot be converted to type (c10|at)::BFloat16 without overflow$/],
  ['step', 'RuntimeError', /^value cannot be converted to type c10::complex<float> without overflow$/],
  ['step', 'RuntimeError', /must return None or a tuple of \(new_args, new_kwargs\), but got 3\.$/],
  ['step', 'RuntimeError', /^The size of tensor a \(\d+\) must match the size of tensor b/],
  ['step', 'TypeError', /^view_as_real is only supported for complex tensors$/, 'dtypeErrors'],
  [
    'step',
    'RuntimeError',
    /^result type Complex(Float|Double) can't be cast to the desired output type \w+$/,
    'dtypeErrors',
  ],
  ['step', 'RuntimeError', /^attempting to assign a gradient of size /],
  ['grad', 'RuntimeError', /^attempting to assign a gradient of size /],
  [
    'grad',
    'RuntimeError',
    /^attempting to assign a gradient with dtype 'long int' to a tensor with grad_dtype/,
    'dtypeErrors',
  ],
  [
    'grad',
    'RuntimeError',
    /^attempting to assign a gradient with dtype 'double' to a tensor with grad_dtype/,
    'dtypeErrors',
  ],
];

test('torch runs every program, and refuses those that aim at an error in all of its words', async (t) => {
  await using oracle = await startOracle();
  const features = featuresOf(oracle.hello.torch);
  const programs = fc.sample(programArbitrary(features), { seed: 3, numRuns: 4000 });
  const batches = Array.from({ length: Math.ceil(programs.length / 50) }, (_, batch) =>
    oracle.run(programs.slice(batch * 50, batch * 50 + 50), ['exact']),
  );
  const results = (await Promise.all(batches)).flat();
  t.deepEqual(
    results.filter((result) => 'failed' in result),
    [],
  );
  const ends = results.flatMap((result, index) => {
    const records = 'exact' in result ? result.exact!.records : [];
    const { error } = records.at(-1)!;
    const command = programs[index]!.commands[records.length - 2];
    return error ? [{ op: command?.op ?? 'construct', ...error }] : [];
  });
  const unseen = refusals.filter(
    ([op, error, message, since]) =>
      (since === undefined || features[since]) &&
      !ends.some((end) => end.op === op && end.class === error && message.test(end.message)),
  );
  t.deepEqual(unseen, []);
  const share = ends.length / programs.length;
  t.true(share > 0.08 && share < 0.16, `${share} of the programs end in an error`);
});
