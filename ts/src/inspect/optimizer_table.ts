import { LazyTensor, type ReadOptions } from '../checkpoint/index.ts';
import { itemOf } from './elements.ts';
import { idsOf, namesOf, stepsOf, type OptimizerDict } from './optimizers.ts';
import { entriesOf, keyText, labelOf, shortText, valueText } from './python_value.ts';
import { countText, rangeText } from './quantity.ts';
import { scalarText } from './tensor_text.ts';

/** Groups that stand side by side, and parameters whose state is shown. */
const mostGroups = 6;
const mostStates = 10;

/** An optimizer's state dict for a reader: its groups as a table, and a line for the state of each parameter. */
export async function optimizerLines(optimizer: OptimizerDict, options?: ReadOptions): Promise<string[]> {
  const parameters = optimizer.groups.reduce((sum, group) => sum + idsOf(group).length, 0);
  const head = `${countText(parameters, 'parameter')} in ${countText(optimizer.groups.length, 'group')}`;
  const steps = await stepsText(optimizer, options);
  return [head + steps, ...groupTable(optimizer), ...(await stateLines(optimizer, options))];
}

/** The step counts of an optimizer as numbers; what is no number or a tensor of more than one is left out. */
export async function stepNumbers(optimizer: OptimizerDict, options?: ReadOptions): Promise<number[]> {
  const numbers: number[] = [];
  for (const step of stepsOf(optimizer).values()) {
    const value = step instanceof LazyTensor ? await itemOf(step, options) : step;
    if (typeof value === 'number') numbers.push(value);
  }
  return numbers;
}

async function stepsText(optimizer: OptimizerDict, options?: ReadOptions): Promise<string> {
  const steps = await stepNumbers(optimizer, options);
  return steps.length === 0 ? '' : `, step ${rangeText(steps)}`;
}

function groupTable({ groups }: OptimizerDict): string[] {
  const shown = groups.slice(0, mostGroups);
  const columns = shown.map((group, index) => {
    const cells = new Map([
      ['', `group ${index}`],
      ['params', rangeOfList(idsOf(group))],
    ]);
    for (const entry of entriesOf(group)) {
      const { key, value, type } = entry;
      if (key === 'param_names' && Array.isArray(value)) cells.set(key, rangeOfList(value));
      else if (key !== 'params') cells.set(labelOf(entry), valueText(value, type));
    }
    return cells;
  });
  const rows = [...new Set(columns.flatMap((cells) => [...cells.keys()]))];
  const widths = columns.map((cells) => Math.max(...Array.from(cells.values(), (text) => text.length)));
  const first = Math.max(...rows.map((row) => row.length));
  const lines = rows.map((row) =>
    [row.padEnd(first), ...columns.map((cells, i) => (cells.get(row) ?? '-').padEnd(widths[i] as number))]
      .join('  ')
      .trimEnd(),
  );
  const more = groups.length - shown.length;
  return more === 0 ? lines : [...lines, `… and ${countText(more, 'more group')}`];
}

/** A list of ids or names by its first and last. */
function rangeOfList(list: unknown[]): string {
  const [first, last] = [valueText(list[0]), valueText(list.at(-1))];
  return list.length <= 2 ? valueText(list) : `${first} … ${last} (${list.length})`;
}

async function stateLines({ state, groups }: OptimizerDict, options?: ReadOptions): Promise<string[]> {
  const names = new Map<unknown, string>();
  for (const group of groups) {
    for (const [i, name] of (namesOf(group) ?? []).entries()) names.set(idsOf(group)[i], name);
  }
  const lines = [state.size === 0 ? 'no state' : 'state'];
  for (const [id, entry] of [...state].slice(0, mostStates)) {
    const name = names.get(id);
    const label = `  ${keyText(state, id)}${name === undefined ? '' : ` ${shortText(name)}`}`;
    lines.push(`${label}: ${await stateText(entry, options)}`);
  }
  if (state.size > mostStates) {
    lines.push(`  … and ${countText(state.size - mostStates, 'more parameter')}`);
  }
  return lines;
}

async function stateText(entry: unknown, options?: ReadOptions): Promise<string> {
  if (!(entry instanceof Map)) return valueText(entry);
  const parts: string[] = [];
  for (const item of entriesOf(entry)) {
    const scalar = item.value instanceof LazyTensor ? await scalarText(item.value, options) : undefined;
    parts.push(`${labelOf(item)} ${scalar ?? valueText(item.value, item.type)}`);
  }
  return parts.join(', ');
}
