import type { Input } from './input.ts';

/** The input with as few of its edits as still fail; none of those left could be left out. */
export async function minimise(input: Input, fails: (input: Input) => Promise<boolean>): Promise<Input> {
  let smallest = input;
  for (let index = input.edits.length - 1; index >= 0; index -= 1) {
    const fewer = { ...smallest, edits: smallest.edits.filter((_, at) => at !== index) };
    if (await fails(fewer)) smallest = fewer;
  }
  return smallest;
}
