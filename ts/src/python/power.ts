/**
 * `base ** exponent`, the nearest double, for the bias corrections of a `prepare`. Python's is that as well, but for one
 * in some thousand; JavaScript's own is another for one in ten.
 *
 * @param exponent - a whole number, such as a count of steps
 */
export function power(base: number, exponent: number): number {
  const result = base ** exponent;
  // Where a product of parts could leave the range of doubles; Adam's 1 - power is 1 there.
  const isSafe = Math.abs(result) > 1e-200 && Math.abs(result) < 1e200 && base !== 0;
  if (!Number.isInteger(exponent) || exponent < 0 || !isSafe) return result;
  let product: Double = { high: 1, low: 0 };
  let square: Double = { high: base, low: 0 };
  for (let left = exponent; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) product = multiply(product, square);
    if (left > 1) square = multiply(square, square);
  }
  return product.high;
}

/** A number of twice the digits, `high + low`, where `high` is the nearest double (Dekker, 1971). */
interface Double {
  high: number;
  low: number;
}

function multiply(x: Double, y: Double): Double {
  const high = x.high * y.high;
  const [a, b] = [halves(x.high), halves(y.high)];
  const error = a.low * b.low - (high - a.high * b.high - a.low * b.high - a.high * b.low);
  const low = error + (x.high * y.low + x.low * y.high);
  const sum = high + low;
  return { high: sum, low: low - (sum - high) };
}

/** A double as the sum of two with half its digits each (Veltkamp). */
function halves(x: number): Double {
  const scaled = (2 ** 27 + 1) * x;
  const high = scaled - (scaled - x);
  return { high, low: x - high };
}
