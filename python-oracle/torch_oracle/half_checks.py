"""Proves on this machine how torch rounds in float16 and bfloat16.

Each operation computes in float32 and rounds its result once. Where a scalar or a product is rounded on the
way, the rule below says so with `r`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

from torch_oracle.bits import bits_agree, cuts

_SCALAR = 0.1  # is no number of either format
_S = np.float32(_SCALAR)

Rounding = Callable[[Any], Any]
Rule = tuple[Callable[..., torch.Tensor], Callable[..., Any]]

_RULES: dict[str, Rule] = {
    "neg": (torch.neg, lambda r, a: -a),
    "abs": (torch.abs, lambda r, a: np.abs(a)),
    "sign": (torch.sign, lambda r, a: np.where(np.isnan(a), np.float32(0), np.sign(a))),
    "mul": (torch.mul, lambda r, a, b: a * b),
    "div": (torch.div, lambda r, a, b: a / b),
    "add": (torch.add, lambda r, a, b: a + b),
    "sub": (torch.sub, lambda r, a, b: a - b),
    "maximum": (torch.maximum, lambda r, a, b: np.maximum(a, b)),
    "minimum": (torch.minimum, lambda r, a, b: np.minimum(a, b)),
    "mul.scalar": (lambda a: a.mul_(_SCALAR), lambda r, a: a * _S),
    "div.scalar": (lambda a: a / _SCALAR, lambda r, a: a / _S),
    "add.scalar": (lambda a: a + _SCALAR, lambda r, a: a + r(_S)),
    "add.alpha": (lambda a, b: a.add(b, alpha=-_SCALAR), lambda r, a, b: a + r(r(-_S) * b)),
    "lerp": (lambda a, b: a.lerp(b, _SCALAR), lambda r, a, b: a + _S * (b - a)),
    "addcmul": (lambda a, b, c: a.addcmul(b, c, value=_SCALAR), lambda r, a, b, c: a + (_S * b) * c),
    "addcdiv": (lambda a, b, c: a.addcdiv(b, c, value=-_SCALAR), lambda r, a, b, c: a + (-_S * b) / c),
}


class _Format(NamedTuple):
    dtype: torch.dtype
    decode: Rounding
    """float32 numbers of 16-bit patterns."""
    rounded: Rounding
    """float32 or float64 numbers, rounded to the format; as float32."""


def _to_bfloat16(x: Any) -> Any:
    bits = np.array(x, np.float32, ndmin=1).view(np.uint32)
    even = bits + (0x7FFF + ((bits >> 16) & 1))  # half of what is cut off, and the tie goes to even
    return np.where(np.isnan(x), np.float32(np.nan), (even & np.uint32(0xFFFF0000)).view(np.float32))


_FORMATS = {
    "float16": _Format(
        torch.float16,
        lambda bits: bits.view(np.float16).astype(np.float32),
        lambda x: np.asarray(x).astype(np.float16).astype(np.float32),
    ),
    "bfloat16": _Format(
        torch.bfloat16,
        lambda bits: (bits.astype(np.uint32) << 16).view(np.float32),
        _to_bfloat16,
    ),
}


def half_checks() -> dict[str, bool]:
    """Whether each primitive has the bits of its rule (NaN payloads aside), by `name.dtype`.

    The square root must be correctly rounded in each of the 65,536 values.
    """
    random = np.random.default_rng(1).integers(0, 1 << 16, (3, 1 << 14), dtype=np.uint16)
    every = np.arange(1 << 16, dtype=np.uint16)
    results: dict[str, bool] = {}
    for name, form in _FORMATS.items():
        for operation, rule in _RULES.items():
            results[f"{operation}.{name}"] = all(_holds(rule, form, given) for given in cuts(random))
        results[f"sqrt.{name}"] = all(
            _holds((root, lambda r, a: np.sqrt(a.astype(np.float64))), form, every[None])
            for root in (torch.sqrt, torch.sqrt_, lambda a: torch.ops.aten._foreach_sqrt([a])[0])
        )
    return results


def _holds(rule: Rule, form: _Format, patterns: np.ndarray) -> bool:
    ours, ieee = rule
    count = ieee.__code__.co_argcount - 1
    tensors = [torch.from_numpy(row.view(np.int16).copy()).view(form.dtype) for row in patterns[:count]]
    with np.errstate(all="ignore"):
        expected = form.rounded(ieee(form.rounded, *(form.decode(row) for row in patterns[:count])))
    try:
        return bits_agree(ours(*tensors).to(torch.float32).numpy(), expected)
    except RuntimeError:  # torch 2.1 has no addcdiv of float16
        return False
