import { LazyTensor, type ReadOptions } from '../checkpoint/index.ts';
import { itemOf } from '../inspect/elements.ts';
import { countText, rangeText } from '../inspect/quantity.ts';
import { TensorData } from '../tensor_data.ts';
import { few, type Finding } from './finding.ts';
import { slotText, type Slot, type Subject } from './subject.ts';

/** How far torch's `step` counts in a dtype: from there on, adding 1 changes nothing. */
const countsTo: Record<string, number> = { float16: 2 ** 11, bfloat16: 2 ** 8 };

/** The step counts: their dtypes, and how far apart they are. */
export async function* auditSteps(subject: Subject, options?: ReadOptions): AsyncGenerator<Finding> {
  const counted: { slot: Slot; step: number }[] = [];
  const small: { slot: Slot; step: number; dtype: string }[] = [];
  for (const slot of subject.slots) {
    const step = await stepOf(slot, options);
    if (step === undefined) continue;
    counted.push({ slot, step });
    const tensor = slot.state?.get('step');
    if (tensor instanceof LazyTensor && tensor.dtype in countsTo)
      small.push({ slot, step, dtype: tensor.dtype });
  }
  if (small.length > 0) {
    const [{ slot, dtype }] = small as [(typeof small)[0]];
    const stuck = small.some(({ step, dtype }) => step >= (countsTo[dtype] as number));
    yield {
      code: 'step-dtype',
      severity: 'error',
      path: `${slot.path}.step`,
      found: `${countText(small.length, 'step count')} in ${dtype}, for ${few(small.map(({ slot }) => slotText(slot)))}`,
      consequence: `load_state_dict keeps the dtype, in which counting stops at ${countsTo[dtype]}: bias correction stops there, too`,
      ...(stuck
        ? { cure: 'some stopped there already, and how many steps there were is not in the file' }
        : {
            remedy: 'they become float32, as torch has them',
            repair: () => {
              for (const { slot, step } of small)
                slot.state?.set('step', TensorData.from('float32', [step], []));
            },
          }),
    };
  }
  yield* uneven(subject, counted);
}

function* uneven({ statePath }: Subject, counted: { slot: Slot; step: number }[]): Generator<Finding> {
  const steps = counted.map(({ step }) => step);
  const most = steps.reduce((most, step) => Math.max(most, step), 0);
  const behind = counted.filter(({ step }) => step < most / 2 && most - step > 10);
  if (behind.length === 0) return;
  yield {
    code: 'uneven-steps',
    severity: 'warning',
    path: statePath,
    found: `step counts from ${rangeText(steps)}; far behind: ${few(behind.map(({ slot, step }) => `${slotText(slot)} at ${step}`))}`,
    consequence:
      'load_state_dict takes them; bias correction and learning rate decay treat these parameters as new ones',
    cure: 'this is right for parameters that were added or got gradients later; otherwise the state is of two runs',
  };
}

/** The steps that were counted for a parameter; undefined where its state has none. */
export async function stepOf({ state }: Slot, options?: ReadOptions): Promise<number | undefined> {
  const step: unknown = state?.get('step');
  if (step instanceof LazyTensor) return itemOf(step, options);
  if (step instanceof TensorData) return step.toFloat32Array()[0]; // as it was repaired
  return typeof step === 'number' ? step : undefined;
}
