import type { Operations } from 'torch-parity';
import { adadelta, sgd } from './definitions.ts';
import type { Profile } from '../subject.ts';
import type { OptimizerTable } from '../subjects/torch_parity.ts';
import { tableOf } from './fault.ts';
import { hostOperations, map, onHost, zip, type HostTensor } from './host.ts';
import { flushing, fma, to12Bits, type Round } from './rounding.ts';

/** A correct optimizer that rounds otherwise than torch: a bounded subject, which must never be flagged. */
export interface Variant {
  name: string;
  /** What it does. */
  claim: string;
  profile: Profile;
  table: OptimizerTable;
}

type Host = Operations<HostTensor, number>;

/** What most claim, and faults are judged by: IEEE arithmetic with a root like torch's, in any order. */
export const ieee: Profile = { root: 2, flush: false };
/** What a GPU claims that estimates roots and flushes subnormals. */
const coarse: Profile = { root: 4, flush: true };

export const variants: readonly Variant[] = [
  variant('lerp', 'v + (1 - rho) (g² - v) for rho v + (1 - rho) g²', (o, round) => ({
    addcmul(x, y, z, value) {
      // Where rho is not from 0 to 1, which a group may say, this form loses what the other one keeps.
      if (x.scaled === undefined || !(x.scaled.by >= 0 && x.scaled.by <= 1)) return o.addcmul(x, y, z, value);
      const { of: average } = x.scaled;
      const change = zip(o.mul(y, z), average, (square, v) => round(square - v));
      return zip(average, change, (v, c) => round(v + round(round(value) * c)));
    },
  })),
  variant('one-root', '√((u + eps) / (v + eps)) for √(u + eps) / √(v + eps)', (o) => ({
    div: (x, y) => (x.root && y.root ? o.sqrt(o.div(x.root.of, y.root.of)) : o.div(x, y)),
  })),
  variant('squares-first', '(1 - rho) (g g) for ((1 - rho) g) g', (o) => ({
    addcmul: (x, y, z, value) => o.add(x, o.mul(y, z), value),
  })),
  variant('lr-first', '(lr √(u + eps) / √(v + eps)) g for lr (√(u + eps) / √(v + eps) g)', (o) => ({
    add(x, y, alpha) {
      if (y.product === undefined) return o.add(x, y, alpha);
      return o.add(x, o.mul(o.mulScalar(y.product.of, alpha), y.product.by), 1);
    },
  })),
  variant('fma', 'a fused multiply-add where torch has one under AVX2', (o, round) => ({
    add: (x, y, alpha) => zip(x, y, (a, b) => fma(round(alpha), b, a)),
    addcmul(x, y, z, value) {
      const scaled = o.mulScalar(y, value).values;
      return { values: x.values.map((a, i) => fma(scaled[i]!, z.values[i]!, a)) };
    },
  })),
  variant(
    'fma-contracted',
    'a fused multiply-add for rho v + (1 - rho) g², as a compiler contracts it',
    (o, round) => ({
      addcmul(x, y, z, value) {
        if (x.scaled === undefined) return o.addcmul(x, y, z, value);
        const { of: average, by: rho } = x.scaled;
        return zip(average, o.mul(o.mulScalar(y, value), z), (v, square) => fma(round(rho), v, square));
      },
    }),
  ),
  variant('float64', 'float64 within a step, rounded to float32 at its end', () => hostOperations((x) => x)),
  variant(
    'reciprocal-root',
    'x times a reciprocal root, which is a 12-bit estimate after one iteration of Newton',
    (o, round) => ({
      sqrt: (x) => ({ ...map(x, (a) => rootOf(a, round)), root: { of: x } }),
      div: (x, y) =>
        y.root
          ? o.mul(
              x,
              map(y.root.of, (a) => reciprocalRoot(a, round)),
            )
          : o.div(x, y),
    }),
    coarse,
  ),
  variant(
    'flush',
    'subnormal results flushed to zero',
    (_, round) => hostOperations(flushing(round)),
    coarse,
  ),
];

function variant(
  name: string,
  claim: string,
  change: (o: Host, round: Round) => Partial<Host>,
  profile: Profile = ieee,
): Variant {
  const operations = (round: Round): Host => {
    const o = hostOperations(round);
    return { ...o, ...change(o, round) };
  };
  const table = tableOf({ Adadelta: onHost(adadelta, operations), SGD: onHost(sgd, operations) });
  return { name, claim, profile, table };
}

function rootOf(x: number, round: Round): number {
  return x === 0 || x === Infinity ? x : round(x * reciprocalRoot(x, round));
}

function reciprocalRoot(x: number, round: Round): number {
  const estimate = to12Bits(1 / Math.sqrt(x));
  if (x === 0 || x === Infinity) return estimate;
  const half = round(round(round(x * estimate) * estimate) * 0.5);
  return round(estimate * round(1.5 - half));
}
