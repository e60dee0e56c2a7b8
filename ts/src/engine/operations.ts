/**
 * The closed set of operations that an update may use. Each is one ATen call, and rounds as that call does
 * on a CPU without FMA. An engine is an implementation of it; another one may record the calls instead of running them.
 *
 * Halves are computed with as float32, and rounded once at the end where nothing else is said. Complex tensors have
 * `neg`, `mulScalar`, `add`, `clone` and `viewAsReal` alone.
 *
 * @typeParam T - a tensor. Every operand has the shape of the first, and so has the result.
 * @typeParam S - a scalar: a double until it meets a tensor, then rounded to the dtype that is computed with
 */
export interface Operations<T, S> {
  /** `-x` */
  neg(x: T): T;
  /** `|x|` */
  abs(x: T): T;
  /** -1, 0 or 1; 0 of NaN. */
  sign(x: T): T;
  /** `x * y` */
  mul(x: T, y: T): T;
  /** `x * s`: torch's `mul` with a Python number. */
  mulScalar(x: T, s: S): T;
  /** `x + alpha * y`, alpha and each product and sum rounded to the dtype: torch's `add(y, alpha=alpha)`. */
  add(x: T, y: T, alpha: S): T;
  /** `x + s`, `s` rounded to the dtype: torch's `add` with a Python number. */
  addScalar(x: T, s: S): T;
  /** `x / y` */
  div(x: T, y: T): T;
  /** `x / s`: torch's `div` with a Python number, a division also where the inverse would do. */
  divScalar(x: T, s: S): T;
  /** The square root, correctly rounded. */
  sqrt(x: T): T;
  /**
   * The larger; NaN if either is. Of 0 and -0 the first, where torch takes the one or the other by the element's place
   * in memory.
   */
  maximum(x: T, y: T): T;
  /** The smaller; NaN if either is. Of 0 and -0 the first, as in {@link maximum}. */
  minimum(x: T, y: T): T;
  /** `x + (value * y) * z`, each product and sum rounded in float32 and float64. */
  addcmul(x: T, y: T, z: T, value: S): T;
  /** `x + (value * y) / z`, each step rounded in float32 and float64. */
  addcdiv(x: T, y: T, z: T, value: S): T;
  /**
   * `x + weight * (end - x)` if `|weight| < 1/2`, else `end - (end - x) * (1 - weight)`. Where weight is 1 and end is -0,
   * torch's zero has the one or the other sign by the element's place in memory.
   */
  lerp(x: T, end: T, weight: S): T;
  /** A tensor of its own with the same elements. */
  clone(x: T): T;
  /** A complex tensor as real ones, `[..., 2]`; a real tensor as it is, so that an update need not ask. */
  viewAsReal(x: T): T;
  /** What {@link viewAsReal} was given: a complex tensor of pairs; a real tensor as it is. */
  viewAsComplex(x: T): T;
}
