"""Proves on this machine that torch multiplies complex64 numbers by their four parts, also by a real scalar.

An infinite part times the scalar's zero makes NaN, which arithmetic on the parts alone would not. A plain sum
has the scalar 1, too.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from torch_oracle.bits import bits_agree, cuts, float_values

_SCALARS = (0.1, -1.0, 0.0, float("inf"))

Parts = tuple[Any, Any]


def _product(x: Parts, scalar: float) -> Parts:
    s, zero = np.float32(scalar), np.float32(0)
    return x[0] * s - x[1] * zero, x[0] * zero + x[1] * s


def _sum(x: Parts, y: Parts) -> Parts:
    return x[0] + y[0], x[1] + y[1]


_RULES: dict[str, tuple[Callable[..., torch.Tensor], Callable[..., Parts]]] = {
    "neg": (lambda a, b, s: -a, lambda a, b, s: (-a[0], -a[1])),
    "add": (lambda a, b, s: a + b, lambda a, b, s: _sum(a, _product(b, 1.0))),
    "mul.scalar": (lambda a, b, s: a.mul_(s), lambda a, b, s: _product(a, s)),
    "add.alpha": (lambda a, b, s: a.add(b, alpha=s), lambda a, b, s: _sum(a, _product(b, s))),
}


def complex_checks() -> dict[str, bool]:
    """Whether each primitive has the bits of its rule (NaN payloads aside), by `name.complex64`."""
    first, second, third = float_values(np.dtype(np.float32))
    given = np.stack([first, second, third, np.roll(first, 1)])
    return {
        f"{name}.complex64": all(
            _holds(ours, rule, parts, scalar) for parts in cuts(given) for scalar in _SCALARS
        )
        for name, (ours, rule) in _RULES.items()
    }


def _holds(
    ours: Callable[..., torch.Tensor], rule: Callable[..., Parts], parts: np.ndarray, scalar: float
) -> bool:
    a, b = parts[:2], parts[2:]
    with np.errstate(all="ignore"):
        expected = np.stack(rule(a, b, scalar))
    actual = torch.view_as_real(ours(_tensor(a), _tensor(b), scalar))
    return bits_agree(actual.numpy().T, expected)


def _tensor(parts: np.ndarray) -> torch.Tensor:
    return torch.complex(*(torch.from_numpy(part.copy()) for part in parts))
