import { LazyTensor, type ReadOptions, type Storage } from '../checkpoint/index.ts';
import { optimizerLines } from './optimizer_table.ts';
import { optimizersIn, type OptimizerDict } from './optimizers.ts';
import {
  attributesKey,
  childPath,
  entriesOf,
  inlineList,
  labelOf,
  pathText,
  typeOf,
  valueText,
  type Container,
  type Entry,
} from './python_value.ts';
import { countText } from './quantity.ts';
import type { Survey } from './survey.ts';
import { tensorText } from './tensor_text.ts';

export interface TreeOptions extends ReadOptions {
  /** Shows every entry of every dict and list, and optimizers as the dicts that they are. */
  all?: boolean;
}

/** Entries of one dict or list that are shown before the rest is counted. */
const mostEntries = 100;

/** A tree of values as lines for a reader, each indented below what it is in. What can be reached twice is shown once. */
export async function* treeLines(
  value: unknown,
  survey: Survey,
  { all = false, ...options }: TreeOptions = {},
): AsyncGenerator<string, void> {
  const optimizers = new Map<unknown, OptimizerDict>(
    optimizersIn(survey).map((found) => [found.dict, found]),
  );
  const sharedStorages = numberShared(survey.storages);
  const shown = new Set<unknown>();
  yield* lines({ value, type: typeOf(value) }, '', '', '');

  async function* lines(
    { value, type }: Pick<Entry, 'value' | 'type'>,
    path: string,
    indent: string,
    label: string,
  ): AsyncGenerator<string, void> {
    const start = `${indent}${label}`;
    if (!spansLines(value)) {
      yield `${start}${valueText(value, type)}`;
      return;
    }
    if (shown.has(value)) {
      yield `${start}${valueText(value)}, the same as ${pathText(firstPath(value))}`;
      return;
    }
    shown.add(value);
    if (value instanceof LazyTensor) {
      yield `${start}${await tensorText(value, sharedStorages, options)}`;
      return;
    }
    const optimizer = all ? undefined : optimizers.get(value);
    yield `${start}${type} of ${sizeOf(value)}${optimizer ? ', the state dict of an optimizer' : ''}`;
    if (optimizer) for (const line of await optimizerLines(optimizer, options)) yield `${indent}  ${line}`;
    yield* entries(value, path, `${indent}  `, optimizer);
  }

  async function* entries(
    container: Container,
    path: string,
    indent: string,
    optimizer: OptimizerDict | undefined,
  ): AsyncGenerator<string, void> {
    let count = 0;
    for (const entry of entriesOf(container)) {
      const label = `${labelOf(entry)}: `;
      if (entry.key === attributesKey && !all) yield `${indent}${label}${attributeNames(entry.value)}`;
      else if (optimizer && (entry.key === 'state' || entry.key === 'param_groups')) shown.add(entry.value);
      else if (all || count < mostEntries) yield* lines(entry, childPath(path, entry), indent, label);
      count++;
    }
    if (!all && count > mostEntries) {
      yield `${indent}… and ${countText(count - mostEntries, 'more entry', 'more entries')} (--all shows them)`;
    }
  }

  function firstPath(value: Container | LazyTensor): string {
    const path = value instanceof LazyTensor ? survey.tensors.get(value) : survey.containers.get(value);
    return path as string;
  }
}

/** Short lists do not, wherever they come again: torch shares `betas` between groups. */
function spansLines(value: unknown): value is Container | LazyTensor {
  if (value instanceof LazyTensor) return true;
  if (value instanceof Map) return value.size > 0;
  return Array.isArray(value) && inlineList(value) === undefined;
}

function sizeOf(value: Container): number {
  return value instanceof Map ? value.size : value.length;
}

function attributeNames(attributes: unknown): string {
  return [...(attributes as Map<unknown, unknown>).keys()].map((name) => valueText(name)).join(', ');
}

/** Numbers from 1 for the storages that several tensors view. */
function numberShared(storages: Map<Storage, number>): Map<Storage, number> {
  const shared = [...storages].filter(([, tensors]) => tensors > 1);
  return new Map(shared.map(([storage], i) => [storage, i + 1]));
}
