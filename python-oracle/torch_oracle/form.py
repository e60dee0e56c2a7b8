"""The form of a program, as PROTOCOL.md writes it. What passes here can be run without further looks."""

import re
from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple

from torch_oracle.errors import BadProgram, OracleError
from torch_oracle.limits import MAX_DIMENSIONS, MAX_ELEMENTS, MAX_PROGRAM_BYTES

DTYPES = ("float16", "bfloat16", "float32", "float64", "complex64")
"""What a program's parameters may be."""

ITEM_SIZES = {
    "float16": 2,
    "bfloat16": 2,
    "float32": 4,
    "float64": 8,
    "complex64": 8,
    "complex128": 16,
    "int32": 4,
    "int64": 8,
    "uint8": 1,
}
"""Bytes of an element, of every dtype that a program's tensors may have."""


class Counts(NamedTuple):
    """How many parameters and tensors a program may refer to."""

    params: int
    tensors: int


Check = Callable[[Any, str, Counts], None]

_FLOAT = re.compile(r"-?(\d+(\.\d+)?(e[+-]?\d{1,4})?|Infinity)|NaN", re.ASCII)
_INT = re.compile(r"-?\d{1,1000}", re.ASCII)


def check_program(program: Any, optimizers: Collection[str]) -> None:
    """Passes a program that has PROTOCOL.md's form.

    Raises:
        BadProgram: it has not; the path says where.
    """
    nothing = Counts(0, 0)
    _PROGRAM(program, "program", nothing)
    tensors, params = program["tensors"], program["params"]
    _one_of(optimizers)(program["optimizer"], "optimizer", nothing)
    counts = Counts(len(params), len(tensors))
    size = 0
    for number, param in enumerate(params):
        _fields({"tensor": _tensor})(param, f"params[{number}]", counts)
        entry = tensors[param["tensor"]]
        if entry["dtype"] != program["dtype"]:
            raise BadProgram(f"params[{number}]", f"is {entry['dtype']} in a program of {program['dtype']}")
        size += tensor_bytes(entry)
    if size > MAX_PROGRAM_BYTES:
        raise OracleError("TOO_LARGE", f"params: {size} bytes, and at most {MAX_PROGRAM_BYTES} are run")
    _argument(program["argument"], "argument", counts)
    _options(program["options"], "options", counts)
    _list(_COMMAND)(program["commands"], "commands", counts)


def check_tensors(entries: Any, path: str) -> None:
    """Passes a list of dtypes and shapes."""
    _list(_ENTRY)(entries, path, Counts(0, 0))


def tensor_bytes(entry: dict[str, Any]) -> int:
    """The bytes of a checked entry."""
    size = ITEM_SIZES[entry["dtype"]]
    for dimension in entry["shape"]:
        size *= dimension
    return size


# How a form is put together


def _fields(required: dict[str, Check], optional: dict[str, Check] | None = None) -> Check:
    known = {**required, **(optional or {})}

    def check(node: Any, path: str, counts: Counts) -> None:
        if not isinstance(node, dict):
            raise BadProgram(path, f"must be an object, but got {_kind(node)}")
        for key in required:
            if key not in node:
                raise BadProgram(path, f"lacks {key!r}")
        for key, inner in node.items():
            if key not in known:
                raise BadProgram(path, f"{key!r} is not one of its fields, {', '.join(known)}")
            known[key](inner, f"{path}.{key}", counts)

    return check


def _tagged(tag: str, forms: dict[str, Check]) -> Check:
    """An object whose field `tag` says which form it has."""

    def check(node: Any, path: str, counts: Counts) -> None:
        if not isinstance(node, dict):
            raise BadProgram(path, f"must be an object, but got {_kind(node)}")
        name = node.get(tag)
        form = forms.get(name) if isinstance(name, str) else None
        if form is None:
            raise BadProgram(f"{path}.{tag}", f"must be one of {', '.join(forms)}")
        form({key: inner for key, inner in node.items() if key != tag}, path, counts)

    return check


def _single(forms: dict[str, Check]) -> Check:
    """An object with one key, its tag."""

    def check(node: Any, path: str, counts: Counts) -> None:
        if not isinstance(node, dict) or len(node) != 1:
            raise BadProgram(path, f"must be an object with one key, one of {', '.join(forms)}")
        ((tag, content),) = node.items()
        if tag not in forms:
            raise BadProgram(path, f"{tag!r} is not one of {', '.join(forms)}")
        forms[tag](content, f"{path}.{tag}", counts)

    return check


def _list(item: Check) -> Check:
    def check(node: Any, path: str, counts: Counts) -> None:
        if not isinstance(node, list):
            raise BadProgram(path, f"must be a list, but got {_kind(node)}")
        for position, inner in enumerate(node):
            item(inner, f"{path}[{position}]", counts)

    return check


def _pair(first: Check, second: Check) -> Check:
    def check(node: Any, path: str, counts: Counts) -> None:
        if not isinstance(node, list) or len(node) != 2:
            raise BadProgram(path, "must be a list of two")
        first(node[0], f"{path}[0]", counts)
        second(node[1], f"{path}[1]", counts)

    return check


def _nullable(inner: Check) -> Check:
    def check(node: Any, path: str, counts: Counts) -> None:
        if node is not None:
            inner(node, path, counts)

    return check


def _one_of(choices: Iterable[Any]) -> Check:
    known = list(choices)

    def check(node: Any, path: str, _: Counts) -> None:
        if not isinstance(node, str | int) or node not in known:
            raise BadProgram(path, f"must be one of {', '.join(map(str, known))}")

    return check


def _matching(pattern: re.Pattern[str], what: str) -> Check:
    def check(node: Any, path: str, _: Counts) -> None:
        if not isinstance(node, str) or not pattern.fullmatch(node):
            raise BadProgram(path, f"must be {what} as text")

    return check


def _text(node: Any, path: str, _: Counts) -> None:
    if not isinstance(node, str):
        raise BadProgram(path, f"must be text, but got {_kind(node)}")


def _boolean(node: Any, path: str, _: Counts) -> None:
    if not isinstance(node, bool):
        raise BadProgram(path, f"must be true or false, but got {_kind(node)}")


def _anything(_node: Any, _path: str, _counts: Counts) -> None:
    pass


def _index(node: Any, path: str, size: int, of: str) -> None:
    if isinstance(node, bool) or not isinstance(node, int) or not 0 <= node < size:
        raise BadProgram(path, f"must be the number of one of {size} {of}, but got {node!r:.40}")


def _param(node: Any, path: str, counts: Counts) -> None:
    _index(node, path, counts.params, "parameters")


def _tensor(node: Any, path: str, counts: Counts) -> None:
    _index(node, path, counts.tensors, "tensors")


def _group_number(node: Any, path: str, _: Counts) -> None:
    _index(node, path, 1 << 31, "groups")


def _shape(node: Any, path: str, _: Counts) -> None:
    if not isinstance(node, list) or len(node) > MAX_DIMENSIONS:
        raise BadProgram(path, f"must be a list of at most {MAX_DIMENSIONS} sizes")
    elements = 1
    for position, size in enumerate(node):
        _index(size, f"{path}[{position}]", MAX_ELEMENTS, "sizes")
        elements *= max(size, 1)  # torch computes strides even where a size is 0
    if elements >= MAX_ELEMENTS:
        raise BadProgram(path, f"must have fewer than {MAX_ELEMENTS} elements")


def _kind(node: Any) -> str:
    return "null" if node is None else type(node).__name__


# The forms, from the smallest to the whole


def _value(node: Any, path: str, counts: Counts) -> None:
    if node is None or isinstance(node, str | int):  # bool is an int
        return
    if isinstance(node, list):
        return _values(node, path, counts)
    if isinstance(node, float):
        if not node.is_integer():
            raise BadProgram(path, 'a plain number must be an integer; write {"float": "…"}')
        return None
    return _tagged_value(node, path, counts)


def _hashable(node: Any, path: str, counts: Counts) -> None:
    if isinstance(node, list) or (isinstance(node, dict) and ("dict" in node or "tensor" in node)):
        raise BadProgram(path, "must be hashable in Python, which lists, dicts and tensors are not")
    if isinstance(node, dict) and isinstance(node.get("tuple"), list):
        _list(_hashable)(node["tuple"], f"{path}.tuple", counts)
    _value(node, path, counts)


_values = _list(_value)
_keys = _list(_hashable)
_tagged_value = _single(
    {
        "float": _matching(_FLOAT, "a float"),
        "int": _matching(_INT, "an int"),
        "tuple": _values,
        "dict": _list(_pair(_hashable, _value)),
        "tensor": _tensor,
    }
)
_options = _list(_pair(_text, _value))


def _argument(node: Any, path: str, counts: Counts) -> None:
    _ARGUMENT(node, path, counts)


_GROUP = _fields({"options": _options}, {"params": _argument})
_ITEM = _single({"param": _param, "named": _pair(_text, _param), "group": _GROUP, "value": _value})
_SET_ITEM = _single({"param": _param, "named": _pair(_text, _param), "value": _hashable})
_ARGUMENT = _single({"list": _list(_ITEM), "set": _list(_SET_ITEM), "param": _param, "value": _value})

_EDITS = _list(
    _tagged(
        "edit",
        {
            "setOption": _fields({"group": _group_number, "key": _text, "value": _value}),
            "removeOption": _fields({"group": _group_number, "key": _text}),
            "setIds": _fields({"group": _group_number, "ids": _values}),
            "renameState": _fields({"from": _hashable, "to": _hashable}),
            "removeState": _fields({"id": _hashable}),
            "setState": _fields({"id": _hashable, "key": _text, "value": _value}),
            "removeStateKey": _fields({"id": _hashable, "key": _text}),
            "addGroup": _fields({"options": _options, "ids": _values}),
            "removeGroup": _fields({"group": _group_number}),
            "reorderState": _fields({"ids": _keys}),
            "removeKey": _fields({"key": _one_of(["state", "param_groups"])}),
            "setKey": _fields({"key": _text, "value": _value}),
        },
    )
)

_LOG = {"log": _fields({})}
_SET_OPTION = {"setOption": _fields({"group": _group_number, "key": _text, "value": _value})}
_ON_CLOSURE = {"replaceClosure": _fields({"loss": _value}), "badReturn": _fields({})}
_ON_STATE_DICT = {"edit": _fields({"edits": _EDITS}), "replace": _fields({"edits": _EDITS})}
_ACTIONS = {
    "stepPre": {**_LOG, **_SET_OPTION, **_ON_CLOSURE},
    "stepPost": {**_LOG, **_SET_OPTION},
    "globalStepPre": {**_LOG, **_SET_OPTION, **_ON_CLOSURE},
    "globalStepPost": {**_LOG, **_SET_OPTION},
    "stateDictPre": {**_LOG, **_SET_OPTION},
    "stateDictPost": {**_LOG, **_SET_OPTION, **_ON_STATE_DICT},
    "loadStateDictPre": {**_LOG, **_SET_OPTION, **_ON_STATE_DICT},
    "loadStateDictPost": {**_LOG, **_SET_OPTION},
}
_REGISTER = _tagged(
    "hook",
    {
        hook: _fields({"as": _text, "prepend": _boolean, "action": _tagged("do", actions)})
        for hook, actions in _ACTIONS.items()
    },
)

_CLOSURE = _fields({"loss": _value, "grads": _list(_pair(_param, _nullable(_tensor)))})


def _add_param_group(node: Any, path: str, counts: Counts) -> None:
    _single({"group": _GROUP, "value": _value})(node, path, counts)


_COMMAND = _tagged(
    "op",
    {
        "grad": _fields({"param": _param, "tensor": _nullable(_tensor)}),
        "sparseGrad": _fields({"param": _param}),
        "step": _fields({}, {"closure": _CLOSURE}),
        "zeroGrad": _fields({"setToNone": _boolean}),
        "addParamGroup": _add_param_group,
        "setOption": _fields({"group": _group_number, "key": _text, "value": _value}),
        "repr": _fields({}),
        "stateDict": _fields({"as": _text}),
        "load": _fields({"from": _text, "edits": _EDITS}),
        "register": _REGISTER,
        "remove": _fields({"hook": _text}),
        "save": _fields(
            {"format": _one_of(["pt", "safetensors"]), "params": _one_of(["list", "dict"])},
            {"target": _one_of(["2.1", "2.15"])},
        ),
        "resume": _fields({"tensor": _tensor, "mmap": _boolean}),
    },
)

_ENTRY = _fields({"dtype": _one_of(ITEM_SIZES), "shape": _shape})
_PROGRAM = _fields(
    {
        "version": _one_of([1]),
        "optimizer": _text,
        "dtype": _one_of(DTYPES),
        "tensors": _list(_ENTRY),
        "params": _list(_anything),
        "argument": _anything,
        "options": _anything,
        "commands": _anything,
    }
)
