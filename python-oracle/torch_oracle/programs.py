"""Runs one of PROTOCOL.md's programs with the real torch.optim class, and records its trace."""

import copy
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from torch_oracle import checkpoints, edits, hooks, values
from torch_oracle.arguments import Arguments
from torch_oracle.errors import BadProgram, OracleError, Unsupported
from torch_oracle.recorder import Bound, Recorder, Trace
from torch_oracle.tensors import Inputs
from torch_oracle.truth import UnknownOperation

OPTIMIZERS: dict[str, type[Optimizer]] = {
    name: kind
    for name, kind in vars(torch.optim).items()
    if isinstance(kind, type) and issubclass(kind, Optimizer) and kind is not Optimizer
}


@dataclass
class Way:
    """How torch's code is run.

    Args:
        mode: entered around every call of torch's code.
        double: every floating tensor is float64, whatever the program says.
        bound: the float64 error bound of a tensor, where there is one.
    """

    mode: AbstractContextManager[Any] = field(default_factory=nullcontext)
    double: bool = False
    bound: Bound | None = None


def run(program: dict[str, Any], frames: list[bytes], way: Way) -> Trace:
    """The trace of a checked program.

    Raises:
        OracleError: BAD_PROGRAM where a command refers to what does not exist at that time, UNSUPPORTED where
            the trace cannot be held or bounded, TOO_LARGE where it is too long.
    """
    return _Run(program, frames, way).trace()


class _Run:
    def __init__(self, program: dict[str, Any], frames: list[bytes], way: Way) -> None:
        self.program = program
        self.way = way
        self.inputs = Inputs(program["tensors"], frames, program["dtype"], way.double)
        self.params = [torch.nn.Parameter(self.inputs.fresh(param["tensor"])) for param in program["params"]]
        self.arguments = Arguments(self.params, self.value)
        self.recorder = Recorder(self.params, way.double, way.bound)
        self.optimizer: Any = None
        self.events: list[str] = []
        self.kept: dict[str, Any] = {}
        self.handles: dict[str, RemovableHandle] = {}
        self.all_handles: list[RemovableHandle] = []

    def trace(self) -> Trace:
        try:
            for path, operation in self._operations():
                record = self._record(path, operation)
                self.recorder.add(record)
                if "error" in record:
                    break
        finally:
            for handle in self.all_handles:
                handle.remove()
        return self.recorder.trace()

    def _operations(self) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
        yield "argument", self._construct
        for position, command in enumerate(self.program["commands"]):
            yield f"commands[{position}]", partial(_COMMANDS[command["op"]], self, command)

    def _record(self, path: str, operation: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        self.events = []
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                record: dict[str, Any] = operation()
            except UnknownOperation as error:
                raise Unsupported(f"{path}: the error bound does not know {error}") from error
            except BadProgram as error:
                raise BadProgram(path, error.message) from None
            except OracleError:
                raise
            except Exception as error:  # whatever torch throws is part of the trace
                message = values.without_places(str(error))
                record = {"error": {"class": type(error).__name__, "message": message}}
        if self.events:
            record["events"] = self.events
        told = [w.message for w in caught if issubclass(w.category, UserWarning | FutureWarning)]
        if told:
            record["warnings"] = [values.without_places(str(warning)) for warning in told]
        return record

    # What hooks use

    def log(self, event: str) -> None:
        self.events.append(event)

    def value(self, node: Any) -> Any:
        return values.decode(node, self.inputs.fresh)

    def copy(self, value: Any) -> Any:
        """A deep copy whose tensors are cloned by an ATen call, which a mode sees."""
        return copy.deepcopy(value, {id(tensor): tensor.clone() for tensor in _tensors_in(value)})

    def set_option(self, command: dict[str, Any]) -> None:
        groups = self.optimizer.param_groups
        if command["group"] >= len(groups):
            raise BadProgram("group", f"there is no group {command['group']}, only {len(groups)}")
        groups[command["group"]][command["key"]] = self.value(command["value"])

    # The commands; each gives the fields of its record

    def _construct(self) -> dict[str, Any]:
        argument = self.arguments.argument(self.program["argument"])
        options = self.arguments.options(self.program["options"])
        with self.way.mode:
            self.optimizer = OPTIMIZERS[self.program["optimizer"]](argument, **options)
        return self.recorder.snapshot(self.optimizer.state)

    def _grad(self, command: dict[str, Any]) -> dict[str, Any]:
        self._set_grad(command["param"], command["tensor"])
        return {}

    def _set_grad(self, param: int, tensor: int | None) -> None:
        self.params[param].grad = None if tensor is None else self.inputs.fresh(tensor)

    def _sparse_grad(self, command: dict[str, Any]) -> dict[str, Any]:
        param = self.params[command["param"]]
        entries = min(1, param.numel())
        indices = torch.zeros((param.dim(), entries), dtype=torch.int64)
        values = torch.ones(entries, dtype=param.dtype)
        # Left open, check_invariants makes torch warn once in a process.
        param.grad = torch.sparse_coo_tensor(indices, values, param.shape, check_invariants=True)
        return {}

    def _step(self, command: dict[str, Any]) -> dict[str, Any]:
        arguments = [partial(self._closure, command["closure"])] if "closure" in command else []
        with self.way.mode:
            loss = self.optimizer.step(*arguments)
        return {"result": self.recorder.encoded(loss), **self.recorder.snapshot(self.optimizer.state)}

    def _closure(self, closure: dict[str, Any]) -> Any:
        self.log("closure")
        for param, tensor in closure["grads"]:
            self._set_grad(param, tensor)
        return self.value(closure["loss"])

    def _zero_grad(self, command: dict[str, Any]) -> dict[str, Any]:
        with self.way.mode:
            self.optimizer.zero_grad(set_to_none=command["setToNone"])
        return {}

    def _add_param_group(self, command: dict[str, Any]) -> dict[str, Any]:
        group = self.arguments.group(command["group"]) if "group" in command else self.value(command["value"])
        with self.way.mode:
            self.optimizer.add_param_group(group)
        return {}

    def _set_option(self, command: dict[str, Any]) -> dict[str, Any]:
        self.set_option(command)
        return {}

    def _repr(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"result": self.recorder.encoded(repr(self.optimizer))}

    def _state_dict(self, command: dict[str, Any]) -> dict[str, Any]:
        with self.way.mode:
            self.kept[command["as"]] = self.copy(self.optimizer.state_dict())
        return {"result": self.recorder.encoded(self.kept[command["as"]])}

    def _load(self, command: dict[str, Any]) -> dict[str, Any]:
        if command["from"] not in self.kept:
            raise BadProgram("from", f"no state dict was kept as {command['from']!r}")
        with self.way.mode:
            state_dict = self.copy(self.kept[command["from"]])
            edits.apply(command["edits"], state_dict, self.value)
            self.optimizer.load_state_dict(state_dict)
        return self.recorder.snapshot(self.optimizer.state)

    def _save(self, command: dict[str, Any]) -> dict[str, Any]:
        with self.way.mode:
            value = {
                "params": self._saved_params(command["params"]),
                "optimizer": self.optimizer.state_dict(),
            }
            file = checkpoints.save(value, command["format"])
        return {"result": self.recorder.encoded(torch.frombuffer(bytearray(file), dtype=torch.uint8))}

    def _saved_params(self, form: str) -> Any:
        if form == "list":
            return [param.detach() for param in self.params]
        return OrderedDict((f"layers.{number}", param) for number, param in enumerate(self.params))

    def _resume(self, command: dict[str, Any]) -> dict[str, Any]:
        file = self.inputs.fresh(command["tensor"]).numpy().tobytes()
        checkpoint = checkpoints.load(file, command["mmap"])
        saved = checkpoint["params"]
        with self.way.mode, torch.no_grad():
            values_then = saved.values() if isinstance(saved, dict) else saved
            for param, value_then in zip(self.params, values_then, strict=True):
                param.copy_(value_then)
            self.optimizer.load_state_dict(checkpoint["optimizer"])
        return self.recorder.snapshot(self.optimizer.state)

    def _register(self, command: dict[str, Any]) -> dict[str, Any]:
        handle = hooks.register(self.optimizer, command, self)
        self.handles[command["as"]] = handle
        self.all_handles.append(handle)
        return {}

    def _remove(self, command: dict[str, Any]) -> dict[str, Any]:
        if command["hook"] not in self.handles:
            raise BadProgram("hook", f"no hook was registered as {command['hook']!r}")
        self.handles[command["hook"]].remove()
        return {}


_COMMANDS: dict[str, Callable[[_Run, dict[str, Any]], dict[str, Any]]] = {
    "grad": _Run._grad,
    "sparseGrad": _Run._sparse_grad,
    "step": _Run._step,
    "zeroGrad": _Run._zero_grad,
    "addParamGroup": _Run._add_param_group,
    "setOption": _Run._set_option,
    "repr": _Run._repr,
    "stateDict": _Run._state_dict,
    "load": _Run._load,
    "save": _Run._save,
    "resume": _Run._resume,
    "register": _Run._register,
    "remove": _Run._remove,
}


def _tensors_in(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _tensors_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors_in(item)
