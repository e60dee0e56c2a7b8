/**
 * The closed set of operations that an update may use. Each is one ATen call, and rounds as that call does
 * on a CPU without FMA. An engine is an implementation of it; another one may record the calls instead of running them.
 *
 * @typeParam T - a tensor. Every operand has the shape of the first, and so has the result.
 * @typeParam S - a scalar: a double until it meets a tensor, then rounded to the tensor's dtype
 */
export interface Operations<T, S> {
  /** `-x` */
  neg(x: T): T;
  /** `x * y` */
  mul(x: T, y: T): T;
  /** `x * s`: torch's `mul` with a Python number. */
  mulScalar(x: T, s: S): T;
  /** `x + alpha * y`, each product and sum rounded: torch's `add(y, alpha=alpha)`. */
  add(x: T, y: T, alpha: S): T;
  /** `x + s`: torch's `add` with a Python number. */
  addScalar(x: T, s: S): T;
  /** `x / y` */
  div(x: T, y: T): T;
  /** The square root, correctly rounded. */
  sqrt(x: T): T;
  /** `x + (value * y) * z`, each product and sum rounded. */
  addcmul(x: T, y: T, z: T, value: S): T;
  /** A tensor of its own with the same elements. */
  clone(x: T): T;
}
