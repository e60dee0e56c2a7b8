import { LazyTensor, type ReadOptions } from '../checkpoint/index.ts';
import { itemSizes } from '../dtype.ts';
import { childPath, keyText } from '../inspect/python_value.ts';
import { countText } from '../inspect/quantity.ts';
import { few, type Finding } from './finding.ts';
import { leavesOf } from './leaves.ts';
import { scan, type Scan } from './scan.ts';
import { stepOf } from './steps.ts';
import { momentKeys, momentsOf, slotText, type Slot, type Subject } from './subject.ts';

/** Steps after which a moment that is zero in every element is no accident. */
const manySteps = 10;

/**
 * The elements and dtypes of state. Every tensor of it is read once.
 *
 * @param onRead - told the bytes of each
 */
export async function* auditMoments(
  subject: Subject,
  onRead: (bytes: number) => void,
  options?: ReadOptions,
): AsyncGenerator<Finding> {
  yield* halves(subject);
  yield* casts(subject);
  const zeros = new Map<string, { zero: Slot[]; all: Slot[] }>();
  const nonFinite: string[] = [];
  const scans = new Map<LazyTensor, Scan | undefined>();
  const walked = new Set<unknown>();
  for (const slot of subject.slots) {
    const step = await stepOf(slot, options);
    for (const [key, value] of slot.state ?? []) {
      const path = childPath(slot.path, { key, name: keyText(slot.state as Map<unknown, unknown>, key) });
      for (const leaf of leavesOf(value, path, walked)) {
        if (typeof leaf.value === 'number' && !Number.isFinite(leaf.value)) nonFinite.push(leaf.path);
        if (!(leaf.value instanceof LazyTensor)) continue;
        if (!scans.has(leaf.value)) {
          scans.set(leaf.value, await scan(leaf.value, options));
          onRead(leaf.value.byteLength);
        }
        if (scans.get(leaf.value)?.hasNonFinite) nonFinite.push(leaf.path);
      }
      if (!(value instanceof LazyTensor) || !momentKeys.has(key as string) || value.size === 0) continue;
      const found = scans.get(value);
      if (found === undefined) continue;
      // Some optimizers count no steps.
      if (step !== undefined && step < manySteps) continue;
      const ofKey = zeros.get(key as string) ?? { zero: [], all: [] };
      zeros.set(key as string, ofKey);
      ofKey.all.push(slot);
      if (found.allZero) ofKey.zero.push(slot);
    }
  }
  yield* zeroMoments(subject, zeros);
  if (nonFinite.length > 0) {
    yield {
      code: 'non-finite',
      severity: 'error',
      path: nonFinite[0] as string,
      found: `NaN or infinity in ${countText(nonFinite.length, 'place')}: ${few(nonFinite)}`,
      consequence:
        'load_state_dict takes it, and the next step makes the parameter NaN, or stops it for good',
      cure: 'go back to a checkpoint before it, or build the optimizer anew',
    };
  }
}

function* zeroMoments(
  { statePath }: Subject,
  zeros: Map<string, { zero: Slot[]; all: Slot[] }>,
): Generator<Finding> {
  for (const [key, { zero, all }] of zeros) {
    const isAll = zero.length === all.length;
    const countsSteps = zero.some(({ state }) => state?.has('step'));
    if (zero.length === 0 || (!isAll && !countsSteps)) continue;
    const after = countsSteps ? ` after ${manySteps} steps or more` : '';
    yield {
      code: 'zero-moments',
      severity: isAll ? 'error' : 'warning',
      path: isAll ? statePath : (zero[0] as Slot).path,
      found: `every element of ${key} is 0${after}, for ${isAll ? 'all' : zero.length} of ${countText(all.length, 'parameter')}: ${few(zero.map(slotText))}`,
      consequence:
        'load_state_dict takes it: what was averaged so far is lost, and the next steps have the wrong size',
      cure: isAll
        ? 'the state was made, but not copied, when the file was written: write it again from the optimizer that trained'
        : 'this is right where the gradient was always 0; otherwise it was lost when the file was written',
    };
  }
}

interface Moment {
  slot: Slot;
  key: string;
  tensor: LazyTensor;
}

function momentsWhere({ slots }: Subject, wanted: (moment: Moment) => boolean): Moment[] {
  return slots
    .flatMap((slot) => momentsOf(slot).map(([key, tensor]) => ({ slot, key, tensor })))
    .filter(wanted);
}

function* halves(subject: Subject): Generator<Finding> {
  const found = momentsWhere(subject, ({ tensor }) => itemSizes[tensor.dtype] <= 2);
  const [first] = found;
  if (first === undefined) return;
  const { dtype } = first.tensor;
  yield {
    code: 'half-state',
    severity: 'warning',
    path: `${first.slot.path}.${first.key}`,
    found: `${countText(found.length, 'tensor')} of state in ${dtype}: ${few(found.map(({ slot, key }) => `${key} of ${slotText(slot)}`))}`,
    consequence:
      dtype === 'float16'
        ? 'a squared gradient below 3e-8 is 0 in float16, and one above 65504 infinite: steps have the wrong size'
        : `an average in ${dtype} forgets every change that is small beside it; the cast to the parameter's dtype on loading brings none back`,
    cure: 'keep parameters, and so state, in float32, as autocast does',
  };
}

function* casts(subject: Subject): Generator<Finding> {
  const found = momentsWhere(subject, ({ slot, tensor }) => {
    return slot.parameter !== undefined && slot.parameter.tensor.dtype !== tensor.dtype;
  });
  const [first] = found;
  if (first === undefined) return;
  const texts = found.map(
    ({ slot, key, tensor }) =>
      `${key} of ${slotText(slot)} is ${tensor.dtype}, beside ${slot.parameter?.tensor.dtype}`,
  );
  yield {
    code: 'cast-state',
    severity: 'warning',
    path: `${first.slot.path}.${first.key}`,
    found: `${countText(found.length, 'tensor')} of another dtype than the parameter: ${few(texts, 2)}`,
    consequence:
      "load_state_dict casts it to the parameter's dtype without a word; what does not fit is lost",
    cure: 'load it into parameters of the dtype that they were trained in',
  };
}
