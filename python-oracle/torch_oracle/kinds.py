"""The kinds of trace: how each runs torch's code."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from torch_oracle.exact import ExactRoot
from torch_oracle.programs import OPTIMIZERS, Way, run
from torch_oracle.recorder import Trace
from torch_oracle.truth import Truth


def run_kind(kind: str, program: dict[str, Any], frames: list[bytes], profile: dict[str, Any]) -> Trace:
    """The trace of a checked program of the kind exact, foreach, torch or truth.

    Args:
        profile: what `Truth` takes besides the dtype.
    """
    match kind:
        case "exact":
            return run(program, frames, Way(ExactRoot()))
        case "foreach":
            with _foreach_by_default(program["optimizer"]):
                return run(program, frames, Way(ExactRoot()))
        case "torch":
            return run(program, frames, Way())
        case "truth":
            truth = Truth(getattr(torch, program["dtype"]), **profile)
            return run(program, frames, Way(truth, double=True, bound=truth.bound))
    raise AssertionError(f"unchecked kind {kind!r}")


@contextmanager
def _foreach_by_default(optimizer: str) -> Iterator[None]:
    """Makes `foreach=None` mean True, as it does on a GPU; the option itself stays None."""
    module = sys.modules[OPTIMIZERS[optimizer].__module__]
    name = "_default_to_fused_or_foreach"
    usual = getattr(module, name, None)
    if usual is None:  # an optimizer without foreach
        yield
        return

    def choose(_params: Any, differentiable: bool, use_fused: bool = False) -> tuple[bool, bool]:
        return False, not differentiable

    setattr(module, name, choose)
    try:
        yield
    finally:
        setattr(module, name, usual)
