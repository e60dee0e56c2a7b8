"""torch's own code with one thing changed: a correctly rounded square root.

With ATEN_CPU_CAPABILITY=default in the environment before torch computes anything, every other primitive
that an optimizer uses is IEEE arithmetic in torch's order (checks.py proves it at start). torch's square root
is not: a fifth of its float32 results are one ulp off. In float16 and bfloat16 it is; that is proven as well.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode


def _into(tensor: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    if tensor.layout != torch.strided or tensor.dtype not in (torch.float32, torch.float64):
        return out.copy_(torch.sqrt(tensor))
    with np.errstate(invalid="ignore"):
        # NumPy's root is the processor's, which IEEE 754 requires to be correctly rounded.
        np.sqrt(tensor.detach().numpy(), out=out.detach().numpy())
    return out


def _sqrt(tensor: torch.Tensor) -> torch.Tensor:
    return _into(tensor, torch.empty_like(tensor))


def _sqrt_inplace(tensor: torch.Tensor) -> torch.Tensor:
    return _into(tensor, tensor)


def _sqrt_out(tensor: torch.Tensor, *, out: torch.Tensor) -> torch.Tensor:
    return _into(tensor, out)


def _foreach_sqrt(tensors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    return [_sqrt(tensor) for tensor in tensors]


def _foreach_sqrt_inplace(tensors: Sequence[torch.Tensor]) -> None:
    for tensor in tensors:
        _into(tensor, tensor)


def _foreach_sqrt_out(tensors: Sequence[torch.Tensor], *, out: Sequence[torch.Tensor]) -> None:
    for tensor, target in zip(tensors, out, strict=True):
        _into(tensor, target)


_aten = torch.ops.aten
_ROOTS: dict[Any, Callable[..., Any]] = {
    _aten.sqrt.default: _sqrt,
    _aten.sqrt_.default: _sqrt_inplace,
    _aten.sqrt.out: _sqrt_out,
    _aten._foreach_sqrt.default: _foreach_sqrt,
    _aten._foreach_sqrt_.default: _foreach_sqrt_inplace,
    _aten._foreach_sqrt.out: _foreach_sqrt_out,
}


class ExactRoot(TorchDispatchMode):
    """While it is entered, every square root of a real floating tensor is correctly rounded."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        root = _ROOTS.get(func) or func
        return root(*args, **(kwargs or {}))
