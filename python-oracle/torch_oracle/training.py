"""A training that can be saved, resumed and stepped once more, always in the same way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch


@dataclass
class Plain:
    """A value that is only saved."""

    value: Any


class Training:
    """Parameters, an optimizer, and what else is saved with them.

    Args:
        parts: what has a state dict besides the optimizer and the scheduler; a model's holds the parameters.
        scheduler: makes the scheduler.
        notes: saved as they are.
    """

    def __init__(
        self,
        params: Sequence[torch.Tensor],
        optimizer: torch.optim.Optimizer,
        parts: dict[str, Any] | None = None,
        scheduler: Callable[[Any], Any] | None = None,
        notes: dict[str, Any] | None = None,
    ) -> None:
        self._params = params
        self._optimizer: Any = optimizer
        self._scheduler = scheduler and scheduler(optimizer)
        self._parts = {
            **(parts or {}),
            "optimizer": optimizer,
            **({"scheduler": self._scheduler} if scheduler else {}),
        }
        self._notes = notes or {}
        self._steps = 0

    @classmethod
    def of(
        cls,
        kind: type[torch.optim.Optimizer],
        options: dict[str, Any],
        groups: int = 1,
        dtype: str = "float32",
        named: bool = False,
        steps: int = 2,
        scheduler: Callable[[Any], Any] | None = None,
    ) -> "Training":
        """A few small parameters under an optimizer of this class."""
        # Muon takes matrices alone, and a sparse gradient of SparseAdam has a dimension at least.
        matrices = kind.__name__ in ("Muon", "SparseAdam")
        shapes = [(2, 3), (3, 2), (4, 4)] if matrices else [(2, 3), (), (5,)]
        params = [torch.nn.Parameter(filled(shape, getattr(torch, dtype))) for shape in shapes]
        items: list[Any] = [(f"layer.{k}", param) for k, param in enumerate(params)] if named else params
        if groups > 1:
            items = [
                {"params": items[k::groups], **({"lr": 0.1 / (k + 1)} if k else {})} for k in range(groups)
            ]
        required = {"lr": 0.1} if kind.__name__ == "SGD" else {}  # before torch 2.2
        return cls(params, kind(items, **{**required, **options}), scheduler=scheduler).stepped(steps)

    def value(self) -> dict[str, Any]:
        """What is saved."""
        params = {} if "model" in self._parts else {"params": [param.detach() for param in self._params]}
        states = {name: part.state_dict() for name, part in self._parts.items()}
        return {**params, **states, "steps": self._steps, **self._notes}

    def resume(self, value: dict[str, Any]) -> None:
        """Puts back what was saved."""
        with torch.no_grad():
            for param, saved in zip(self._params, value.get("params", []), strict="params" in value):
                param.copy_(saved)
        for name, part in self._parts.items():
            part.load_state_dict(value[name])
        self._notes = {name: value[name] for name in self._notes}
        self._steps = value["steps"]

    def stepped(self, times: int) -> "Training":
        """This training after so many further steps."""
        for _ in range(times):
            self._steps += 1
            self._set_grads()
            self._optimizer.step(self._closure)
            if isinstance(self._scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
                self._scheduler.step(1.0 + self._steps % 2)
            elif self._scheduler is not None:
                self._scheduler.step()
        return self

    def _set_grads(self) -> None:
        for number, param in enumerate(self._params):
            grad = filled(tuple(param.shape), param.dtype, start=7 * self._steps + number)
            if type(self._optimizer).__name__ == "SparseAdam":
                grad = grad.to_sparse()
            param.grad = grad

    def _closure(self) -> torch.Tensor:
        return torch.stack([param.detach().abs().double().sum() for param in self._params]).sum()


def filled(shape: tuple[int, ...], dtype: torch.dtype, start: int = 0) -> torch.Tensor:
    """A tensor of values between -1 and 1 that depend on the shape and the start alone."""
    count = torch.Size(shape).numel()
    return (torch.arange(start, start + count, dtype=torch.float64).sin() * 0.75).reshape(shape).to(dtype)
