"""How far a correct evaluation can be from the truth: one error rule for each elementwise operation.

An operand is a pair (value, error): float64 arrays (or floats) that broadcast. Whatever a correct subject
can hold lies within `error` of `value`. A rule takes operands and plain numbers and returns the error of
the result. Errors are bounds, not estimates (N. J. Higham, Accuracy and Stability of Numerical Algorithms,
2nd ed., chapters 2 and 3, with the product terms kept); inf or NaN means undecided.

What a rule allows to a subject that computes in a `dtype` of unit roundoff u:

- 2u for each rounding of torch's own evaluation, twice what that takes: any association of products and
  quotients, with or without FMA, or with more precision inside, rounds no more. The truth's own 2^-53 is
  added. `Truth` publishes half of the result as E, so 2E is a rigorous bound also where errors are large or
  meet in products. For float64 the truth rounds as much as its subjects do: E is then 3/2 of their
  roundings, so that 2E covers both.
- The same for a scalar that the dtype does not hold (the scalars of the truth are Python's doubles).
- `root` times that for a square root. 1 is IEEE, 2 is torch's own on a CPU.
- The smallest subnormal for a product or quotient that underflows. Where subjects flush subnormals to zero
  (`flush`): the smallest normal number, for any result.

The region. Factors, divisors, quotients and roots may be reassociated beyond one operation, as lr *
(sqrt(a) / sqrt(b) * g) = lr * (sqrt(a / b) * g) = (lr * g * sqrt(a)) / sqrt(b). None of these forms may
overflow, nor divide by what has underflowed. It suffices that factors, roots and quotients are at most
`reach` = 2^41 (float64: 2^340) and divisors at least 1 / reach: any three of them, and a / b, make less
than 2^124 (2^1020). Outside, the element is undecided. What is small needs no limit but an absolute error:
what underflows, by eta, is multiplied by at most reach afterwards, and a / b < 2^-124 has a root that is
off by sqrt(eta). Sums may be as large as 2^124, and the factors within one addcmul as 2^62: a square_avg of
2^100 is in order.
"""

import math

import numpy as np

Array = np.ndarray | float
Operand = tuple[Array, Array]


class Bounds:
    def __init__(self, dtype: np.dtype | type, root: float, flush: bool) -> None:
        """The rules for a subject that computes in `dtype` (float32 or float64)."""
        info = np.finfo(dtype)
        own = 2.0**-53  # the truth's rounding
        widened = 1 + 2.0**-20  # for (1 + u)^2 and for the rounding of the rules themselves
        self._dtype = np.dtype(dtype).type
        self._round = (float(info.eps) + own) * widened
        self._root = (root * float(info.eps) + 2 * own) * widened
        self._tiny = float(info.smallest_normal)
        self._flush = flush
        underflow = self._tiny if flush else float(info.smallest_subnormal)
        self._eta = 2 * underflow + 4 * 2.0**-1074  # and what underflows in the truth and in the rules
        exponent = -math.frexp(self._tiny)[1] - 1  # 124 or 1020
        self._huge = 2.0**exponent
        self._large = 2.0 ** (exponent // 2)
        self._reach = 2.0 ** (exponent // 3)
        self._scalars: dict[float, float] = {}

    def input(self, x: Array) -> Array:
        """The error of what the program gives: none, but that subnormals may be flushed."""
        if not self._flush:
            return 0.0
        error = np.where(abs(x) < self._tiny, 2 * abs(x), 0.0)
        return error if error.any() else 0.0

    def scalar(self, s: float) -> float:
        """The error of a Python scalar that meets a tensor."""
        error = self._scalars.get(s)
        if error is None:
            with np.errstate(over="ignore"):
                held = float(self._dtype(s)) == s
            if 0 < abs(s) < self._tiny:
                error = 2 * abs(s) if self._flush else 0.0 if held else self._eta
            else:
                error = 0.0 if held else self._round * abs(s)
            self._scalars[s] = error
        return error

    def keep(self, a: Operand) -> Array:
        """neg, abs: nothing is rounded, and differences do not grow."""
        return a[1]

    def add(self, a: Operand, b: Operand | float, alpha: float = 1) -> Array:
        """a + alpha * b, with two roundings or one; exact where nothing can be lost."""
        (x, ex), (y, ey) = a, self._operand(b)
        if alpha == 1:
            if isinstance(ex, float) and isinstance(ey, float) and self._holds_sum(x, y):
                return 0.0
            return self._sum(x + y, ex + ey)
        return self._sum(x + alpha * y, ex + self._scaled(abs(y), ey, alpha, self._eta * self._reach))

    def sub(self, a: Operand, b: Operand | float, alpha: float = 1) -> Array:
        return self.add(a, b, -alpha)

    def mul(self, a: Operand, b: Operand | float) -> Array:
        x, ex = a
        if not isinstance(b, tuple):
            # The s * x + (1 - s) * y of an average may be computed as x + (1 - s) * (y - x). That rounds up
            # to 3 (1 - s) u |x|, where 2E has 4 s u |x| (2 and 2 if s is exact): short by 3 (1 - 2 s) u |x|.
            lerp = max(0.0, 1 - 2 * b) * 1.5 * self._round if -1 < b < 1 else 0.0
            return self._scaled(abs(x), ex, b, self._eta, lerp)
        y, ey = b
        x, y = abs(x), abs(y)
        x_upper, y_upper = x + ex, y + ey
        # Neither is an exact zero. (Their product may be one, in float64.)
        vanishing = (np.minimum(x - ex, y - ey) < 1 / self._reach) & (np.minimum(x_upper, y_upper) > 0)
        error = x * ey + ex * y_upper + self._round * x_upper * y_upper
        error = error + (self._eta * self._reach) * vanishing
        return _within(np.maximum(x_upper, y_upper) <= self._reach, error)

    def div(self, a: Operand, b: Operand | float) -> Array:
        (x, ex), (y, ey) = a, self._operand(b)
        x, y = abs(x), abs(y)
        x_upper, divisor, quotient = x + ex, y - ey, x / y
        error = (ex + quotient * ey) / divisor
        upper = quotient + error
        vanishing = (quotient - error < 1 / self._large) & (x_upper > 0)
        error = error + self._round * upper + math.sqrt(self._eta) * vanishing
        largest = np.maximum(np.maximum(x_upper, y + ey), upper)
        return _within((largest <= self._reach) & (divisor >= 1 / self._reach), error)

    def sqrt(self, a: Operand) -> Array:
        x, ex = a
        root, upper = np.sqrt(x), x + ex
        # The interval's lower end is the farther one. For an exact zero it is a NaN, which fmin drops.
        error = np.fmin(ex / (root + np.sqrt(x - ex)), np.sqrt(upper))
        error = error + self._root * (root + error)
        return _within((x >= ex) & (upper <= self._huge), error)

    def addcmul(self, a: Operand, b: Operand, c: Operand, value: float = 1) -> Array:
        """a + value * b * c, the three factors in any association."""
        (x, ex), (y, ey), (z, ez) = a, b, c
        result = x + value * y * z
        y, z = abs(y), abs(z)
        y_upper, z_upper = y + ey, z + ez
        size = abs(value)
        relative = self._factor(value) + (1 if size == 1 else 2) * self._round * size
        underflow = self._eta * (1 + size + y_upper + z_upper) * (np.minimum(y_upper, z_upper) > 0)
        product = size * (y * ez + ey * z_upper) + relative * (y_upper * z_upper) + underflow
        return _within(np.maximum(y_upper, z_upper) <= self._large, self._sum(result, ex + product))

    def addcdiv(self, a: Operand, b: Operand, c: Operand, value: float = 1) -> Array:
        """a + value * b / c."""
        (x, ex), quotient = a, b[0] / c[0]
        return self._sum(
            x + value * quotient,
            ex + self._scaled(abs(quotient), self.div(b, c), value, self._eta * self._reach),
        )

    def lerp(self, a: Operand, b: Operand, weight: float) -> Array:
        """a + weight * (b - a), or (1 - weight) * a + weight * b."""
        (x, ex), (y, ey) = a, b
        result = x + weight * (y - x)
        size = abs(weight)
        spread = abs(x) + ex + abs(y) + ey
        rounded = (self.scalar(weight) + 2 * self._round * size) * spread
        error = abs(1 - weight) * ex + size * ey + rounded + self._eta
        error = error + 1.5 * self._round * (abs(result) + error)
        return _within(spread < self._huge, error)

    def extremum(self, a: Operand, b: Operand) -> Array:
        """maximum, minimum: whichever is taken, the result is within the larger error."""
        (x, ex), (y, ey) = a, self._operand(b)
        error = np.maximum(ex, ey)
        return _within(abs(x) + abs(y) < math.inf, error)

    def compare(self, a: Operand, b: Operand | float) -> Array:
        """A decision: undecided where the errors could turn it."""
        (x, ex), (y, ey) = a, self._operand(b)
        error = ex + ey
        return np.where((abs(x - y) > error) | (error == 0), 0.0, np.inf)

    def sign(self, a: Operand) -> Array:
        return self.compare(a, 0.0)

    def where(self, condition: Operand, a: Operand | float, b: Operand | float) -> Array:
        chosen, undecided = condition
        return np.where(chosen != 0, self._operand(a)[1], self._operand(b)[1]) + undecided

    def _operand(self, b: Operand | float) -> Operand:
        return b if isinstance(b, tuple) else (b, self.scalar(b))

    def _holds_sum(self, x: Array, y: Array) -> bool:
        """Whether the dtype holds the sum of two exact numbers, as it does for a counter of steps."""
        if np.size(x) != 1 or np.size(y) != 1:
            return False
        terms = np.asarray(x).item(), np.asarray(y).item()
        result = sum(terms)
        return math.isfinite(result) and math.fsum((*terms, -result)) == 0 and self.scalar(result) == 0

    def _sum(self, result: Array, error: Array) -> Array:
        """The error of a sum whose terms have this error together."""
        upper = abs(result) + error
        rounded = error + self._round * upper
        if self._flush:
            rounded = rounded + np.minimum(self._eta, upper)
        return _within(upper < self._huge, rounded)

    def _scaled(self, x: Array, ex: Array, s: float, eta: float, slack: float = 0.0) -> Array:
        """The error of s * x, where x >= 0, underflow costs eta, and slack * x is added to the rounding."""
        size = abs(s)
        if size == 1:
            return ex
        upper = x + ex
        underflow = (1 + size) * np.minimum(eta, upper)  # an exact zero stays one
        error = size * ex + (self._factor(s) + self._round * size + slack) * upper + underflow
        return _within(size * upper < self._huge, error) if size > 1 else error

    def _factor(self, s: float) -> float:
        """The error of a scalar as a factor: what it meets may vanish, or grow beyond the region."""
        size = abs(s)
        if not size <= self._reach:
            return math.inf
        return size if size < 1 / self._reach else self.scalar(s)


def _within(region: Array, error: Array) -> Array:
    """The error, undecided (inf, or 0 / 0) where the region is False. np.where takes three times as long."""
    return error / region
