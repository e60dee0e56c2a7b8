"""Writes small checkpoints of every kind that torch and safetensors write: what a fuzzer starts from.

python conformance/corpus/real_files.py DIR
"""

from __future__ import annotations

import sys
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

DTYPES = """float64 float32 float16 bfloat16 float8_e4m3fn float8_e5m2 complex128 complex64
            int64 int32 int16 int8 uint64 uint32 uint16 uint8 bool"""


def zeros_and_ones(dtype: torch.dtype) -> torch.Tensor:
    return torch.tensor([[0, 1, 1], [1, 0, 1]]).to(dtype)


def trained(make: Callable[[Iterable[torch.nn.Parameter]], torch.optim.Optimizer]) -> dict[str, Any]:
    """A whole training checkpoint after one step."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    stepper = make(model.parameters())
    scheduler = torch.optim.lr_scheduler.StepLR(stepper, 3)
    model(torch.ones(4, 3)).sum().backward()
    stepper.step()
    scheduler.step()
    parts = {"model": model, "optimizer": stepper, "scheduler": scheduler}
    return {"epoch": 1, **{name: part.state_dict() for name, part in parts.items()}}


def main() -> None:
    folder = Path(sys.argv[1])
    base = torch.arange(12.0)
    kinds = {name: zeros_and_ones(getattr(torch, name)) for name in DTYPES.split()}
    shared: list[Any] = [1, "one"]
    numbers = [0, -1, 2**31, -(2**63), 2**80, 0.5, -0.0, float("nan")]
    grown = torch.ones(2, requires_grad=True)
    values: dict[str, Any] = {
        "dtypes": kinds,
        "views": [base, base[2:5], base.view(3, 4).t(), base[:1].expand(5), base[0], base[:0], base.double()],
        "plain": [None, True, *numbers, "text ü", (), (1, 2.0), {}, []],
        "containers": {
            1: "a",
            "b": (1, [2, {3: 4}]),
            (5, "t"): {6.5},
            None: shared,
            "o": OrderedDict(x=shared),
        },
        "counter": [Counter("abca"), torch.Size([2, 3]), torch.float16, torch.device("cpu")],
        "bytes": [b"bytes", bytearray(b"ab"), 1j],
        "parameters": OrderedDict(w=torch.nn.Parameter(base), g=grown, s=torch.tensor(1.5)),
        "sgd": trained(partial(torch.optim.SGD, momentum=0.9)),
        "adam": trained(partial(torch.optim.Adam, amsgrad=True)),
        "adadelta": trained(torch.optim.Adadelta),
    }
    for name, value in values.items():
        torch.save(value, folder / f"{name}.pt")
        torch.save(value, folder / f"{name}.legacy.pt", _use_new_zipfile_serialization=False)
    safe = {name: tensor for name, tensor in kinds.items() if name != "complex128"}
    save_file(safe, folder / "dtypes.safetensors", metadata={"format": "pt", "note": "ü"})
    save_file({"w": base, "empty": torch.zeros(0, 3), "scalar": torch.tensor(1)}, folder / "few.safetensors")


if __name__ == "__main__":
    main()
