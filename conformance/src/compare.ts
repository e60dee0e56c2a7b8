import type { TensorData } from 'torch-parity';
import { bitsOf, countOf, isFloating, numbersOf, placeOf, widthOf } from './elements.ts';
import { leavesOf, type Leaf } from './leaves.ts';
import type { Trace } from './trace.ts';
import { bitDistance, ulpDistance } from './ulp.ts';

/** The first thing in which two traces differ. */
export interface Difference {
  /** Of the trace: 0 is the construction, k is command k - 1. */
  record: number;
  path: string;
  /** Ours and torch's, as text; `missing` where one has nothing there. */
  ours: string;
  theirs: string;
  /** Where it is one element of a tensor. */
  element?: ElementDifference;
}

export interface ElementDifference {
  /** Which number of the tensor; a complex element is two. */
  index: number;
  ours: number | bigint;
  theirs: number | bigint;
  oursBits: number | bigint;
  theirsBits: number | bigint;
  /** How many bits the number has. */
  width: number;
  /** Left out for integers, and where one of them is NaN. */
  ulps?: bigint;
}

/** How far two traces of the same form are apart, over all tensors; a complex element counts as its two numbers. */
export interface Distance {
  elements: number;
  elementsThatDiffer: number;
  bitsThatDiffer: number;
  elementsBeyondOneUlp: number;
}

/**
 * The first difference between two traces in any bit of any field, or undefined. Any NaN equals any NaN; -0 is not 0.
 *
 * @param tensors - `bits` compares them; `form` leaves the elements of floating tensors aside
 */
export function compare(
  ours: Trace,
  theirs: Trace,
  tensors: 'bits' | 'form' = 'bits',
): Difference | undefined {
  for (const { record, mine, torch } of pairs(ours, theirs)) {
    const path = (mine ?? torch)!.path;
    if (typeof mine?.value !== 'object' || typeof torch?.value !== 'object') {
      if (mine?.value === torch?.value) continue;
      return { record, path, ours: text(mine), theirs: text(torch) };
    }
    const [a, b] = [mine.value, torch.value];
    if (formText(a) !== formText(b)) return { record, path, ours: formText(a), theirs: formText(b) };
    if (tensors === 'form' && isFloating(a.dtype)) continue;
    for (const element of differingElements(a, b)) {
      return {
        record,
        path: path + placeOf(a.dtype, element.index),
        ours: String(element.ours),
        theirs: String(element.theirs),
        element,
      };
    }
  }
  return undefined;
}

/** Counts what differs in the tensors that stand at the same place in both. */
export function distance(ours: Trace, theirs: Trace): Distance {
  const total = { elements: 0, elementsThatDiffer: 0, bitsThatDiffer: 0, elementsBeyondOneUlp: 0 };
  for (const { mine, torch } of pairs(ours, theirs)) {
    if (typeof mine?.value !== 'object' || typeof torch?.value !== 'object') continue;
    total.elements += countOf(mine.value);
    if (mine.path !== torch.path || formText(mine.value) !== formText(torch.value)) continue;
    for (const { oursBits, theirsBits, ulps } of differingElements(mine.value, torch.value)) {
      total.elementsThatDiffer += 1;
      total.bitsThatDiffer += bitDistance(oursBits, theirsBits);
      if (ulps === undefined || ulps > 1n) total.elementsBeyondOneUlp += 1;
    }
  }
  return total;
}

/** The elements in which two tensors of the same form differ in any bit, NaN payloads aside. */
export function* differingElements(ours: TensorData, theirs: TensorData): Generator<ElementDifference> {
  if (Buffer.compare(ours.bytes, theirs.bytes) === 0) return;
  const [a, b] = [numbersOf(ours), numbersOf(theirs)];
  const [aBits, bBits] = [bitsOf(ours), bitsOf(theirs)];
  const isFloat = isFloating(ours.dtype);
  const width = widthOf(ours.dtype);
  for (let index = 0; index < a.length; index += 1) {
    if (aBits[index] === bBits[index] || (Number.isNaN(a[index]) && Number.isNaN(b[index]))) continue;
    const element = {
      index,
      ours: a[index]!,
      theirs: b[index]!,
      oursBits: aBits[index]!,
      theirsBits: bBits[index]!,
      width,
    };
    const hasUlps = isFloat && !Number.isNaN(element.ours) && !Number.isNaN(element.theirs);
    yield hasUlps ? { ...element, ulps: ulpDistance(element.oursBits, element.theirsBits, width) } : element;
  }
}

interface Pair {
  record: number;
  mine: Leaf | undefined;
  torch: Leaf | undefined;
}

function* pairs(ours: Trace, theirs: Trace): Generator<Pair> {
  const records = Math.max(ours.records.length, theirs.records.length);
  for (let record = 0; record < records; record += 1) {
    const mine = leavesAt(ours, record);
    const torch = leavesAt(theirs, record);
    for (let i = 0; i < Math.max(mine.length, torch.length); i += 1)
      yield { record, mine: mine[i], torch: torch[i] };
  }
}

function leavesAt({ records, tensors }: Trace, record: number): Leaf[] {
  const found = records[record];
  return found ? leavesOf(found, tensors) : [];
}

function formText({ dtype, shape }: TensorData): string {
  return `a ${dtype} tensor of shape [${shape.join(', ')}]`;
}

function text(leaf: Leaf | undefined): string {
  if (leaf === undefined) return 'missing';
  return typeof leaf.value === 'string' ? leaf.value : formText(leaf.value);
}
