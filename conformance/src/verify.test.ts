import test from 'ava';
import { smallProgram, smallPrograms } from './testing/programs.ts';
import { toySubject, toyTrace, ToyOracle, type Rule } from './testing/toy.ts';
import type { Program } from './program.ts';
import { exitCode, verify, type Outcome, type Settings } from './verify.ts';
import type { Result } from './wire.ts';

function settings(changes: Partial<Settings> = {}): Settings {
  return {
    subject: toySubject(),
    oracle: new ToyOracle(),
    programs: smallPrograms,
    runs: 100,
    seed: 3,
    ...changes,
  };
}

/** Wrong by one bit from the second step on. */
const late: Rule = (theta, grad, lr, step) => (theta - lr * grad) * (step >= 2 ? 1 + 2 ** -23 : 1);

test('a subject that is right agrees in every program', async (t) => {
  const outcomes: Outcome[] = [];
  const result = await verify(settings({ onOutcome: (outcome) => outcomes.push(outcome) }));
  t.deepEqual(result, { expected: 100, agreed: 100, couldNotRun: 0 });
  t.is(exitCode(result), 0);
  t.deepEqual(
    outcomes.map(({ source }) => source),
    Array.from({ length: 100 }, (_, i) => ({ seed: 3, path: String(i) })),
  );
  t.true(outcomes.every((outcome) => outcome.verdict === 'agrees' && outcome.judgement.subject.elements > 0));
});

test('a difference ends the run, and comes back as the smallest program', async (t) => {
  const oracle = new ToyOracle();
  const { failure, ...rest } = await verify(settings({ subject: toySubject(late), oracle }));
  t.is(exitCode({ ...rest, failure: failure! }), 1);
  const { program, judgement, source } = failure!.smallest;
  t.true(failure!.complete);
  t.is(program.commands.filter(({ op }) => op === 'step').length, 2);
  t.is(program.tensors[0]!.size, 1);
  t.like(judgement.finding, {
    check: 'subject-exact',
    difference: { record: 4, path: 'params[0][0]', element: { ulps: 1n } },
  });
  t.true('path' in source && source.path.includes(':'));
});

test('every engine of a subject runs every program, and a difference says of which engine', async (t) => {
  const ran: (string | undefined)[] = [];
  const subject = (rules: Record<string, Rule | undefined>): Settings['subject'] => ({
    ...toySubject(),
    engines: Object.keys(rules),
    run: (program, engine) => {
      ran.push(engine);
      return toyTrace(program, 'float32', rules[engine!]);
    },
  });
  const agrees = await verify(settings({ runs: 2, subject: subject({ one: undefined, other: undefined }) }));
  t.is(exitCode(agrees), 0);
  t.deepEqual(ran, ['one', 'other', 'one', 'other']);
  const { failure } = await verify(settings({ subject: subject({ one: undefined, other: late }) }));
  t.is(failure!.smallest.engine, 'other');
});

test('stored cases run first, and are not shrunk', async (t) => {
  const program = smallProgram([500, 600, 700], [800, 900, 1000], 1);
  const seen: Outcome[] = [];
  const { failure } = await verify(
    settings({
      subject: toySubject(late),
      stored: [{ file: 'a.json', program }],
      onOutcome: (outcome) => seen.push(outcome),
    }),
  );
  t.is(seen.length, 1);
  t.deepEqual(failure!.smallest.source, { file: 'a.json' });
  t.is(failure!.smallest.program, program);
});

test('a bounded subject passes within the bound, and fails outside of it', async (t) => {
  const bounded = { claim: { root: 2, flush: false }, device: 'memory', name: 'toy' };
  const near: Rule = (theta, grad, lr) => (theta - lr * grad) * (1 + 2 ** -22);
  const far: Rule = (theta, grad, lr) => theta - lr * grad * 1.001 - 0.1;
  const passes = await verify(
    settings({ subject: { ...bounded, run: (program) => toyTrace(program, 'float32', near) } }),
  );
  t.is(exitCode(passes), 0);
  const fails = await verify(
    settings({ subject: { ...bounded, run: (program) => toyTrace(program, 'float32', far) } }),
  );
  t.is(fails.failure?.smallest.judgement.finding?.check, 'subject-bounded');
});

/** An oracle that answers some programs in another way. */
class OddOracle extends ToyOracle {
  readonly #change: (result: Result, program: Program) => Result;
  constructor(change: (result: Result, program: Program) => Result) {
    super();
    this.#change = change;
  }
  override result(program: Program): Result {
    return this.#change(super.result(program), program);
  }
}

test('an oracle whose foreach differs from its for-loop is suspect', async (t) => {
  const oracle = new OddOracle((result, program) => ({
    ...result,
    foreach: toyTrace(program, 'float32', late),
  }));
  const { failure } = await verify(settings({ oracle }));
  t.is(failure?.smallest.judgement.finding?.check, 'oracle-foreach');
});

test('torch outside the bound makes the bound or the oracle suspect', async (t) => {
  const far: Rule = (theta, grad, lr) => theta - lr * grad - 1;
  const oracle = new OddOracle((result, program) => ({
    ...result,
    torch: toyTrace(program, 'float32', far),
  }));
  const { failure } = await verify(settings({ oracle }));
  t.is(failure?.smallest.judgement.finding?.check, 'oracle-bound');
});

const broken: [string, Partial<Settings>, RegExp][] = [
  [
    'a quarantined program',
    {
      oracle: new OddOracle((result, { tensors }) =>
        tensors.length > 5 ? { failed: { code: 'QUARANTINED', message: 'twice' } } : result,
      ),
    },
    /QUARANTINED: twice/,
  ],
  [
    'a missing trace',
    { oracle: new OddOracle(({ ...result }) => ({ ...result, truth: undefined }) as unknown as Result) },
    /missing/,
  ],
  [
    'a subject that breaks',
    {
      subject: {
        ...toySubject(),
        run: (program) => {
          if (program.tensors.length > 5) throw new Error('lost the device');
          return toyTrace(program);
        },
      },
    },
    /lost the device/,
  ],
];

for (const [name, changes, message] of broken) {
  test(`a run never passes with ${name}`, async (t) => {
    const messages: string[] = [];
    const result = await verify(
      settings({
        ...changes,
        onOutcome: (outcome) => {
          if (outcome.verdict === 'could not run') messages.push(outcome.message);
        },
      }),
    );
    t.true(result.couldNotRun > 0);
    t.is(result.agreed + result.couldNotRun, 100);
    t.is(exitCode(result), 2);
    t.is(messages.length, result.couldNotRun);
    t.true(messages.every((text) => message.test(text)));
  });
}

test('a run of nothing is no pass', async (t) => {
  t.is(exitCode(await verify(settings({ runs: 0 }))), 2);
});

test('an oracle that is lost ends the run with its error', async (t) => {
  class Lost extends ToyOracle {
    override async run(programs: readonly Program[]): Promise<Result[]> {
      if (this.requests > 2) throw new Error('the oracle ended with SIGKILL');
      return super.run(programs);
    }
  }
  await t.throwsAsync(verify(settings({ oracle: new Lost() })), { message: /SIGKILL/ });
});

test('an oracle that is lost while a difference is made smaller does not hide it', async (t) => {
  class Failing extends ToyOracle {
    override async run(programs: readonly Program[]): Promise<Result[]> {
      if (programs.length < 16) throw new Error('the oracle ended with SIGKILL'); // while shrinking
      return super.run(programs);
    }
  }
  const { failure } = await verify(settings({ subject: toySubject(late), oracle: new Failing(), runs: 96 }));
  t.false(failure!.complete);
  t.is(failure!.smallest, failure!.found);
});
