import type { Tagged } from 'torch-parity/checkpoint';
import { build, describe, type Description } from '../exchange/description.ts';
import { torchParityFiles, type Files } from '../exchange/files.ts';

/** What is wrong with a reader or a writer, as a change of what it has before it. */
export type Fault = (description: Description) => Description;

/** A reader that misreads. */
export function misreading(fault: Fault): Files {
  return {
    ...torchParityFiles,
    load: async (file, from) => changed(await torchParityFiles.load(file, from), fault),
    open: (file, use) => torchParityFiles.open(file, async (value) => use(await changed(value, fault))),
  };
}

/** A writer that miswrites the values of checkpoints that were read or described. */
export function miswriting(fault: Fault): Files {
  return {
    ...torchParityFiles,
    save: async (value, options) => torchParityFiles.save(await changed(value, fault), options),
  };
}

async function changed(value: unknown, fault: Fault): Promise<unknown> {
  return build(fault(structuredClone(await describe(value))));
}

/** Faults that were seen in readers and writers of torch's files. */
export const faults: Record<string, Fault> = {
  'ints become floats': everywhere((node) => (typeof node === 'number' ? { float: String(node) } : node)),
  'whole floats become ints': everywhere((node) =>
    has(node, 'float') && Number.isSafeInteger(Number(node.float)) ? Number(node.float) : node,
  ),
  'ints beyond 2^53 are rounded': everywhere((node) =>
    has(node, 'int')
      ? { int: String(BigInt(Number(node.int)) + (Number.isFinite(Number(node.int)) ? 0n : 1n)) }
      : node,
  ),
  'True becomes 1': everywhere((node) => (typeof node === 'boolean' ? Number(node) : node)),
  'tuples become lists': everywhere((node) => (has(node, 'tuple') ? (node.tuple as Tagged) : node), 'values'),
  'an OrderedDict becomes a dict': everywhere((node) =>
    has(node, 'orderedDict') ? { dict: node.orderedDict.items } : node,
  ),
  'attributes are lost': everywhere((node) =>
    has(node, 'orderedDict') ? { orderedDict: { items: node.orderedDict.items } } : node,
  ),
  'keys are sorted': everywhere((node) =>
    has(node, 'dict') ? { dict: node.dict.toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)) } : node,
  ),
  'numbers as keys become text': everywhere((node) =>
    has(node, 'dict')
      ? { dict: node.dict.map(([key, item]) => [typeof key === 'number' ? String(key) : key, item]) }
      : node,
  ),
  'the sign of zero is lost': everywhere((node) =>
    has(node, 'float') && node.float === '-0' ? { float: '0' } : node,
  ),
  'a bytearray becomes bytes': everywhere((node) =>
    has(node, 'bytearray') ? { bytes: node.bytearray || '00' } : node,
  ),
  'a Parameter becomes a tensor': everywhere((node) =>
    has(node, 'parameter') ? { tensor: node.parameter.tensor } : node,
  ),
  'requires_grad is lost': everywhere((node) =>
    has(node, 'requiringGrad') ? { tensor: node.requiringGrad } : node,
  ),
  'offsets are dropped': (description) => ({
    ...description,
    tensors: description.tensors.map((tensor) => ({ ...tensor, offset: 0 })),
  }),
  'a shared storage is copied': (description) => ({
    ...description,
    tensors: description.tensors.map((tensor, storage) => ({ ...tensor, storage })),
    storages: description.tensors.map(({ storage }) => description.storages[storage]!),
  }),
  'NaNs are quieted': onFloats((view, at) => {
    if (Number.isNaN(view.getFloat32(at, true)))
      view.setUint32(at, view.getUint32(at, true) | 0x00400000, true);
  }),
  'the sign of a zero element is lost': onFloats((view, at) => {
    if (view.getFloat32(at, true) === 0) view.setUint32(at, 0, true);
  }),
  'the last bit is lost': onFloats((view, at) => view.setUint8(at, view.getUint8(at) & 0xfe)),
};

/** Faults that show in a training alone. */
export const optimizerFaults: Record<string, Fault> = {
  'the ids of a group are turned round': everywhere((node) =>
    has(node, 'dict')
      ? {
          dict: node.dict.map(([key, item]) => [
            key,
            key === 'params' && Array.isArray(item) ? item.toReversed() : item,
          ]),
        }
      : node,
  ),
  'the ids of the state become text': everywhere((node) =>
    has(node, 'dict')
      ? { dict: node.dict.map(([key, item]) => [typeof key === 'number' ? String(key) : key, item]) }
      : node,
  ),
  'a whole float option becomes an int': faults['whole floats become ints']!,
  'the last bit of a float is lost': faults['the last bit is lost']!,
  'the state is lost': everywhere((node) =>
    has(node, 'dict')
      ? { dict: node.dict.map(([key, item]) => [key, key === 'state' ? { dict: [] } : item]) }
      : node,
  ),
};

type Tag = Tagged extends infer T
  ? T extends readonly unknown[]
    ? never
    : T extends object
      ? keyof T
      : never
  : never;

function has<K extends Tag>(node: Tagged, tag: K): node is Extract<Tagged, Record<K, unknown>> {
  return node !== null && typeof node === 'object' && tag in node;
}

/**
 * Changes every node of a value, from the innermost outwards.
 *
 * @param places - `values` leaves keys and members of sets alone, which must stay hashable
 */
function everywhere(change: (node: Tagged) => Tagged, places: 'all' | 'values' = 'all'): Fault {
  const key = (node: Tagged): Tagged => (places === 'all' ? walk(node) : node);
  const pairs = (list: [Tagged, Tagged][]): [Tagged, Tagged][] =>
    list.map(([k, item]) => [key(k), walk(item)]);
  const inside = (node: Tagged): Tagged => {
    if (Array.isArray(node)) return node.map(walk);
    if (has(node, 'tuple')) return { tuple: node.tuple.map(walk) };
    if (has(node, 'set')) return { set: node.set.map(key) };
    if (has(node, 'dict')) return { dict: pairs(node.dict) };
    if (has(node, 'orderedDict')) {
      const { items, attributes } = node.orderedDict;
      return { orderedDict: { items: pairs(items), ...(attributes && { attributes: pairs(attributes) }) } };
    }
    return node;
  };
  const walk = (node: Tagged): Tagged => change(inside(node));
  return (description) => ({ ...description, value: walk(description.value) });
}

/** Changes every element of the storages of float32 tensors. */
function onFloats(change: (view: DataView, at: number) => void): Fault {
  return (description) => {
    const floats = new Set(
      description.tensors.filter(({ dtype }) => dtype === 'float32').map(({ storage }) => storage),
    );
    for (const storage of floats) {
      const { buffer, byteOffset, byteLength } = description.storages[storage]!;
      const view = new DataView(buffer, byteOffset, byteLength);
      for (let at = 0; at + 4 <= byteLength; at += 4) change(view, at);
    }
    return description;
  };
}
