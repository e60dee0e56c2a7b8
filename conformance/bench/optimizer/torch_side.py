"""torch.optim in the optimizer benchmark: torch_side.py for-loop|foreach|fused|compile [cpu|cuda]."""

from __future__ import annotations

import logging
import sys

import torch
from serve import Case, serve

# What the compiler warns of (no triton) tells nothing here.
logging.getLogger("torch").setLevel(logging.ERROR)

mode = sys.argv[1]
device = torch.device(sys.argv[2] if len(sys.argv) > 2 else "cpu")


class Torch:
    def __init__(self, case: Case) -> None:
        dtype = getattr(torch, case.dtype)
        self.parameters = [
            torch.nn.Parameter(torch.from_numpy(value).to(device, dtype)) for value in case.parameters()
        ]
        if case.batch is None:
            for parameter, grad in zip(self.parameters, case.gradients(), strict=True):
                parameter.grad = torch.from_numpy(grad).to(device, dtype)
        else:
            self.inputs = torch.from_numpy(case.inputs()).to(device, dtype)
        optimizer = make_optimizer(case.optimizer, self.parameters)
        self.step = optimizer.step
        if mode == "compile":
            torch.compiler.reset()
            self.step = torch.compile(lambda: optimizer.step())

    def backward(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None
        outputs = self.inputs
        for weight, bias in zip(self.parameters[::2], self.parameters[1::2], strict=True):
            outputs = torch.relu(outputs @ weight + bias)
        outputs.square().mean().backward()

    def finish(self) -> None:
        if device.type == "cuda":
            torch.cuda.synchronize()

    def element(self, tensor: int, index: int) -> float:
        return self.parameters[tensor].detach().view(-1)[index].item()


def make_optimizer(name: str, parameters: list[torch.nn.Parameter]) -> torch.optim.Optimizer:
    # The compiled step is made of foreach's operations: it compiles in less time, and is no slower.
    foreach = mode in ("foreach", "compile")
    if name == "Adadelta":
        return torch.optim.Adadelta(parameters, foreach=foreach)
    return torch.optim.SGD(
        parameters, lr=1e-3, momentum=0.9, foreach=foreach, fused=True if mode == "fused" else None
    )


if __name__ == "__main__":
    serve(Torch)
