"""The limit in the optimizer benchmark: limit.cc, compiled for this machine, over arrays of NumPy."""

from __future__ import annotations

import ctypes
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from serve import Case, serve

FLAGS = ["-std=c++17", "-O3", "-march=native", "-fno-math-errno", "-ffp-contract=off", "-fopenmp"]


def compiled() -> ctypes.CDLL:
    with tempfile.TemporaryDirectory() as folder:
        library = os.path.join(folder, "limit.so")
        source = Path(__file__).with_name("limit.cc")
        subprocess.run(
            [os.environ.get("CXX", "g++"), *FLAGS, "-shared", "-fPIC", str(source), "-o", library], check=True
        )
        return ctypes.CDLL(library)


class Limit:
    def __init__(self, case: Case) -> None:
        self.parameters = [value.astype(case.dtype) for value in case.parameters()]
        gradients = [value.astype(case.dtype) for value in case.gradients()]
        slots = 2 if case.optimizer == "Adadelta" else 1
        # Filled, so that their pages are there.
        states = [[np.full_like(value, 0) for value in self.parameters] for _ in range(slots)]
        self.arrays = [self.parameters, gradients, *states]
        self.pointers = [
            (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))
            for arrays in self.arrays
        ]
        self.sizes = (ctypes.c_long * len(self.parameters))(*(value.size for value in self.parameters))
        self.function = getattr(library, f"{case.optimizer.lower()}_{case.dtype}")

    def step(self) -> None:
        self.function(len(self.sizes), self.sizes, *self.pointers)

    def backward(self) -> None:
        pass  # its gradients stay the same: what makes them is not measured

    def finish(self) -> None:
        pass

    def element(self, tensor: int, index: int) -> float:
        return float(self.parameters[tensor].reshape(-1)[index])


if __name__ == "__main__":
    library = compiled()
    serve(Limit)
