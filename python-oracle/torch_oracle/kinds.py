"""The kinds of trace: how each runs torch's code."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Any

import torch

from torch_oracle.errors import Unsupported
from torch_oracle.exact import ExactRoot
from torch_oracle.programs import OPTIMIZERS, Way, run
from torch_oracle.recorder import Trace
from torch_oracle.truth import Truth

_BOUNDED = ("float32", "float64")


def run_kind(kind: str, program: dict[str, Any], frames: list[bytes], profile: dict[str, Any]) -> Trace:
    """The trace of a checked program of the kind exact, foreach, torch or truth.

    Args:
        profile: what `Truth` takes besides the dtype.

    Raises:
        OracleError: as `run` does; UNSUPPORTED for the truth of a dtype that has no error bound.
    """
    match kind:
        case "exact":
            with _loop_always(program["optimizer"]):
                return run(program, frames, Way(ExactRoot()))
        case "foreach":
            with _foreach_by_default(program["optimizer"]):
                return run(program, frames, Way(ExactRoot()))
        case "torch":
            return run(program, frames, Way())
        case "truth":
            if program["dtype"] not in _BOUNDED:
                raise Unsupported(f"there is no error bound for {program['dtype']}, and so no truth")
            truth = Truth(getattr(torch, program["dtype"]), **profile)
            return run(program, frames, Way(truth, double=True, bound=truth.bound))
    raise AssertionError(f"unchecked kind {kind!r}")


@contextmanager
def _loop_always(optimizer: str) -> Iterator[None]:
    """Makes torch's for-loop do what its foreach would; the option itself stays what it is.

    On a CPU they differ in halves, where `_foreach_mul_` rounds its scalar first, and in complex64, where the
    loop multiplies complex numbers by lr and weight decay, and Adadelta's foreach their parts.
    """
    with ExitStack() as stack:
        for module in _modules(optimizer):
            for name in [name for name in vars(module) if name.startswith("_multi_tensor_")]:
                loop = getattr(module, name.replace("_multi_", "_single_"))
                _put(stack, module, name, loop)
        yield


@contextmanager
def _foreach_by_default(optimizer: str) -> Iterator[None]:
    """Makes `foreach=None` mean True, as it does on a GPU; the option itself stays None."""

    def choose(_params: Any, differentiable: bool, use_fused: bool = False) -> tuple[bool, bool]:
        return False, not differentiable

    name = "_default_to_fused_or_foreach"
    with ExitStack() as stack:
        for module in _modules(optimizer):
            if hasattr(module, name):  # there are optimizers without foreach
                _put(stack, module, name, choose)
        yield


def _put(stack: ExitStack, module: ModuleType, name: str, value: Any) -> None:
    """Sets a name of a module until the stack is left."""
    stack.callback(setattr, module, name, getattr(module, name))
    setattr(module, name, value)


def _modules(optimizer: str) -> list[ModuleType]:
    """The modules that an optimizer's code is in: AdamW's is Adam's."""
    names = dict.fromkeys(kind.__module__ for kind in OPTIMIZERS[optimizer].__mro__)
    return [sys.modules[name] for name in names if name.startswith("torch.optim.")]
