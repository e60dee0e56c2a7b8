"""The truth of a program, and how far from it a correct subject may be.

Run torch's own optimizer on float64 tensors inside `with Truth(torch.float32) as truth:` and ask
`truth.bound(tensor)`. A subject that computes in float32, in whatever order and with or without FMA, holds
values within twice that bound of the tensor's. No optimizer's mathematics is written here: the mode sees
every ATen call and applies the rule of `Bounds` for it, and refuses a call for which it knows none.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

from torch_oracle.bounds import Array, Bounds
from torch_oracle.storage_errors import StorageErrors, is_exact


class UnknownOperation(NotImplementedError):
    """An ATen call for which there is no error rule. Its result would be without a bound."""


class Truth(TorchDispatchMode):
    """Carries an error bound beside every tensor of the run that it encloses.

    Tensors of a storage that no call of the run has written to are exact.

    Args:
        dtype: what the subject computes in, float32 or float64.
        root: the error of the subject's square root, in units of u (2^-24 or 2^-53).
        flush: whether the subject may flush subnormals to zero.
    """

    def __init__(self, dtype: torch.dtype, root: float = 2.0, flush: bool = False) -> None:
        super().__init__()
        self.dtype: Any = {torch.float32: np.float32, torch.float64: np.float64}[dtype]
        self.bounds = Bounds(self.dtype, root, flush)
        self.errors = StorageErrors()

    def bound(self, tensor: torch.Tensor) -> torch.Tensor:
        """E: float64, shaped like `tensor`, zero for what is exact, inf where undecided."""
        with _disable_current_modes():
            error = np.broadcast_to(self.operand(tensor)[1], tensor.shape)
            # The rules bound 2E. Half of that, and a little more for their own rounding and underflow.
            half = error * (0.5 + 2.0**-30) + 2.0**-1074 * (error > 0)
            return torch.from_numpy(np.where(half < np.inf, half, np.inf))

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else newer versions wrap every call, which doubles what it costs to arrive here

    def __enter__(self) -> "Truth":
        self._quiet = np.errstate(all="ignore")  # what overflows or is NaN becomes undecided
        self._quiet.__enter__()
        return super().__enter__()

    def __exit__(self, *exception: Any) -> None:
        super().__exit__(*exception)
        self._quiet.__exit__(*exception)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        handler = _HANDLERS.get(func)
        if handler is None:
            raise UnknownOperation(f"no error rule for {func}")
        return handler(self, func, args, kwargs or {})

    def operand(self, x: Any, keep: bool = False) -> Any:
        """A tensor's values with their errors; a number as it is. Values that it keeps outlive a write."""
        if not isinstance(x, torch.Tensor):
            return x
        value = _array(x)
        error = self.errors.view(x)
        if error is None:
            error = self.bounds.input(value)
        return (value.copy() if keep else value), error

    def record(self, tensor: torch.Tensor, error: Array) -> None:
        """Sets the error of what was written to a tensor."""
        if tensor.dtype in _NARROW and not is_exact(error):  # there the truth itself is rounded more coarsely
            error = error + (abs(_array(tensor)) + error) * torch.finfo(tensor.dtype).eps
        self.errors.set(tensor, error)


_NARROW = (torch.float32, torch.float16, torch.bfloat16)


def _array(tensor: torch.Tensor) -> np.ndarray:
    """A tensor's values in float64; a view where that is possible."""
    if tensor.layout != torch.strided or tensor.is_complex():
        raise UnknownOperation(f"no error rules for {tensor.layout} tensors of dtype {tensor.dtype}")
    if tensor.requires_grad:
        tensor = tensor.detach()
    if tensor.dtype != torch.float64:
        tensor = tensor.to(torch.float64)
    return tensor.numpy()


Rule = Callable[..., Array]
Handler = Callable[[Truth, Any, tuple[Any, ...], dict[str, Any]], Any]


def _elementwise(rule: Rule, in_place: bool) -> Handler:
    def handle(truth: Truth, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        operands = [truth.operand(x, in_place) for x in args]
        result = func(*args, **kwargs)
        truth.record(result, rule(truth.bounds, *operands, **kwargs))
        return result

    return handle


def _foreach(rule: Rule, in_place: bool) -> Handler:
    def handle(truth: Truth, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        columns = [x if isinstance(x, list) else [x] * len(args[0]) for x in args]
        rows = [[truth.operand(x, in_place) for x in row] for row in zip(*columns, strict=True)]
        results = func(*args, **kwargs)
        for result, operands in zip(args[0] if in_place else results, rows, strict=True):
            truth.record(result, rule(truth.bounds, *operands, **kwargs))
        return results

    return handle


def _copy(truth: Truth, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """clone(source), _to_copy(source), copy_(target, source)."""
    source = args[func._schema.arguments[1].name == "src"]
    result = func(*args, **kwargs)
    if source.dtype == torch.uint8:  # deepcopy copies storages as bytes
        truth.errors.copy_storage(result, source)
        return result
    value, error = truth.operand(source)
    if result.dtype != source.dtype and (change := abs(_array(result) - value)).any():
        error = error + change
    if result.is_floating_point() and not source.is_floating_point():
        # An integer that a state dict brought: the subject's dtype may not hold it.
        error = error + 2 * abs(value.astype(truth.dtype) - value)
    truth.record(result, error)
    return result


def _zero(truth: Truth, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    result = func(*args, **kwargs)
    for tensor in args[0] if isinstance(args[0], list) else args[:1]:
        truth.record(tensor, 0.0)
    return result


def _fill(truth: Truth, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """fill_(tensor, value), full(size, value), full_like(tensor, value), scalar_tensor(value)."""
    value = truth.operand(args[-1])
    result = func(*args, **kwargs)
    truth.record(result, value[1] if isinstance(value, tuple) else truth.bounds.scalar(float(value)))
    return result


def _item(truth: Truth, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if np.any(truth.operand(args[0])[1]):
        raise UnknownOperation(f"{func}: a value that is not exact leaves its tensor")
    return func(*args, **kwargs)


def _free(truth: Truth, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Nothing is computed: a view, a new exact tensor, or something other than a tensor."""
    return func(*args, **kwargs)


_RULES: dict[str, Rule] = {
    "neg": Bounds.keep,
    "abs": Bounds.keep,
    "add": Bounds.add,
    "sub": Bounds.sub,
    "mul": Bounds.mul,
    "div": Bounds.div,
    "sqrt": Bounds.sqrt,
    "addcmul": Bounds.addcmul,
    "addcdiv": Bounds.addcdiv,
    "lerp": Bounds.lerp,
    "maximum": Bounds.extremum,
    "minimum": Bounds.extremum,
    "sign": Bounds.sign,
    "where": Bounds.where,
} | dict.fromkeys(("gt", "ge", "lt", "le", "eq", "ne"), Bounds.compare)

_OTHERS: dict[Handler, str] = {
    _copy: "clone _to_copy copy_",
    _zero: "zero_ _foreach_zero_",
    _fill: "fill_ full full_like scalar_tensor",
    _item: "_local_scalar_dense",
    _free: "alias as_strided detach expand permute select slice squeeze t transpose unbind unsqueeze view"
    " view_as_real _reshape_alias _unsafe_view lift_fresh set_ empty empty_like empty_strided new_empty"
    " new_empty_strided zeros zeros_like new_zeros ones ones_like",
}

_OVERLOADS = {"default", "Tensor", "Scalar", "List", "ScalarList", "self", "ScalarSelf", "ScalarOther"}
_WEIGHTS_AS_TENSORS = {
    "lerp.Tensor",
    "_foreach_lerp.List",
    "_foreach_addcmul.Tensor",
    "_foreach_addcdiv.Tensor",
}


def _overloads(packet: str) -> Iterator[Any]:
    """Every overload of an ATen operation that this torch has."""
    operation = getattr(torch.ops.aten, packet, None)
    for name in operation.overloads() if operation is not None else ():
        yield getattr(operation, name)


def _table() -> dict[Any, Handler]:
    table: dict[Any, Handler] = {}
    for name, rule in _RULES.items():
        for prefix, make in (("", _elementwise), ("_foreach_", _foreach)):
            for suffix in ("", "_"):
                for overload in _overloads(prefix + name + suffix):
                    kind = overload._overloadname
                    if kind in _OVERLOADS and f"{prefix}{name}.{kind}" not in _WEIGHTS_AS_TENSORS:
                        table[overload] = make(rule, in_place=suffix == "_")
    for handler, names in _OTHERS.items():
        for name in names.split():
            table |= dict.fromkeys(_overloads(name), handler)
    del table[torch.ops.aten.view.dtype]  # the errors of such a view would be others
    for name in ("_record_function_enter_new", "_record_function_exit"):
        operation = getattr(torch.ops.profiler, name)
        table |= {getattr(operation, overload): _free for overload in operation.overloads()}
    return table


_HANDLERS = _table()
