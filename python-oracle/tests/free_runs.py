"""Free runs of torch.optim on one parameter of many elements: in float64 beside a bound, or as torch is."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from torch_oracle.truth import Truth

FIELDS = ("square_avg", "acc_delta", "momentum_buffer")


@dataclass
class Inputs:
    """What a run is given, in the dtype that subjects compute in: arrays of one shape."""

    param: np.ndarray
    grads: Sequence[np.ndarray]
    state: dict[str, np.ndarray]


@dataclass
class Value:
    """A parameter or a state tensor after a step, in float64, with its bound E."""

    value: np.ndarray
    bound: np.ndarray

    @property
    def decided(self) -> np.ndarray:
        return np.isfinite(self.bound)

    def excess(self, subject: np.ndarray) -> np.ndarray:
        """|subject - truth| / E where decided, 0 elsewhere."""
        with np.errstate(all="ignore"):
            distance = abs(subject - self.value).astype(np.float64)
            ratio = np.where(distance == 0, 0, distance / self.bound)
            ratio = np.where(np.isnan(ratio), np.inf, ratio)
        return np.where(self.decided, ratio, 0)


def run(optimizer: str, options: dict[str, Any], inputs: Inputs, truth: Truth | None) -> list[list[Value]]:
    """The parameter and its state after every step; without a truth, in the dtype of the inputs."""
    dtype = None if truth is None else torch.float64
    param = torch.nn.Parameter(_tensor(inputs.param, dtype))
    torch_optimizer = getattr(torch.optim, optimizer)([param], **options)
    steps = []
    with truth or nullcontext():
        if inputs.state:
            state = {name: _tensor(array, dtype) for name, array in inputs.state.items()}
            groups = torch_optimizer.state_dict()["param_groups"]
            torch_optimizer.load_state_dict(
                {"state": {0: {"step": torch.tensor(3.0), **state}}, "param_groups": groups}
            )
        for grad in inputs.grads:
            param.grad = _tensor(grad, dtype)
            torch_optimizer.step()
            state = torch_optimizer.state[param]
            tensors = [param, *(state[name] for name in FIELDS if state.get(name) is not None)]
            steps.append([_value(tensor, truth) for tensor in tensors])
    return steps


def _tensor(array: np.ndarray, dtype: torch.dtype | None) -> torch.Tensor:
    return torch.from_numpy(array.copy()).to(dtype)


def _value(tensor: torch.Tensor, truth: Truth | None) -> Value:
    value = tensor.detach().numpy().astype(np.float64)
    return Value(value, np.zeros_like(value) if truth is None else truth.bound(tensor).numpy())
