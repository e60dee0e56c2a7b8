import * as fc from 'fast-check';
import { parameterDTypes, type Edit, type ParameterDType } from '../program.ts';
import { float, type Value } from '../value.ts';
import { fitting } from './commands.ts';
import { pick, type Draft, type Phrase, type Setting } from './draft.ts';
import { failingGroup, strangers } from './failing_start.ts';
import type { FilledDType } from './tensors.ts';

/** For optimizers that have nothing to leave out. */
const nothing: fc.Arbitrary<Phrase> = fc.constant(() => {});

/** Commands the last of which torch refuses; where the draft has nothing to do it with, they do nothing. */
export function failingCommands(setting: Setting): fc.Arbitrary<Phrase> {
  const { features, optimizer, dtype } = setting;
  const others = [...parameterDTypes.filter((other) => other !== dtype), 'int64' as const];
  const weighted: [weight: number, arbitrary: fc.Arbitrary<Phrase>, possible?: boolean][] = [
    [3, addStranger],
    [5, addGroup(setting)],
    [1, addOwned],
    [5, addOtherwiseNamed, features.named],
    [6, loadMisshapen],
    [6, stepWithoutOption(setting)],
    [6, stepWithoutState(setting), optimizer.refusesPartialState],
    [2, stepWithStateOfOtherShape(setting)],
    [9, stepWithRealState(setting), dtype === 'complex64' && features.dtypeErrors],
    [2, gradOfOtherShape],
    [2, fc.constantFrom(...others).map(gradOfOtherDtype), features.dtypeErrors],
    [2, sparseGrad, optimizer.refusesSparse],
    [2, capturable, 'capturable' in optimizer.options],
    [1, badReturn],
    [1, beyondDType(dtype), dtype !== 'float64'],
  ];
  const possible = weighted.filter(([, , possible = true]) => possible);
  return fc.oneof(...possible.map(([weight, arbitrary]) => ({ weight, arbitrary })));
}

// add_param_group

const addStranger: fc.Arbitrary<Phrase> = strangers.map((value) => ({ commands }) => {
  commands.push({ op: 'addParamGroup', value });
});

function addGroup(setting: Setting): fc.Arbitrary<Phrase> {
  return failingGroup(setting).map((make) => (draft) => {
    draft.commands.push({ op: 'addParamGroup', group: make(draft) });
  });
}

const addOwned: fc.Arbitrary<Phrase> = fc.nat().map((index) => (draft) => {
  const param = pick(draft.owned, index);
  if (param === undefined) return;
  draft.commands.push({ op: 'addParamGroup', group: { params: draft.argument([param]), options: [] } });
});

const addOtherwiseNamed: fc.Arbitrary<Phrase> = fc.constant((draft) => {
  const param = draft.spare[0] ?? draft.owned[0];
  if (param === undefined || draft.owned.length === 0) return;
  const item = draft.named ? { param } : { named: ['weight', param] as [string, number] };
  draft.commands.push({ op: 'addParamGroup', group: { params: { list: [item] }, options: [] } });
});

// load_state_dict

/** State dicts whose groups or keys are not those of the optimizer. */
const loadMisshapen: fc.Arbitrary<Phrase> = fc.tuple(fc.nat(), fc.nat()).map(([kind, index]) => (draft) => {
  // A hook that edits the dict needs what is taken away here.
  for (const hook of draft.hooks) draft.commands.push({ op: 'remove', hook });
  const { name, groups } = fitting(draft, index);
  const group = index % groups.length;
  const { ids } = groups[group]!;
  const misshapen: Edit[] = [
    { edit: 'addGroup', options: [], ids: [] },
    { edit: 'removeGroup', group },
    { edit: 'setIds', group, ids: [...ids, ids.length] },
    { edit: 'setIds', group, ids: ids.length > 0 ? ids.slice(1) : [0] },
    { edit: 'removeKey', key: 'state' },
    { edit: 'removeKey', key: 'param_groups' },
    { edit: 'removeOption', group, key: 'params' },
  ];
  draft.commands.push({ op: 'load', from: name, edits: [pick(misshapen, kind)!] });
});

// step

function stepWithoutOption({ optimizer }: Setting): fc.Arbitrary<Phrase> {
  const keys = Object.keys(optimizer.defaults);
  if (keys.length === 0) return nothing;
  return fc.tuple(fc.constantFrom(...keys), fc.nat()).map(([key, index]) => (draft) => {
    const { name, groups } = fitting(draft, index);
    const edits: Edit[] = [{ edit: 'removeOption', group: index % groups.length, key }];
    draft.commands.push({ op: 'load', from: name, edits }, { op: 'step' });
  });
}

function stepWithoutState({ features, optimizer }: Setting): fc.Arbitrary<Phrase> {
  // Without `step`, torch 2.1 would load the dict and fail later.
  const keys = [
    ...(features.capturable && optimizer.older ? [optimizer.older[0]] : []),
    ...optimizer.stateTensors,
  ];
  if (keys.length === 0) return nothing;
  return fc.tuple(fc.constantFrom(...keys), fc.nat()).map(([key, index]) => (draft) => {
    if (!graded(draft, index)) return;
    draft.step();
    const id = pick(draft.stateDict().state, index)!;
    loadAndStep(draft, [{ edit: 'removeStateKey', id, key }]);
  });
}

function stepWithStateOfOtherShape({ optimizer }: Setting): fc.Arbitrary<Phrase> {
  if (optimizer.stateTensors.length === 0) return nothing;
  return fc.tuple(fc.constantFrom(...optimizer.stateTensors), fc.nat()).map(([key, index]) => (draft) => {
    const param = graded(draft, index);
    const [size, ...rest] = param === undefined ? [] : draft.tensors[param]!.shape;
    // Other shapes would broadcast, or be told of in other words by every operation.
    if (param === undefined || size === undefined || size < 2 || rest.length > 0) return;
    draft.step();
    const tensor = draft.tensor([size + 1], [1]);
    loadAndStep(draft, [{ edit: 'setState', id: draft.owned.lastIndexOf(param), key, value: { tensor } }]);
  });
}

/** Loading casts state to a real parameter's dtype, and leaves it as it is for a complex one. */
function stepWithRealState({ optimizer }: Setting): fc.Arbitrary<Phrase> {
  return fc
    .record({
      key: fc.constantFrom(...optimizer.stateTensors),
      dtype: fc.constantFrom(...parameterDTypes.filter((dtype) => dtype !== 'complex64')),
      index: fc.nat(),
    })
    .map(({ key, dtype, index }) => (draft) => {
      const param = graded(draft, index);
      if (param === undefined) return;
      draft.step();
      const tensor = draft.like(param, [1], dtype);
      loadAndStep(draft, [{ edit: 'setState', id: draft.owned.lastIndexOf(param), key, value: { tensor } }]);
    });
}

function loadAndStep(draft: Draft, edits: Edit[]): void {
  const as = draft.name('dict');
  draft.commands.push({ op: 'stateDict', as }, { op: 'load', from: as, edits }, { op: 'step' });
}

const capturable: fc.Arbitrary<Phrase> = fc.nat().map((index) => (draft) => {
  const param = graded(draft, index);
  if (param === undefined) return;
  setOptionOf(draft, param, 'capturable', true);
  draft.commands.push({ op: 'step' });
});

/** A number that only a double holds, where torch wants it in the parameter's dtype. */
function beyondDType(dtype: ParameterDType): fc.Arbitrary<Phrase> {
  const beyond = float(dtype === 'float16' ? 65520 : 1e39);
  return fc.tuple(fc.nat(), fc.constantFrom('lr', 'weight_decay')).map(([index, key]) => (draft) => {
    const param = graded(draft, index);
    if (param === undefined) return;
    setOptionOf(draft, param, key, beyond);
    draft.commands.push({ op: 'step' });
  });
}

const badReturn: fc.Arbitrary<Phrase> = fc
  .constantFrom('stepPre' as const, 'globalStepPre' as const)
  .map((hook) => (draft) => {
    const as = draft.name('hook');
    draft.commands.push(
      { op: 'register', hook, as, prepend: false, action: { do: 'badReturn' } },
      { op: 'step' },
    );
  });

const sparseGrad: fc.Arbitrary<Phrase> = fc.nat().map((index) => (draft) => {
  const param = pick(draft.owned, index);
  if (param !== undefined) draft.commands.push({ op: 'sparseGrad', param }, { op: 'step' });
});

// .grad =

const gradOfOtherShape: fc.Arbitrary<Phrase> = fc
  .tuple(fc.nat(), fc.boolean())
  .map(([index, inClosure]) => (draft) => {
    if (draft.params === 0) return;
    const param = index % draft.params;
    const tensor = draft.tensor([...draft.tensors[param]!.shape, 2], [1]);
    if (inClosure) draft.commands.push({ op: 'step', closure: { loss: null, grads: [[param, tensor]] } });
    else draft.commands.push({ op: 'grad', param, tensor });
  });

const gradOfOtherDtype =
  (dtype: FilledDType): Phrase =>
  (draft) => {
    if (draft.params > 0) draft.commands.push({ op: 'grad', param: 0, tensor: draft.like(0, [1], dtype) });
  };

/** A parameter of a group, which has a gradient from here on. */
function graded(draft: Draft, index: number): number | undefined {
  const param = pick(draft.owned, index);
  if (param === undefined) return undefined;
  const [, tensor] = draft.setGrad(param, draft.like(param, [1]));
  draft.commands.push({ op: 'grad', param, tensor });
  return param;
}

function setOptionOf(draft: Draft, param: number, key: string, value: Value): void {
  const group = draft.groups.findIndex(({ params }) => params.includes(param));
  draft.commands.push({ op: 'setOption', group, key, value });
}
