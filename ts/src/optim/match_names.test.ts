import '../node_util.ts';
import '@tensorflow/tfjs-node-gpu';
import test from 'ava';
import { load, saveToBytes } from '../checkpoint/index.ts';
import { reprEntry } from '../python/repr.ts';
import { runPython } from '../testing/python.ts';
import fc from 'fast-check';
import { Adadelta, Parameter, pyFloat, TensorData, type ParamGroupInit, type StateDict } from '../index.ts';
import type { AdadeltaOptions } from '../index.ts';

const shapes = { weight: [2], bias: [2], scale: [1], shift: [2, 1] } as const;
type Name = keyof typeof shapes;
const names = Object.keys(shapes) as Name[];

interface Group {
  names: string[];
  options?: Record<string, unknown>;
}

/** An optimizer with new parameters of these names. */
function make(groups: Group[], named = true): Adadelta {
  const list = groups.map(({ names, options }): ParamGroupInit<AdadeltaOptions> => ({
    ...options,
    params: names.map((name) => {
      const shape = shapes[name as Name] ?? [2];
      const size = shape.reduce((product: number, length) => product * length, 1);
      const parameter = new Parameter(TensorData.from('float32', new Float32Array(size).fill(1), shape));
      return named ? ([name, parameter] as const) : parameter;
    }),
  }));
  return new Adadelta(list);
}

/** One step, in which each parameter has another gradient, by its name. */
function step(optimizer: Adadelta, skipped?: string): void {
  for (const { params, paramNames = [] } of optimizer.paramGroups) {
    for (const [i, parameter] of params.entries()) {
      const size = parameter.toTensorData().size;
      const value = 1 + names.indexOf(paramNames[i] as Name);
      parameter.grad =
        paramNames[i] === skipped
          ? null
          : TensorData.from('float32', new Float32Array(size).fill(value), parameter.shape);
    }
  }
  optimizer.step();
}

/** The state of each parameter by its name, and the options that it has, as Python writes them. */
function byName(optimizer: Adadelta): unknown {
  const { state, param_groups } = optimizer.stateDict();
  return new Map(
    param_groups
      .flatMap((group) => {
        const options = Object.keys(group).filter((key) => key !== 'params' && key !== 'param_names');
        const texts = options.map((key) => `${key}: ${reprEntry(group, key)}`);
        const names = group.param_names as string[];
        return group.params.map((id, i) => [names[i]!, { state: state.get(id), options: texts }] as const);
      })
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** The names in any order, in groups. */
const grouping = fc
  .tuple(
    fc.shuffledSubarray(names, { minLength: names.length }),
    fc.array(fc.nat(names.length), { maxLength: 3 }),
  )
  .map(([order, cuts]) => {
    const ends = [...new Set([0, ...cuts, order.length])].toSorted((a, b) => a - b);
    return ends.slice(1).map((end, i): Group => ({ names: order.slice(ends[i], end) }));
  });

test('state and options follow the names, in whatever order and groups they stand', (t) => {
  fc.assert(
    fc.property(
      grouping,
      grouping,
      fc.constantFrom(undefined, ...names),
      fc.boolean(),
      (there, here, skipped, own) => {
        // Groups with options of their own keep their members; others may be cut in another way.
        for (const [i, group] of there.entries())
          if (own) group.options = { lr: 0.5 + i, note: ['x', pyFloat(i)] };
        const source = make(there);
        step(source, skipped);
        const ours = own ? there.toReversed().map(({ names }) => ({ names: names.toReversed() })) : here;
        const target = make(ours);
        step(target);
        const saved = source.stateDict();
        target.loadStateDict(saved, { match: 'names' });
        t.deepEqual(byName(target), byName(source));
        t.deepEqual(
          target.paramGroups.map(({ paramNames }) => paramNames),
          ours.map(({ names }) => names),
        );
        step(source);
        step(target);
        t.deepEqual(byName(target), byName(source));
        for (const optimizer of [source, target]) {
          optimizer.dispose();
          for (const { params } of optimizer.paramGroups) for (const parameter of params) parameter.dispose();
        }
      },
    ),
  );
});

const torchSaves = `
import sys, torch
if tuple(int(part) for part in torch.__version__.split('.')[:2]) < (2, 6):
    sys.exit()
named = [('scale', torch.ones(1)), ('weight', torch.ones(2)), ('bias', torch.ones(2))]
optimizer = torch.optim.Adadelta(named, lr=0.5)
for value, (name, param) in enumerate(named):
    param.grad = None if name == 'bias' else torch.full_like(param, value + 0.1)
optimizer.step()
torch.save(optimizer.state_dict(), sys.stdout.buffer)`;

const torchCompares = `
import io, sys, torch
loaded = torch.load(io.BytesIO(sys.stdin.buffer.read()), weights_only=True)

def by_name(state_dict):
    return {
        name: ({k: v for k, v in group.items() if k not in ('params', 'param_names')}, state_dict['state'].get(id, {}))
        for group in state_dict['param_groups']
        for id, name in zip(group['params'], group['param_names'], strict=True)
    }

torchs, ours = (by_name(loaded[key]) for key in ('torchs', 'ours'))
for name in ours:
    assert repr(ours[name][0]) == repr(torchs[name][0]), name
    assert list(ours[name][1]) == list(torchs[name][1]), name
    for key, tensor in torchs[name][1].items():
        assert tensor.dtype == ours[name][1][key].dtype and tensor.equal(ours[name][1][key]), (name, key)
print([group['param_names'] for group in loaded['ours']['param_groups']])`;

test('a file of torch, whose optimizer was made of named parameters, comes back by name', async (t) => {
  const file = await runPython(torchSaves);
  if (file.length === 0) return t.log('not compared: torch names parameters since 2.6');
  const torchs = await load<Map<string, unknown>>(file);
  const target = make([{ names: ['bias'] }, { names: ['weight', 'scale'] }]);
  step(target);
  target.loadStateDict(torchs, { match: 'names' });
  const input = await saveToBytes({ torchs, ours: target.stateDict() });
  t.is(String(await runPython(torchCompares, { input })), "[['bias'], ['weight', 'scale']]\n");
});

test('by order, a permuted checkpoint is loaded into the wrong parameters, as in torch', (t) => {
  const source = make([{ names: ['weight', 'bias'] }]);
  step(source);
  const target = make([{ names: ['bias', 'weight'] }]);
  target.loadStateDict(source.stateDict());
  t.deepEqual(target.stateDict().state, source.stateDict().state);
  t.deepEqual(target.paramGroups[0]!.paramNames, ['weight', 'bias']);
});

test('a group of ours without parameters keeps its options', (t) => {
  const source = make([{ names: ['weight'], options: { lr: 0.5 } }]);
  const target = make([{ names: ['weight'] }]);
  target.paramGroups.push({ ...target.paramGroups[0]!, params: [], paramNames: [], lr: 0.25 });
  target.loadStateDict(source.stateDict(), { match: 'names' });
  t.deepEqual(
    target.paramGroups.map(({ lr }) => lr),
    [0.5, 0.25],
  );
});

test('what does not fit is listed, all of it, and nothing changes', (t) => {
  const target = make([{ names: ['weight', 'bias'] }, { names: ['scale'] }]);
  step(target);
  const before = target.stateDict();
  const refuses = (stateDict: StateDict, ...problems: string[]): void => {
    const error = t.throws(() => target.loadStateDict(stateDict, { match: 'names' }), {
      name: 'ValueError',
      code: 'NAME_MISMATCH',
    });
    const [, ...listed] = error!.message.split('\n');
    t.deepEqual(
      listed,
      problems.map((text) => `- ${text}`),
    );
    t.deepEqual(target.stateDict(), before);
  };
  const saved = (...groups: Group[]): StateDict => {
    const source = make(groups);
    step(source);
    return source.stateDict();
  };

  refuses(
    make([{ names: ['weight', 'bias'] }, { names: ['scale'] }], false).stateDict(),
    'param_groups[0] has no param_names: torch writes them since 2.6, if its optimizer is made of model.named_parameters()',
    'param_groups[1] has no param_names: torch writes them since 2.6, if its optimizer is made of model.named_parameters()',
  );
  refuses(
    saved({ names: ['weight', 'bias', 'shift'] }, { names: ['extra', 'extra'] }),
    "two parameters of the state dict are named 'extra'",
    "the state dict has no 'scale'",
    "the optimizer has no 'shift'",
    "the optimizer has no 'extra'",
  );
  refuses(
    saved(
      { names: ['bias', 'scale'], options: { lr: 0.5, note: null } },
      { names: ['weight'], options: { rho: 1 } },
    ),
    "group 0 of the optimizer would be made of param_groups[1] ('weight') and param_groups[0] ('bias'), which differ: " +
      'rho is 1.0 and 0.9, lr is 1.0 and 0.5, note is missing and None',
  );
  const misfit = saved({ names: ['weight', 'bias', 'scale'] });
  misfit.state.get(1)!.acc_delta = TensorData.from('float32', [1, 2, 3]);
  refuses(misfit, "acc_delta of 'bias' has shape [3], but the parameter has [2]");

  const twice = saved({ names: ['weight', 'bias', 'scale'] });
  twice.param_groups[0]!.params = [0, 0, 2];
  refuses(twice, "'weight' and 'bias' are one parameter in the state dict, and two in the optimizer");
  const control = saved({ names: ['weight', 'bias', 'scale', 'a\u009b'] });
  refuses(control, String.raw`the optimizer has no 'a\x9b'`);

  const unnamed = make([{ names: ['weight'] }], false);
  t.throws(() => unnamed.loadStateDict(before, { match: 'names' }), {
    message: /group 0 of the optimizer has no names: give its parameters as pairs, \[name, parameter\]/,
  });
});
