import type { Edit } from '../program.ts';
import type { Value } from '../value.ts';

type Dict = { dict: [Value, Value][] };

/** An edited copy of a state dict, both as tagged values (PROTOCOL.md, "edit"). */
export function applyEdits(stateDict: Value, edits: readonly Edit[]): Value {
  const copy = structuredClone(stateDict) as Dict;
  for (const edit of edits) apply(copy, edit);
  return copy;
}

function apply(stateDict: Dict, edit: Edit): void {
  switch (edit.edit) {
    case 'setOption':
      return set(groupAt(stateDict, edit.group), edit.key, edit.value);
    case 'removeOption':
      return remove(groupAt(stateDict, edit.group), edit.key);
    case 'setIds':
      return set(groupAt(stateDict, edit.group), 'params', edit.ids);
    case 'addGroup': {
      groupsOf(stateDict).push({ dict: [...edit.options, ['params', edit.ids]] });
      return;
    }
    case 'removeGroup':
      groupsOf(stateDict).splice(edit.group, 1);
      return;
    case 'renameState': {
      const state = stateOf(stateDict);
      if (find(state, edit.from) === undefined || same(edit.from, edit.to)) return;
      remove(state, edit.to);
      state.dict = state.dict.map(([key, entry]) => [same(key, edit.from) ? edit.to : key, entry]);
      return;
    }
    case 'removeState':
      return remove(stateOf(stateDict), edit.id);
    case 'setState': {
      const state = stateOf(stateDict);
      const entry = (find(state, edit.id)?.[1] as Dict | undefined) ?? { dict: [] };
      set(entry, edit.key, edit.value);
      return set(state, edit.id, entry);
    }
    case 'removeStateKey': {
      const entry = find(stateOf(stateDict), edit.id)?.[1] as Dict | undefined;
      if (entry !== undefined) remove(entry, edit.key);
      return;
    }
    case 'reorderState': {
      const state = stateOf(stateDict);
      const first = edit.ids.flatMap((id) => state.dict.filter(([key]) => same(key, id)));
      // A Set drops what comes a second time.
      state.dict = [...new Set([...first, ...state.dict])];
      return;
    }
    case 'removeKey':
      return remove(stateDict, edit.key);
    case 'setKey':
      return set(stateDict, edit.key, edit.value);
  }
}

function find({ dict }: Dict, key: Value): [Value, Value] | undefined {
  return dict.find(([other]) => same(other, key));
}

function set(target: Dict, key: Value, value: Value): void {
  const pair = find(target, key);
  if (pair === undefined) target.dict.push([key, value]);
  else pair[1] = value;
}

function remove(target: Dict, key: Value): void {
  target.dict = target.dict.filter(([other]) => !same(other, key));
}

function same(a: Value, b: Value): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function part(stateDict: Dict, key: string): Value {
  const pair = find(stateDict, key);
  if (pair === undefined) throw new RangeError(`the state dict has no ${key} to edit`);
  return pair[1];
}

function stateOf(stateDict: Dict): Dict {
  return part(stateDict, 'state') as Dict;
}

function groupsOf(stateDict: Dict): Value[] {
  return part(stateDict, 'param_groups') as Value[];
}

function groupAt(stateDict: Dict, index: number): Dict {
  const group = groupsOf(stateDict)[index];
  if (group === undefined) throw new RangeError(`the state dict has no group ${index} to edit`);
  return group as Dict;
}
