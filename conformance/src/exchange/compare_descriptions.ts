import type { DType } from 'torch-parity';
import type { Tagged } from 'torch-parity/checkpoint';
import type { Description } from './description.ts';
import { elementText, widthOf } from './elements.ts';

/** The first thing in which two values differ. */
export interface TreeDifference {
  path: string;
  ours: string;
  theirs: string;
}

/** The first difference between two values in any bit, type, order or identity; undefined where there is none. */
export function firstDifference(ours: Description, theirs: Description): TreeDifference | undefined {
  const [left, right] = [leavesOf(ours), leavesOf(theirs)];
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const [mine, torchs] = [left[index], right[index]];
    const path = (mine ?? torchs)!.path;
    if (mine?.text !== torchs?.text)
      return { path, ours: mine?.text ?? 'missing', theirs: torchs?.text ?? 'missing' };
    if (mine?.storage === undefined || torchs?.storage === undefined) continue;
    const { dtype, bytes } = mine.storage;
    const at = bytes.findIndex((byte, position) => byte !== torchs.storage!.bytes[position]);
    if (at < 0) continue;
    const element = Math.floor(at / widthOf(dtype));
    return {
      path: `${path}, element ${element} of its storage`,
      ours: elementText(dtype, bytes, element),
      theirs: elementText(dtype, torchs.storage.bytes, element),
    };
  }
  return undefined;
}

interface Leaf {
  path: string;
  text: string;
  /** Where a storage is met for the first time. */
  storage?: { dtype: DType; bytes: Uint8Array };
}

/**
 * A value as a flat list: two values are the same if and only if their lists are. A container is a leaf too: its kind, with
 * its keys or its size; tensors and storages have the numbers of their first appearance, which show what is shared.
 */
function leavesOf({ value, tensors, storages }: Description): Leaf[] {
  const leaves: Leaf[] = [];
  const known = { tensors: [] as number[], storages: [] as number[] };

  const tensor = (ref: unknown, kind: string, path: string): void => {
    const index = ref as number;
    const { dtype, shape, stride, offset, storage } = tensors[index]!;
    const numbers = [numberIn(known.tensors, index), numberIn(known.storages, storage)];
    const bytes = storages[storage]!;
    const text = [
      `${kind} ${numbers[0]}: ${dtype} [${shape.join(', ')}]`,
      `stride [${stride.join(', ')}], offset ${offset}`,
      `storage ${numbers[1]} of ${bytes.length} bytes`,
    ].join(', ');
    leaves.push({ path, text, storage: { dtype, bytes } });
  };
  const list = (kind: string, items: readonly Tagged[], path: string): void => {
    leaves.push({ path, text: `a ${kind} of ${items.length}` });
    items.forEach((item, index) => walk(item, `${path}[${index}]`));
  };
  const dict = (kind: string, pairs: readonly [Tagged, Tagged][], path: string): void => {
    const keys = pairs.map(([key]) => JSON.stringify(key));
    leaves.push({ path, text: `a ${kind} of ${keys.join(', ') || 'nothing'}` });
    pairs.forEach(([, item], index) => walk(item, `${path}[${keys[index]}]`));
  };
  const walk = (node: Tagged, path: string): void => {
    if (node === null || typeof node !== 'object') leaves.push({ path, text: JSON.stringify(node) });
    else if (Array.isArray(node)) list('list', node, path);
    else if ('tuple' in node) list('tuple', node.tuple, path);
    else if ('size' in node) list('torch.Size', node.size, path);
    else if ('dict' in node) dict('dict', node.dict, path);
    else if ('counter' in node) dict('Counter', node.counter, path);
    else if ('orderedDict' in node) {
      dict('OrderedDict', node.orderedDict.items, path);
      dict('__dict__', node.orderedDict.attributes ?? [], `${path}.__dict__`);
    } else if ('set' in node) {
      // The order of a set is nobody's.
      leaves.push({
        path,
        text: `a set of ${node.set
          .map((item) => JSON.stringify(item))
          .sort()
          .join(', ')}`,
      });
    } else if ('tensor' in node) tensor(node.tensor, 'tensor', path);
    else if ('requiringGrad' in node) tensor(node.requiringGrad, 'tensor requiring grad', path);
    else if ('parameter' in node) {
      const { requiresGrad } = node.parameter;
      tensor(node.parameter.tensor, `parameter${requiresGrad ? '' : ' without grad'}`, path);
    } else leaves.push({ path, text: JSON.stringify(node) });
  };
  walk(value, 'value');
  return leaves;
}

function numberIn(list: number[], item: number): number {
  const at = list.indexOf(item);
  return at < 0 ? list.push(item) - 1 : at;
}
