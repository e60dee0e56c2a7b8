"""Tensors on their way in (bytes of a program) and out (bytes of a trace)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from torch_oracle.errors import OracleError, Unsupported
from torch_oracle.limits import MAX_TRACE_BYTES

_NAMES = {
    torch.float32: "float32",
    torch.float64: "float64",
    torch.int32: "int32",
    torch.int64: "int64",
    torch.uint8: "uint8",
}


class Inputs:
    """The tensors of a program.

    Args:
        entries: dtype and shape of each.
        frames: their little-endian bytes, in row-major order.
        double: makes floating tensors float64. Those wider than `dtype`, the program's, are rounded to it
            first, so that what runs in float64 starts from values that the program can hold.
    """

    def __init__(
        self, entries: Sequence[dict[str, Any]], frames: Sequence[bytes], dtype: str, double: bool
    ) -> None:
        self._arrays = [
            np.frombuffer(frame, entry["dtype"]).reshape(entry["shape"])
            for entry, frame in zip(entries, frames, strict=True)
        ]
        if double:
            self._arrays = [_widened(array, np.dtype(dtype)) for array in self._arrays]

    def fresh(self, index: int) -> torch.Tensor:
        """A new tensor that nothing else holds."""
        return torch.from_numpy(self._arrays[index].copy())


def _widened(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if array.dtype.kind != "f":
        return array
    with np.errstate(all="ignore"):
        return (array.astype(dtype) if array.itemsize > dtype.itemsize else array).astype(np.float64)


class Outputs:
    """The tensors of a trace, in the order in which they were filed."""

    def __init__(self, double: bool) -> None:
        self.entries: list[dict[str, Any]] = []
        self.frames: list[bytes] = []
        self._double = double
        self._bytes = 0

    def add(self, tensor: torch.Tensor) -> int:
        """Copies a tensor and gives its index; where `double`, a floating one becomes float64.

        Raises:
            Unsupported: its dtype or layout has no form in a trace.
            OracleError: TOO_LARGE, if the trace outgrows its limit.
        """
        name = _NAMES.get(tensor.dtype)
        if name is None or tensor.layout != torch.strided:
            raise Unsupported(f"a trace cannot hold a {tensor.layout} tensor of dtype {tensor.dtype}")
        array = tensor.detach().numpy()
        if self._double and name == "float32":
            name, array = "float64", array.astype(np.float64)
        self.count(array.nbytes)
        self.entries.append({"dtype": name, "shape": list(array.shape)})
        self.frames.append(array.tobytes())
        return len(self.frames) - 1

    def count(self, size: int) -> None:
        """Adds to the trace's bytes.

        Raises:
            OracleError: TOO_LARGE, if the trace outgrows its limit.
        """
        self._bytes += size
        if self._bytes > MAX_TRACE_BYTES:
            raise OracleError("TOO_LARGE", f"the trace outgrew {MAX_TRACE_BYTES} bytes")
