"""Tensors on their way in (bytes of a program) and out (bytes of a trace)."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import _disable_current_modes

from torch_oracle.errors import OracleError, Unsupported
from torch_oracle.form import ITEM_SIZES
from torch_oracle.limits import MAX_TRACE_BYTES

_DTYPES: dict[str, torch.dtype] = {name: getattr(torch, name) for name in ITEM_SIZES}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


class Inputs:
    """The tensors of a program.

    Args:
        entries: dtype and shape of each.
        frames: their little-endian bytes, in row-major order.
        dtype: the program's.
        double: makes real floating tensors float64. Those wider than `dtype` are rounded to it first, so that
            what runs in float64 starts from values that the program can hold.
    """

    def __init__(
        self, entries: Sequence[dict[str, Any]], frames: Sequence[bytes], dtype: str, double: bool
    ) -> None:
        self._tensors = [_tensor(entry, frame) for entry, frame in zip(entries, frames, strict=True)]
        if double:
            self._tensors = [_widened(tensor, _DTYPES[dtype]) for tensor in self._tensors]

    def fresh(self, index: int) -> torch.Tensor:
        """A new tensor that nothing else holds. Modes do not see how it is made."""
        with _disable_current_modes():
            return self._tensors[index].clone()


def _tensor(entry: dict[str, Any], frame: bytes) -> torch.Tensor:
    dtype = _DTYPES[entry["dtype"]]
    # frombuffer takes no empty buffer.
    flat = torch.frombuffer(bytearray(frame), dtype=dtype) if frame else torch.empty(0, dtype=dtype)
    return flat.reshape(entry["shape"])


def _widened(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    if not tensor.is_floating_point():
        return tensor
    return (tensor.to(dtype) if tensor.itemsize > dtype.itemsize else tensor).to(torch.float64)


class Outputs:
    """The tensors of a trace, in the order in which they were filed."""

    def __init__(self, double: bool) -> None:
        self.entries: list[dict[str, Any]] = []
        self.frames: list[bytes] = []
        self._double = double
        self._bytes = 0

    def add(self, tensor: torch.Tensor) -> int:
        """Copies a tensor and gives its index; where `double`, a real floating one becomes float64.

        Raises:
            Unsupported: its dtype or layout has no form in a trace.
            OracleError: TOO_LARGE, if the trace outgrows its limit.
        """
        name = _NAMES.get(tensor.dtype)
        if name is None or tensor.layout != torch.strided:
            raise Unsupported(f"a trace cannot hold a {tensor.layout} tensor of dtype {tensor.dtype}")
        tensor = tensor.detach()
        if self._double and tensor.is_floating_point():
            name, tensor = "float64", tensor.to(torch.float64)
        self.count(tensor.nbytes)
        self.entries.append({"dtype": name, "shape": list(tensor.shape)})
        bits = tensor.view(torch.int16) if tensor.dtype == torch.bfloat16 else tensor  # NumPy has no bfloat16
        self.frames.append(bits.numpy().tobytes())
        return len(self.frames) - 1

    def count(self, size: int) -> None:
        """Adds to the trace's bytes.

        Raises:
            OracleError: TOO_LARGE, if the trace outgrows its limit.
        """
        self._bytes += size
        if self._bytes > MAX_TRACE_BYTES:
            raise OracleError("TOO_LARGE", f"the trace outgrew {MAX_TRACE_BYTES} bytes")
