"""The form of a program: what is refused, and where the message points."""

import copy
from typing import Any

import pytest

from building import Building
from torch_oracle.errors import BadProgram, OracleError
from torch_oracle.form import check_program

FLOAT = {"float": "1"}
HOOK = {"op": "register", "hook": "stepPre", "as": "a", "prepend": False, "action": {"do": "log"}}


def good() -> dict[str, Any]:
    building = Building(lr=1.0)
    building.param([1.0, 2.0])
    building.step([1.0, 2.0])
    building.do("stateDict", as_="a").do("load", from_="a", edits=[{"edit": "removeState", "id": 0}])
    return building.program


def put(program: dict[str, Any], path: list[Any], value: Any) -> dict[str, Any]:
    """The program with one place replaced; `...` removes it."""
    program = copy.deepcopy(program)
    node: Any = program
    for step in path[:-1]:
        node = node[step]
    if value is ...:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return program


def test_a_good_program_passes() -> None:
    check_program(good(), {"Adadelta"})


def deep(tag: str, levels: int) -> Any:
    node: Any = 1
    for _ in range(levels):
        node = {tag: [node]}
    return node


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["version"], 2, "program.version: must be one of 1"),
        (["version"], ..., "program: lacks 'version'"),
        (["extra"], 1, "program: 'extra' is not one of its fields"),
        (["optimizer"], "Optimizer", "optimizer: must be one of Adadelta"),
        (["optimizer"], "__class__", "optimizer: must be one of Adadelta"),
        (["optimizer"], ["Adadelta"], "program.optimizer: must be text, but got list"),
        (["dtype"], "int64", "program.dtype: must be one of float16, bfloat16, float32, float64, complex64"),
        (["dtype"], "float64", "params[0]: is float32 in a program of float64"),
        (["tensors"], None, "program.tensors: must be a list, but got null"),
        (["tensors", 0, "dtype"], "complex32", "program.tensors[0].dtype: must be one of float16"),
        (["tensors", 0, "dtype"], {}, "program.tensors[0].dtype: must be one of float16"),
        (["tensors", 0, "shape"], [-1], "program.tensors[0].shape[0]: must be the number"),
        (["tensors", 0, "shape"], [2.0], "program.tensors[0].shape[0]: must be the number"),
        (["tensors", 0, "shape"], [True], "program.tensors[0].shape[0]: must be the number"),
        (["tensors", 0, "shape"], [1] * 33, "program.tensors[0].shape: must be a list of at most 32 sizes"),
        (["tensors", 0, "shape"], [0, 1 << 30, 1 << 30], "program.tensors[0].shape: must have fewer than"),
        (["params", 0, "tensor"], 9, "params[0].tensor: must be the number of one of 2 tensors, but got 9"),
        (["params", 0], 0, "params[0]: must be an object, but got int"),
        (["argument"], [], "argument: must be an object with one key"),
        (["argument"], {"list": [], "set": []}, "argument: must be an object with one key"),
        (["argument"], {"tuple": []}, "argument: 'tuple' is not one of"),
        (["argument"], {"list": [{"param": 1}]}, "argument.list[0].param: must be the number of one of 1"),
        (["argument"], {"list": [{"named": ["a"]}]}, "argument.list[0].named: must be a list of two"),
        (["argument"], {"list": [{"group": {}}]}, "argument.list[0].group: lacks 'options'"),
        (["argument"], {"set": [{"group": {"options": []}}]}, "argument.set[0]: 'group' is not one of"),
        (["argument"], {"set": [{"value": [1]}]}, "argument.set[0].value: must be hashable in Python"),
        (["options"], {"lr": 1}, "options: must be a list, but got dict"),
        (["options", 0], ["lr", 0.5], "options[0][1]: a plain number must be an integer"),
        (["options", 0], ["lr", {"float": "0x1"}], "options[0][1].float: must be a float as text"),
        (["options", 0], ["lr", {"float": "1_0"}], "options[0][1].float: must be a float as text"),
        (["options", 0], ["lr", {"float": 1}], "options[0][1].float: must be a float as text"),
        (["options", 0], ["lr", {"int": "1" * 1001}], "options[0][1].int: must be an int as text"),
        (["options", 0], ["lr", {"bytes": ""}], "options[0][1]: 'bytes' is not one of"),
        (["options", 0], ["lr", {}], "options[0][1]: must be an object with one key"),
        (["options", 0], ["lr", b"1"], "options[0][1]: must be an object with one key"),
        (["options", 0], ["lr", {"dict": [[[1], 1]]}], "options[0][1].dict[0][0]: must be hashable"),
        (["options", 0], ["lr", {"dict": [[deep("tuple", 2), 1]]}], None),
        (
            ["options", 0],
            ["lr", {"dict": [[{"tuple": [{"tensor": 0}]}, 1]]}],
            "options[0][1].dict[0][0].tuple[0]: must be hashable",
        ),
        (["options", 0], [1, FLOAT], "options[0][0]: must be text, but got int"),
        (["commands", 0, "op"], "exec", "commands[0].op: must be one of grad"),
        (["commands", 0, "op"], None, "commands[0].op: must be one of grad"),
        (["commands", 0, "tensor"], True, "commands[0].tensor: must be the number"),
        (["commands", 0, "param"], -1, "commands[0].param: must be the number"),
        (["commands", 1], "step", "commands[1]: must be an object, but got str"),
        (["commands", 1], {"op": "step", "closure": {"loss": 1}}, "commands[1].closure: lacks 'grads'"),
        (["commands", 1], {"op": "zeroGrad", "setToNone": 1}, "commands[1].setToNone: must be true or false"),
        (["commands", 1], {"op": "addParamGroup"}, "commands[1]: must be an object with one key"),
        (["commands", 3, "edits", 0, "edit"], "x", "commands[3].edits[0].edit: must be one of setOption"),
        (["commands", 3, "edits", 0, "id"], [], "commands[3].edits[0].id: must be hashable"),
        (["commands", 1], {**HOOK, "hook": "x"}, "commands[1].hook: must be one of stepPre"),
        (
            ["commands", 1],
            {**HOOK, "action": {"do": "edit", "edits": []}},
            "commands[1].action.do: must be one",
        ),
        (
            ["commands", 1],
            {**HOOK, "hook": "stepPost", "action": {"do": "badReturn"}},
            "commands[1].action.do: must be one of log, setOption",
        ),
    ],
    ids=str,
)
def test_what_is_not_a_program_is_refused_with_its_path(
    path: list[Any], value: Any, message: str | None
) -> None:
    program = put(good(), path, value)
    if message is None:
        return check_program(program, {"Adadelta"})
    with pytest.raises(BadProgram) as caught:
        check_program(program, {"Adadelta"})
    assert caught.value.message.startswith(message)


def test_parameters_that_fill_the_memory_are_refused() -> None:
    building = Building()
    building.program["tensors"] = [{"dtype": "float32", "shape": [1 << 20]}]
    building.program["params"] = [{"tensor": 0}] * 65
    with pytest.raises(OracleError, match="272629760 bytes") as caught:
        check_program(building.program, {"Adadelta"})
    assert caught.value.code == "TOO_LARGE"
