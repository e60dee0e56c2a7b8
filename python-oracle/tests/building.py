"""Programs as tests write them, and traces as tests read them."""

from typing import Any

import numpy as np

from torch_oracle.form import check_program
from torch_oracle.kinds import run_kind
from torch_oracle.programs import OPTIMIZERS


def number(value: float) -> dict[str, str]:
    return {"float": repr(value)}


class Building:
    """A program under construction. Options are Python floats, bools or nodes."""

    def __init__(self, optimizer: str = "Adadelta", dtype: str = "float32", **options: Any) -> None:
        self.frames: list[bytes] = []
        self.program: dict[str, Any] = {
            "version": 1,
            "optimizer": optimizer,
            "dtype": dtype,
            "tensors": [],
            "params": [],
            "argument": {"list": []},
            "options": [[key, number(x) if isinstance(x, float) else x] for key, x in options.items()],
            "commands": [],
        }

    def tensor(self, values: Any, dtype: str | None = None) -> int:
        array = np.asarray(values, dtype or self.program["dtype"])
        self.program["tensors"].append({"dtype": str(array.dtype), "shape": list(array.shape)})
        self.frames.append(array.tobytes())
        return len(self.frames) - 1

    def param(self, values: Any, given: bool = True) -> int:
        """A parameter; `given` to the constructor in a list."""
        self.program["params"].append({"tensor": self.tensor(values)})
        number = len(self.program["params"]) - 1
        if given:
            self.program["argument"]["list"].append({"param": number})
        return number

    def do(self, op: str, **fields: Any) -> "Building":
        fields = {key.rstrip("_"): field for key, field in fields.items()}
        self.program["commands"].append({"op": op, **fields})
        return self

    def step(self, *grads: Any) -> "Building":
        """Sets the gradients of the first parameters, and steps."""
        for param, grad in enumerate(grads):
            self.do("grad", param=param, tensor=None if grad is None else self.tensor(grad))
        return self.do("step")

    def run(self, kind: str = "exact", **profile: Any) -> list[dict[str, Any]]:
        """The records of the program's trace, with arrays for tensors."""
        check_program(self.program, OPTIMIZERS)
        trace = run_kind(kind, self.program, self.frames, profile)
        return readable(trace.header, trace.frames)


def readable(trace: dict[str, Any], frames: list[bytes]) -> list[dict[str, Any]]:
    """The records of a trace; snapshots and bounds become `{"params": […], "state": {key: …}}`."""
    arrays = [
        np.frombuffer(frame, entry["dtype"]).reshape(entry["shape"])
        for entry, frame in zip(trace["tensors"], frames, strict=True)
    ]
    return [_readable_record(record, arrays) for record in trace["records"]]


def _readable_record(record: dict[str, Any], arrays: list[np.ndarray]) -> dict[str, Any]:
    record = dict(record)
    for name in {"snapshot", "bounds"} & record.keys():
        fields = record[name]
        record[name] = {
            "params": [arrays[index] for index in fields["params"]],
            "state": {_key(key, arrays): value(node, arrays) for key, node in fields["state"]},
        }
    if "result" in record:
        record["result"] = value(record["result"], arrays)
    return record


def _key(key: Any, arrays: list[np.ndarray]) -> Any:
    return ("foreign", value(key["key"], arrays)) if isinstance(key, dict) else key


def value(node: Any, arrays: list[np.ndarray]) -> Any:
    if isinstance(node, list):
        return [value(item, arrays) for item in node]
    if not isinstance(node, dict):
        return node
    ((tag, content),) = node.items()
    match tag:
        case "float":
            return float(content)
        case "int":
            return int(content)
        case "tuple":
            return tuple(value(item, arrays) for item in content)
        case "dict":
            return {value(key, arrays): value(item, arrays) for key, item in content}
        case "tensor":
            return arrays[content]
    raise AssertionError(f"{tag!r} is no tag")
