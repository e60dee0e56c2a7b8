import { TensorData } from 'torch-parity';
import type { Difference } from './compare.ts';
import { snapshotLeaves } from './leaves.ts';
import type { Program } from './program.ts';
import type { Trace } from './trace.ts';

/** A bounded subject passes within this many times E. */
export const allowedE = 2;

/** What comparing a trace with the truth and its error bound E showed. */
export interface BoundCheck {
  elements: number;
  /** Elements whose E is infinite: either outcome passes. */
  undecided: number;
  /** Elements that are 0 where the truth is -0, or the reverse. */
  zeroSigns: number;
  /** The largest |value - truth| / E over the decided elements. */
  worst: number;
  /** The first decided element that is not within {@link allowedE} of the truth. */
  violation?: Difference;
}

/**
 * Checks every element of every snapshot against float64 truth.
 *
 * @param truth - a trace of kind `truth`, with its bounds
 * @param dtype - of the program: what is wider was rounded to it before the truth was made of it
 * @throws Error if a floating field of the truth has no bound: an unknown error is not a zero
 */
export function checkBounds(trace: Trace, truth: Trace, dtype: Program['dtype']): BoundCheck {
  const check: BoundCheck = { elements: 0, undecided: 0, zeroSigns: 0, worst: 0 };
  truth.records.forEach((record, index) => {
    const snapshot = trace.records[index]?.snapshot;
    if (!record.snapshot || !snapshot) return;
    const truths = tensorsByPath(truth.tensors, record.snapshot);
    const bounds = tensorsByPath(truth.tensors, record.bounds ?? { params: [], state: [] });
    for (const [path, values] of tensorsByPath(trace.tensors, snapshot)) {
      const exact = truths.get(path);
      const bound = bounds.get(path);
      if (!values.dtype.startsWith('float') || !exact) continue;
      if (!bound) throw new Error(`the oracle gave no error bound for ${path} of record ${index}`);
      checkTensor(check, { record: index, path }, rounded(values, dtype), exact, bound);
    }
  });
  return check;
}

function rounded(values: TensorData, dtype: Program['dtype']): TensorData {
  if (dtype === 'float64' || values.dtype !== 'float64') return values;
  return TensorData.from('float32', values.toFloat32Array(), values.shape);
}

function checkTensor(
  check: BoundCheck,
  place: { record: number; path: string },
  values: TensorData,
  truths: TensorData,
  bounds: TensorData,
): void {
  const [x, t, e] = [values, truths, bounds].map((tensor) => tensor.toTypedArray() as Float64Array) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  if (x.length !== t.length || x.length !== e.length) {
    const [ours, theirs] = [values, truths].map(({ shape }) => `a tensor of shape [${shape.join(', ')}]`) as [
      string,
      string,
    ];
    check.violation ??= { ...place, ours, theirs };
    return;
  }
  check.elements += x.length;
  for (let index = 0; index < x.length; index += 1) {
    const [value, truth, bound] = [x[index]!, t[index]!, e[index]!];
    if (bound === Infinity) {
      check.undecided += 1;
      continue;
    }
    if (value === 0 && truth === 0 && !Object.is(value, truth)) check.zeroSigns += 1;
    const ratio = errorRatio(value, truth, bound);
    if (ratio > check.worst) check.worst = ratio;
    if (ratio > allowedE) {
      check.violation ??= {
        ...place,
        path: `${place.path}[${index}]`,
        ours: `${value}, ${ratio.toPrecision(3)} E from the truth`,
        theirs: `${truth} within ${allowedE} E, E = ${bound.toPrecision(3)}`,
      };
    }
  }
}

/**
 * |value - truth| / E. NaN and infinities must match the truth's; a bound of zero, or one that is no number, allows the
 * truth alone.
 */
export function errorRatio(value: number, truth: number, bound: number): number {
  if (value === truth || (Number.isNaN(value) && Number.isNaN(truth))) return 0;
  const ratio = Math.abs(value - truth) / bound;
  return Number.isFinite(value) && Number.isFinite(truth) && ratio >= 0 ? ratio : Infinity;
}

function tensorsByPath(
  tensors: readonly TensorData[],
  snapshot: Parameters<typeof snapshotLeaves>[0],
): Map<string, TensorData> {
  const found = new Map<string, TensorData>();
  for (const { path, value } of snapshotLeaves(snapshot, tensors))
    if (typeof value === 'object') found.set(path, value);
  return found;
}
