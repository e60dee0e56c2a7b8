import { adadelta } from './definitions.ts';
import { numeric, type Fault } from './fault.ts';
import { withOperations, withScalars, withUpdate, type Tensor } from './patch.ts';

/**
 * Faults of Adadelta's update. They rely on its order: the first addcmul makes square_avg, the second acc_delta; the
 * first addScalar and sqrt are those of the denominator.
 */
export const adadeltaFaults: readonly Fault[] = [
  numeric('eps-outside-root', 'eps stood outside the roots', {
    Adadelta: withOperations(adadelta, (o, _, { eps }) => ({
      addScalar: (x) => x,
      sqrt: (x) => o.addScalar(o.sqrt(x), eps),
    })),
  }),
  numeric('eps-twice', 'eps were added twice', {
    Adadelta: withOperations(adadelta, (o) => ({
      addScalar: (x, eps) => o.addScalar(o.addScalar(x, eps), eps),
    })),
  }),
  numeric('eps-in-denominator-alone', 'eps were added in the denominator alone', {
    Adadelta: withOperations(adadelta, (o) => {
      let sums = 0;
      return { addScalar: (x, eps) => (++sums === 1 ? o.addScalar(x, eps) : x) };
    }),
  }),
  numeric('complement-of-rho-in-float32', '1 - rho were computed in float32', {
    Adadelta: withScalars(adadelta, (_, { rho }) => ({ oneMinusRho: Math.fround(1 - Math.fround(rho)) })),
  }),
  numeric('complement-of-rho-off', '1 - rho were off by 1e-4 of itself', {
    Adadelta: withScalars(adadelta, ({ oneMinusRho }) => ({ oneMinusRho: oneMinusRho * (1 + 1e-4) })),
  }),
  numeric('rho-swapped', 'rho and 1 - rho were swapped', {
    Adadelta: withScalars(adadelta, ({ rho, oneMinusRho }) => ({ rho: oneMinusRho, oneMinusRho: rho })),
  }),
  numeric('old-square-avg', 'the step were divided by the old square_avg (as tf.train.adadelta does)', {
    Adadelta: withOperations(adadelta, (o, { square_avg }) => {
      let fresh: Tensor | undefined;
      return {
        addcmul(x, y, z, value) {
          const average = o.addcmul(x, y, z, value);
          fresh ??= average;
          return average;
        },
        addScalar: (x, eps) => o.addScalar(x === fresh ? square_avg : x, eps),
      };
    }),
  }),
  numeric('new-acc-delta', 'acc_delta were updated before the step uses it', {
    Adadelta: withUpdate(adadelta, (o, tensors, scalars, flags) => {
      const once = adadelta.update(o, tensors, scalars, flags);
      const again = adadelta.update(o, { ...tensors, acc_delta: once.acc_delta }, scalars, flags);
      return { ...once, param: again.param };
    }),
  }),
  numeric('acc-delta-with-lr', 'acc_delta averaged the steps with lr in them', {
    Adadelta: withOperations(adadelta, (o, _, { minusLr }) => {
      let averages = 0;
      return {
        addcmul(x, y, z, value) {
          if (++averages === 1) return o.addcmul(x, y, z, value);
          const step = o.mulScalar(y, minusLr);
          return o.addcmul(x, step, step, value);
        },
      };
    }),
  }),
  numeric('acc-delta-without-square', 'acc_delta averaged the steps and not their squares', {
    Adadelta: withOperations(adadelta, (o) => {
      let averages = 0;
      return {
        addcmul: (x, y, z, value) => (++averages === 1 ? o.addcmul(x, y, z, value) : o.add(x, y, value)),
      };
    }),
  }),
  numeric('no-acc-delta', 'acc_delta were left out of the step (as in RMSprop)', {
    Adadelta: withOperations(adadelta, (o, { grad }) => ({
      div: (_, std) => std,
      mul: (std) => o.div(grad, std),
    })),
  }),
  numeric('square-avg-without-decay', 'square_avg averaged the gradient without its weight decay', {
    Adadelta: withOperations(adadelta, (o, { grad }) => {
      let averages = 0;
      return {
        addcmul: (x, y, z, value) =>
          ++averages === 1 ? o.addcmul(x, grad, grad, value) : o.addcmul(x, y, z, value),
      };
    }),
  }),
];
