import { parseArgs, styleText } from 'node:util';
import { open, type Checkpoint } from '../checkpoint/index.ts';
import { diff, type Difference } from '../inspect/diff.ts';
import { toJson } from '../inspect/json.ts';
import { pathText } from '../inspect/python_value.ts';
import { bytesText, countText } from '../inspect/quantity.ts';
import { survey, totalsOf } from '../inspect/survey.ts';
import type { TensorDifference } from '../inspect/tensor_difference.ts';
import { treeLines } from '../inspect/tree.ts';
import { escapeControls, fileCommand } from './file_command.ts';
import { jsonText } from './json_output.ts';
import { UsageError } from './usage_error.ts';

export const usage = `Usage: torch-parity inspect [--all | --json] FILE
       torch-parity inspect --diff OTHER [--all | --json] FILE

Shows what a checkpoint holds, as a tree: names, dtypes, shapes, sizes, shared storages, the groups and step counts of
optimizers. FILE is what torch.save wrote, in any version, or safetensors. No tensor is read but those of one number.

Options:
  --all          shows every entry (default: the first 100 of a dict or list, optimizers as tables)
  --json         prints one JSON document:
                   file, format ("pt", "pt-legacy" or "safetensors"), size in bytes,
                   totals {tensors, elements, storages, storageBytes},
                   value: the tree, in which {"tensor": k}, {"requiringGrad": k} and {"parameter": {"tensor": k, …}}
                     stand for tensors[k]; an int is a number, and all else that JSON has not is an object with one
                     key: {"float": "0.1"}, {"tuple": […]}, {"dict": [[key, value], …]}, {"orderedDict": …} …,
                   tensors [{path, dtype, shape, stride, offset, storage}], storages [{bytes}]
  --diff OTHER   shows what is different in OTHER, path by path: lines with - are FILE's, lines with + are OTHER's.
                 Types count (1 is not 1.0), and every bit of every tensor; how tensors share storages does not, nor
                 whether two places hold one list or dict, or two that are equal.
                 Without --all, the first 100. With --json, a list of all: {path, kind, left, right}, or for tensors
                 {path, kind: "elements", tensor, difference}. Integers of tensors beyond 2^53 are texts.

Exits with 0, with --diff only where nothing differs; 1 where something differs; 2 where a file cannot be read or the
output cannot be written; 141 where nobody reads it to its end.

Examples:
  torch-parity inspect checkpoint.pt
  torch-parity inspect --json model.safetensors | jq '.tensors[].path'
  torch-parity inspect before.pt --diff after.pt`;

const options = {
  all: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  diff: { type: 'string' },
} as const;

/** Differences that are shown before the rest is counted. */
const mostDifferences = 100;

interface Wanted {
  all: boolean;
  json: boolean;
  signal: AbortSignal;
}

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  const [file, ...rest] = positionals;
  if (file === undefined || rest.length > 0) throw new UsageError('inspect needs one FILE');
  const { all, json, diff: other } = values;
  return fileCommand(async (signal) => {
    await using checkpoint = await open(file, { signal });
    if (other === undefined) {
      await show(file, checkpoint, { all, json, signal });
      return 0;
    }
    await using compared = await open(other, { signal });
    return await showDifferences(checkpoint, compared, { all, json, signal });
  });
}

const formats = {
  pt: 'a zip archive of torch.save',
  'pt-legacy': 'a stream of torch.save before 1.6',
  safetensors: 'safetensors',
};

async function show(file: string, { value, format, size }: Checkpoint, wanted: Wanted): Promise<void> {
  const found = survey(value);
  if (wanted.json) {
    console.log(jsonText(toJson(value, found, { file, format, size })));
    return;
  }
  const { elements, storageBytes } = totalsOf(found);
  const shared = [...found.storages.values()].filter((tensors) => tensors > 1).length;
  console.log(styleText('bold', `${escapeControls(file)}: ${formats[format]}, ${bytesText(size)}`));
  console.log(
    `${countText(found.tensors.size, 'tensor')} of ${countText(elements, 'element')}, ` +
      `${bytesText(storageBytes)} in ${countText(found.storages.size, 'storage')}` +
      (shared === 0 ? '' : `, ${shared.toLocaleString('en-US')} of them shared by several tensors`),
  );
  console.log();
  for await (const line of treeLines(value, found, wanted)) console.log(line);
}

async function showDifferences(left: Checkpoint, right: Checkpoint, wanted: Wanted): Promise<number> {
  const found: Difference[] = [];
  let count = 0;
  for await (const difference of diff(left.value, right.value, wanted)) {
    count++;
    if (wanted.json) found.push(difference);
    else if (wanted.all || count <= mostDifferences) {
      for (const line of differenceLines(difference)) console.log(line);
    }
  }
  if (wanted.json) console.log(jsonText(found));
  else if (!wanted.all && count > mostDifferences) {
    console.log(`… and ${countText(count - mostDifferences, 'more difference')} (--all shows them)`);
  }
  return count === 0 ? 0 : 1;
}

function differenceLines(difference: Difference): string[] {
  const path = styleText('bold', pathText(difference.path));
  if (difference.kind === 'elements') {
    return [`${path}: ${difference.tensor}, ${elementsText(difference.difference)}`];
  }
  const order = difference.kind === 'order' ? ', keys in another order; the first:' : '';
  const lines = [`${path}${order}`];
  if (difference.kind !== 'only-right') lines.push(styleText('red', `  - ${difference.left}`));
  if (difference.kind !== 'only-left') lines.push(styleText('green', `  + ${difference.right}`));
  return lines;
}

function elementsText(found: TensorDifference): string {
  const { differing, elements, worstUlps, maxAbsolute, nan, nanBits, zeroSigns, worst } = found;
  const parts = [`${differing.toLocaleString('en-US')} of ${countText(elements, 'element')} differ`];
  if (maxAbsolute > 0) {
    const ulps = worstUlps > 0 ? `${countText(worstUlps, 'ulp')}, ` : '';
    parts.push(`by up to ${ulps}${roundedText(maxAbsolute)}`);
  }
  if (nan > 0) parts.push(`${nan.toLocaleString('en-US')} NaN on one side only`);
  if (nanBits > 0) parts.push(`${nanBits.toLocaleString('en-US')} NaN of other bits`);
  if (zeroSigns > 0) parts.push(`${countText(zeroSigns, 'zero')} of the other sign`);
  const [left, right] = [worst.left, worst.right].map((value) =>
    Object.is(value, -0) ? '-0' : String(value),
  );
  return `${parts.join(', ')}; [${worst.index.join(', ')}] is ${left} and ${right}`;
}

/** What is whole and exact stays so: a count of ids, say, that are other ones. */
function roundedText(value: number): string {
  return String(Number.isSafeInteger(value) ? value : Number(value.toPrecision(4)));
}
