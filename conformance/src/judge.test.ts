import test from 'ava';
import { filled } from './arbitrary/tensors.ts';
import { hasTruth, judge, wantedOf, type OracleTraces } from './judge.ts';
import { parameterDTypes, type ParameterDType, type Program } from './program.ts';
import { smallProgram } from './testing/programs.ts';
import type { Trace } from './trace.ts';

/** A trace of one step after which the parameter is this. */
function ended(dtype: ParameterDType, value: number): Trace {
  const snapshot = { params: [0], state: [] };
  return { tensors: [filled(dtype, [2], [value])], records: [{ snapshot }, {}, { result: null, snapshot }] };
}

for (const dtype of ['float16', 'bfloat16', 'complex64'] as const) {
  const program: Program = {
    ...smallProgram([1], [1], 1),
    dtype,
    tensors: [filled(dtype, [1], [1]), filled(dtype, [1], [1])],
  };
  const [one, other] = [ended(dtype, 1), ended(dtype, 1.5)];
  const oracle: OracleTraces = { exact: one, foreach: other, torch: other };

  test(`${dtype} has no truth, and torch's foreach may differ there: both are measured alone`, (t) => {
    t.deepEqual(wantedOf(program), ['exact', 'foreach', 'torch']);
    const judgement = judge(program, 'exact', one, oracle, '2.15.0');
    t.is(judgement.finding, undefined);
    t.is(judgement.torchBounds, undefined);
    t.true(judgement.torch.elementsThatDiffer > 0);
    t.is(judgement.foreach?.elementsThatDiffer, judgement.torch.elementsThatDiffer);
  });

  test(`a subject that differs in ${dtype} is found`, (t) => {
    t.is(judge(program, 'exact', other, oracle, '2.15.0').finding?.check, 'subject-exact');
  });

  test(`nothing can be said of a bounded subject in ${dtype}`, (t) => {
    const claim = { root: 2, flush: false };
    t.throws(() => judge(program, claim, one, oracle, '2.15.0'), { message: new RegExp(dtype) });
  });
}

test('float32 and float64 have a truth', (t) => {
  t.deepEqual(
    parameterDTypes.filter((dtype) => hasTruth({ dtype })),
    ['float32', 'float64'],
  );
});
