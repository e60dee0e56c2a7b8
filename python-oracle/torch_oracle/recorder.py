"""What of a run goes into its trace: results, and snapshots of parameters and state."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from torch_oracle import values
from torch_oracle.packing import pack
from torch_oracle.tensors import Outputs

Bound = Callable[[torch.Tensor], torch.Tensor]


@dataclass
class Trace:
    """A trace's header, and the bytes of its tensors."""

    header: dict[str, Any]
    frames: list[bytes]


class Recorder:
    """Copies what it is shown.

    Args:
        params: the program's parameters; in a trace they are known by their numbers.
        double: files floating tensors as float64.
        bound: the float64 error bound of a tensor, where snapshots have bounds.
    """

    def __init__(self, params: Sequence[torch.Tensor], double: bool, bound: Bound | None) -> None:
        self._params = params
        self._numbers = {id(param): number for number, param in enumerate(params)}
        self._outputs = Outputs(double)
        self._bound = bound

        self._records: list[dict[str, Any]] = []

    def trace(self) -> Trace:
        """Everything that was recorded."""
        return Trace({"tensors": self._outputs.entries, "records": self._records}, self._outputs.frames)

    def add(self, record: dict[str, Any]) -> None:
        """Adds what one command did."""
        self._outputs.count(len(pack(record)))
        self._records.append(record)

    def encoded(self, value: Any) -> Any:
        """The node of a value."""
        return values.encode(value, self._outputs.add)

    def snapshot(self, state: dict[Any, Any]) -> dict[str, Any]:
        """The fields of a record that show every parameter and an optimizer's state now."""
        record = {"snapshot": self._fields(state, self._outputs.add)}
        if (bound := self._bound) is not None:
            bounded = {key: _floating(entry) for key, entry in state.items()}
            record["bounds"] = self._fields(bounded, lambda tensor: self._outputs.add(bound(tensor)))
        return record

    def _fields(self, state: dict[Any, Any], filed: Callable[[torch.Tensor], int]) -> dict[str, Any]:
        return {
            "params": [filed(param) for param in self._params],
            "state": [[self._key(key), values.encode(entry, filed)] for key, entry in state.items()],
        }

    def _key(self, key: Any) -> Any:
        number = self._numbers.get(id(key))
        return {"key": self.encoded(key)} if number is None else number


def _floating(entry: Any) -> Any:
    """What of a state entry has an error bound: its floating tensors. What has none is None in a list."""
    if isinstance(entry, dict):
        bounded = {key: _floating(value) for key, value in entry.items()}
        return {key: value for key, value in bounded.items() if value is not None}
    if isinstance(entry, list | tuple):
        return [_floating(item) for item in entry]
    return entry if isinstance(entry, torch.Tensor) and entry.is_floating_point() else None
