import * as fc from 'fast-check';
import type { Closure } from '../program.ts';
import { chance } from './chance.ts';
import { type Draft, pick, type Phrase, type SavedDict, type Setting } from './draft.ts';
import { otherDtype, paramOf, revision, type Revision } from './edits.ts';
import { gradient } from './gradients.ts';
import { losses, register, remove } from './hooks.ts';
import { either, groupOption, groupOptions } from './options.ts';

/** Any phrase that does not aim at an error; most of them step. Each shrinks to nothing. */
export function phrase(setting: Setting): fc.Arbitrary<Phrase> {
  return fc.oneof(
    { withCrossShrink: true },
    { weight: 1, arbitrary: fc.constant<Phrase>(() => {}) },
    { weight: 36, arbitrary: train(setting) },
    { weight: 14, arbitrary: fc.constant<Phrase>((draft) => draft.step()) },
    { weight: 6, arbitrary: stepWithClosure(setting) },
    { weight: 6, arbitrary: grad(setting) },
    { weight: 5, arbitrary: zeroGrad },
    { weight: 4, arbitrary: addParamGroup(setting) },
    { weight: 6, arbitrary: setOption(setting) },
    { weight: 3, arbitrary: fc.constant<Phrase>((draft) => void draft.commands.push({ op: 'repr' })) },
    { weight: 4, arbitrary: fc.constant(saveStateDict) },
    { weight: 8, arbitrary: load(setting) },
    { weight: 8, arbitrary: register(setting) },
    { weight: 4, arbitrary: remove },
  );
}

/** Gradients for most parameters, some of them null; one list of tensors is gone through in turn. */
function grads(setting: Setting): fc.Arbitrary<(draft: Draft) => Closure['grads']> {
  const each = fc.record({ make: gradient(setting), none: chance(5), absent: chance(8) });
  return fc.array(each, { minLength: 1, maxLength: 4, size: 'max' }).map((list) => (draft) => {
    const set: Closure['grads'] = [];
    for (let param = 0; param < draft.params; param++) {
      const { make, none, absent } = pick(list, param)!;
      if (!absent) set.push(draft.setGrad(param, none ? null : make(draft, param)));
    }
    return set;
  });
}

function train(setting: Setting): fc.Arbitrary<Phrase> {
  return grads(setting).map((make) => (draft) => {
    for (const [param, tensor] of make(draft)) draft.commands.push({ op: 'grad', param, tensor });
    draft.step();
  });
}

function stepWithClosure(setting: Setting): fc.Arbitrary<Phrase> {
  return fc.record({ loss: losses, make: grads(setting) }).map(({ loss, make }) => (draft) => {
    const before = new Set(draft.graded);
    const grads = make(draft);
    if (draft.replacing.size > 0) draft.graded = before;
    draft.step({ op: 'step', closure: { loss, grads } });
  });
}

function grad(setting: Setting): fc.Arbitrary<Phrase> {
  return fc
    .record({ index: fc.nat(), make: gradient(setting), none: chance(30) })
    .map(({ index, make, none }) => (draft) => {
      if (draft.params === 0) return;
      const [param, tensor] = draft.setGrad(
        index % draft.params,
        none ? null : make(draft, index % draft.params),
      );
      draft.commands.push({ op: 'grad', param, tensor });
    });
}

const zeroGrad: fc.Arbitrary<Phrase> = fc.boolean().map((setToNone) => (draft) => {
  draft.commands.push({ op: 'zeroGrad', setToNone });
  if (setToNone) for (const param of draft.owned) draft.graded.delete(param);
});

function addParamGroup({ optimizer, temper }: Setting): fc.Arbitrary<Phrase> {
  return fc
    .record({
      options: groupOptions(optimizer.options, temper),
      bare: fc.boolean(),
      take: fc.integer({ min: 1, max: 6 }),
    })
    .map(({ options, bare, take }) => (draft) => {
      const params = draft.spare.slice(0, take);
      if (draft.groups.length === 4 || (draft.named && params.length === 0)) return;
      draft.commands.push({
        op: 'addParamGroup',
        group: draft.group(params, options, bare),
      });
    });
}

function setOption({ optimizer, temper }: Setting): fc.Arbitrary<Phrase> {
  return fc.tuple(fc.nat(), groupOption(optimizer.options, temper)).map(([index, option]) => (draft) => {
    const [key, value] = draft.option(option);
    draft.commands.push({ op: 'setOption', group: index % draft.groups.length, key, value });
    draft.groups[index % draft.groups.length]!.options.set(key, value);
  });
}

/** Stores the state dict. */
export function saveStateDict(draft: Draft): void {
  const name = draft.name('dict');
  draft.dicts.push({ name, ...draft.stateDict() });
  draft.commands.push({ op: 'stateDict', as: name });
}

/** Loads a stored state dict that fits the groups, after few revisions. */
function load(setting: Setting): fc.Arbitrary<Phrase> {
  return fc
    .record({
      index: fc.nat(),
      first: fc.array(revision(setting), { maxLength: 2 }),
      last: either<Revision>([6, fc.constant(() => [])], [1, otherDtype(setting)]),
    })
    .map(({ index, first, last }) => (draft) => {
      const from = fitting(draft, index);
      const dict: SavedDict = structuredClone(from);
      const edits = [...first, last].flatMap((revise) => revise(dict, draft));
      draft.commands.push({ op: 'load', from: from.name, edits });
      const loaded = dict.state.map((id) => paramOf(dict, id)).filter((param) => param !== undefined);
      draft.stepped = new Set(loaded);
    });
}

/** A stored state dict with as many groups of the same sizes as there are now; stores one where there is none. */
export function fitting(draft: Draft, index: number): SavedDict & { name: string } {
  const sizes = (groups: { params: number[] }[]) => groups.map(({ params }) => params.length).join();
  const fits = () => draft.dicts.filter(({ groups }) => sizes(groups) === sizes(draft.groups));
  if (fits().length === 0) saveStateDict(draft);
  return pick(fits(), index)!;
}
