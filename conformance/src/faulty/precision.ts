import { adadelta, sgd } from './definitions.ts';
import { numeric, type Fault } from './fault.ts';
import { hostOperations, map, mapElements, onHost } from './host.ts';
import { both, withUpdate, type Common, type Tensor } from './patch.ts';
import { flushing, to12Bits, toBfloat16, toFloat16, type Round } from './rounding.ts';

/** Faults of precision: what is stored or computed with too few bits. */
export const precisionFaults: readonly Fault[] = [
  numeric(
    'float16-state',
    'state were kept in float16',
    both((own) => withState(own, toFloat16)),
  ),
  numeric(
    'bfloat16-state',
    'state were cut off to bfloat16',
    both((own) => withState(own, toBfloat16)),
  ),
  numeric('subnormals-flushed', 'subnormal results were flushed to zero', {
    Adadelta: onHost(adadelta, (round) => hostOperations(flushing(round))),
    SGD: onHost(sgd, (round) => hostOperations(flushing(round))),
  }),
  numeric(
    'nan-to-zero',
    'a NaN in a gradient were taken for zero',
    both((own) => withGradient(own, (x) => (Number.isNaN(x) ? 0 : x))),
  ),
  {
    ...numeric(
      'negative-zero-lost',
      'a result of -0 were 0 (as in JSON)',
      both((own) => withResults(own, (x) => x + 0)),
    ),
    bitsAlone: '-0 is no error where 0 is the truth',
  },
  numeric('coarse-root', 'a square root were x times a reciprocal root of 12 bits, as SSE has it', {
    Adadelta: onHost(adadelta, (round) => ({
      ...hostOperations(round),
      sqrt: (x) => map(x, (a) => (a === 0 ? 0 : round(a * to12Bits(1 / Math.sqrt(a))))),
    })),
  }),
  numeric('coarse-quotient', 'a quotient were x times a reciprocal of 12 bits, as SSE has it', {
    Adadelta: onHost(adadelta, (round) => {
      const o = hostOperations(round);
      return {
        ...o,
        div: (x, y) =>
          o.mul(
            x,
            map(y, (a) => to12Bits(1 / a)),
          ),
      };
    }),
  }),
];

/** Every number that an update gives passes through this. */
function withResults(definition: Common, change: (x: number, key: string) => number): Common {
  return withUpdate(definition, (o, tensors, scalars, flags) => {
    const results = Object.entries(definition.update(o, tensors, scalars, flags));
    const changed = results.map(([key, tensor]) => [key, mapElements(tensor, (x) => change(x, key))]);
    return Object.fromEntries(changed) as { param: Tensor };
  });
}

function withState(definition: Common, change: Round): Common {
  return withResults(definition, (x, key) => (key === 'param' ? x : change(x)));
}

function withGradient(definition: Common, change: Round): Common {
  return withUpdate(definition, (o, tensors, scalars, flags) =>
    definition.update(o, { ...tensors, grad: mapElements(tensors.grad, change) }, scalars, flags),
  );
}
