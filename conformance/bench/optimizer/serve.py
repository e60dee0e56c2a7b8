"""What the Python sides of the optimizer benchmark have in common: values, and the requests that they answer.

A request is a line of JSON, and so is its reply. {"do": "prepare", ...} with a Case makes parameters and
gradients, and takes three steps; the reply has the milliseconds of the first one ("firstMs", compiling
included), and a few elements ("sample"). {"do": "turn", "steps": n} takes n steps, and replies with the
milliseconds of one ("ms"), and where there is a model with those of backward pass and step together
("wholeMs"). {"do": "drop"} frees memory. An error is replied under "error".
"""

from __future__ import annotations

import gc
import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class Case:
    optimizer: str
    dtype: str
    shapes: list[list[int]]
    batch: int | None

    def parameters(self) -> Iterator[Array]:
        return self._values(2_654_435_761)

    def gradients(self) -> Iterator[Array]:
        return self._values(2_246_822_519)

    def inputs(self) -> Array:
        """What the model is given, [batch, in]: large enough that its gradients are no dust."""
        assert self.batch is not None
        size = self.shapes[0][0]
        return values(0, self.batch * size, 2_246_822_519).reshape(self.batch, size) * 32

    def _values(self, factor: int) -> Iterator[Array]:
        start = 0
        for shape in self.shapes:
            size = math.prod(shape)
            yield values(start, size, factor).reshape(shape)
            start += size


def values(start: int, size: int, factor: int) -> Array:
    """Numbers in [-1/16, 1/16], the same bits on every side: i * factor as an int32, times 2**-35."""
    integers = np.arange(start, start + size, dtype=np.uint32) * np.uint32(factor)
    return integers.view(np.int32).astype(np.float32) * np.float32(2.0**-35)


def sample_places(shapes: list[list[int]]) -> list[tuple[int, int]]:
    """Sixteen elements, as index of the tensor and of the element in it, evenly over all."""
    places: list[tuple[int, int]] = []
    for k in range(16):
        tensor = k * (len(shapes) - 1) // 15
        places.append((tensor, k * (math.prod(shapes[tensor]) - 1) // 15))
    return places


class Side(Protocol):
    def backward(self) -> None:
        """Computes the gradients of the model; not called where there is none."""

    def step(self) -> None: ...

    def finish(self) -> None:
        """Waits until what was asked for is done."""

    def element(self, tensor: int, index: int) -> float: ...


def serve(make: Callable[[Case], Side]) -> None:
    side: Side | None = None
    case: Case | None = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            match request.pop("do"):
                case "prepare":
                    case = Case(
                        request["optimizer"], request["dtype"], request["shapes"], request.get("batch")
                    )
                    side = make(case)
                    reply = prepare(side, case)
                case "turn":
                    assert side is not None and case is not None
                    reply = turn(side, case, request["steps"])
                case _:
                    side = None
                    gc.collect()
                    reply = {}
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
        print(json.dumps(reply), flush=True)


def prepare(side: Side, case: Case) -> dict[str, Any]:
    taken = [turn_once(side, case)[1] for _ in range(3)]
    sample = [side.element(*place) for place in sample_places(case.shapes)]
    return {"firstMs": taken[0], "sample": sample}


def turn(side: Side, case: Case, steps: int) -> dict[str, float]:
    turn_once(side, case)  # fetches again what another side drove out of the caches
    if case.batch is not None:
        taken = [turn_once(side, case) for _ in range(steps)]
        return {"ms": sum(ms for _, ms in taken) / steps, "wholeMs": sum(map(sum, taken)) / steps}
    start = time.perf_counter()
    for _ in range(steps):
        side.step()
    side.finish()
    return {"ms": (time.perf_counter() - start) * 1000 / steps}


def turn_once(side: Side, case: Case) -> tuple[float, float]:
    """The milliseconds of the backward pass, if there is one, and of a step."""
    start = time.perf_counter()
    if case.batch is not None:
        side.backward()
        side.finish()
    middle = time.perf_counter()
    side.step()
    side.finish()
    return (middle - start) * 1000, (time.perf_counter() - middle) * 1000
