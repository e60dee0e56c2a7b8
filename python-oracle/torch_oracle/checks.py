"""Proves on this machine that what the optimizers are made of is IEEE arithmetic, in torch's order.

Of float32 and float64 here; half_checks.py and complex_checks.py do it for the other dtypes.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from torch_oracle.bits import bits_agree, cuts, float_values
from torch_oracle.complex_checks import complex_checks
from torch_oracle.exact import ExactRoot
from torch_oracle.half_checks import half_checks

_SCALAR = 0.1  # is not a float32, so that its rounding shows
_UNARY: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "neg": (torch.neg, np.negative),
    "abs": (torch.abs, np.abs),
    "sign": (torch.sign, lambda a: np.where(np.isnan(a), a.dtype.type(0), np.sign(a))),
    "mul.scalar": (lambda a: a * _SCALAR, lambda a: a * a.dtype.type(_SCALAR)),
    "div.scalar": (lambda a: a / _SCALAR, lambda a: a / a.dtype.type(_SCALAR)),
    "add.scalar": (lambda a: a + _SCALAR, lambda a: a + a.dtype.type(_SCALAR)),
    "sub.scalar": (lambda a: a - _SCALAR, lambda a: a - a.dtype.type(_SCALAR)),
}
_BINARY: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "mul": (torch.mul, np.multiply),
    "div": (torch.div, np.divide),
    "add": (torch.add, np.add),
    "sub": (torch.sub, np.subtract),
    "maximum": (torch.maximum, np.maximum),
    "minimum": (torch.minimum, np.minimum),
    "add.alpha": (lambda a, b: a.add(b, alpha=-_SCALAR), lambda a, b: a + a.dtype.type(-_SCALAR) * b),
    "lerp": (lambda a, b: a.lerp(b, _SCALAR), lambda a, b: a + a.dtype.type(_SCALAR) * (b - a)),
}
_TERNARY: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "addcmul": (
        lambda a, b, c: a.addcmul(b, c, value=_SCALAR),
        lambda a, b, c: a + (a.dtype.type(_SCALAR) * b) * c,
    ),
    "addcdiv": (
        lambda a, b, c: a.addcdiv(b, c, value=-_SCALAR),
        lambda a, b, c: a + (a.dtype.type(-_SCALAR) * b) / c,
    ),
}


def self_check() -> dict[str, bool]:
    """Whether each primitive is what the exact trace rests on, by `name.dtype`."""
    return {**float_checks(), **half_checks(), **complex_checks()}


def float_checks() -> dict[str, bool]:
    """Whether each primitive equals IEEE arithmetic in every bit (NaN payloads aside), by `name.dtype`.

    The values come from the whole exponent range with subnormals, zeros, infinities and NaN; every pair of
    special values is among them.
    """
    results: dict[str, bool] = {}
    for dtype in (np.dtype(np.float32), np.dtype(np.float64)):
        arrays = float_values(dtype)
        for count, table in enumerate((_UNARY, _BINARY, _TERNARY), start=1):
            for name, (ours, ieee) in table.items():
                results[f"{name}.{dtype}"] = all(_same(ours, ieee, given[:count]) for given in cuts(arrays))
        results[f"sqrt.{dtype}"] = _root_is_exact(arrays[0])
    return results


def _same(ours: Callable[..., Any], ieee: Callable[..., Any], given: np.ndarray) -> bool:
    with np.errstate(all="ignore"):
        expected = ieee(*given)
    actual = ours(*(torch.from_numpy(array.copy()) for array in given)).numpy()
    return bits_agree(actual, expected)


def _root_is_exact(values: np.ndarray) -> bool:
    given = torch.from_numpy(values.copy())
    with ExactRoot():
        forms = [
            torch.sqrt(given),
            given.clone().sqrt_(),
            torch.ops.aten._foreach_sqrt([given])[0],
        ]
    root = forms[0].numpy()
    finite = np.isfinite(values) & (values > 0)
    zeros = values == 0
    return (
        all(bits_agree(form.numpy(), root) for form in forms)
        and all(_is_nearest_root(*pair) for pair in zip(values[finite], root[finite], strict=True))
        and bits_agree(root[zeros], values[zeros])
        and bool(np.all(np.isposinf(root[np.isposinf(values)])))
        and bool(np.all(np.isnan(root[(values < 0) | np.isnan(values)])))
    )


def _is_nearest_root(value: np.floating[Any], root: np.floating[Any]) -> bool:
    """Whether no other number of the type is nearer to the real root, decided in integers."""
    zero, infinity = (root.dtype.type(limit) for limit in (0, math.inf))
    below, middle, above = (
        _fraction(x) for x in (np.nextafter(root, zero), root, np.nextafter(root, infinity))
    )
    scale = max(below[1], middle[1], above[1])
    low, high = (
        middle[0] * (scale // middle[1]) + side[0] * (scale // side[1]) for side in (below, above)
    )  # twice the midpoints, times scale
    numerator, denominator = _fraction(value)
    target = 4 * scale * scale * numerator
    return low * low * denominator <= target <= high * high * denominator


def _fraction(value: np.floating[Any]) -> tuple[int, int]:
    """Numerator and denominator, a power of two."""
    return float(value).as_integer_ratio()
