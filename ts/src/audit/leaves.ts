import { childPath, entriesOf, isContainer } from '../inspect/python_value.ts';

export interface Leaf {
  value: unknown;
  path: string;
}

/**
 * What a value holds that holds nothing itself: LBFGS keeps lists of tensors.
 *
 * @param walked - containers that are left out, as they were walked through before; a file may refer to one often
 */
export function* leavesOf(value: unknown, path: string, walked: Set<unknown>): Generator<Leaf> {
  if (!isContainer(value)) {
    yield { value, path };
  } else if (!walked.has(value)) {
    walked.add(value);
    for (const entry of entriesOf(value)) yield* leavesOf(entry.value, childPath(path, entry), walked);
  }
}
