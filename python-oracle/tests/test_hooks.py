"""Hooks and edits of state dicts."""

from typing import Any

import numpy as np
import pytest

from building import Building, number
from torch_oracle.errors import BadProgram

LOG = {"do": "log"}


def stepped(params: int = 1) -> Building:
    """A program whose parameters have all been stepped."""
    building = Building("SGD", lr=1.0, momentum=0.5)
    for param in range(params):
        building.param([float(param)])
    return building.step(*[[1.0]] * params)


def hooked(
    building: Building, hook: str, name: str = "a", action: Any = LOG, prepend: bool = False
) -> Building:
    return building.do("register", hook=hook, as_=name, prepend=prepend, action=action)


def test_hooks_of_a_step_run_in_torchs_order() -> None:
    building = stepped()
    for hook in ("stepPost", "stepPre", "globalStepPost", "globalStepPre"):
        hooked(building, hook)
    building.do("step", closure={"loss": None, "grads": []})
    expected = ["globalStepPre:a", "stepPre:a", "closure", "stepPost:a", "globalStepPost:a"]
    assert building.run()[-1]["events"] == expected


def test_prepend_comes_first_and_remove_removes() -> None:
    building = stepped()
    for hook in ("stateDictPre", "stateDictPost", "loadStateDictPre", "loadStateDictPost"):
        hooked(building, hook, "a")
        hooked(building, hook, f"b{hook}", prepend=True)
    building.do("stateDict", as_="x").do("load", from_="x", edits=[])
    building.do("remove", hook="bstateDictPre").do("stateDict", as_="x")
    saved, loaded, _, again = building.run()[-4:]
    assert saved["events"] == [
        "stateDictPre:bstateDictPre",
        "stateDictPre:a",
        "stateDictPost:bstateDictPost",
        "stateDictPost:a",
    ]
    assert loaded["events"][:2] == ["loadStateDictPre:bloadStateDictPre", "loadStateDictPre:a"]
    assert loaded["events"][2:] == ["loadStateDictPost:bloadStateDictPost", "loadStateDictPost:a"]
    assert again["events"] == saved["events"][1:]


@pytest.mark.parametrize("hook", ["stepPre", "globalStepPre"])
def test_a_step_hook_replaces_the_closure(hook: str) -> None:
    building = hooked(stepped(), hook, action={"do": "replaceClosure", "loss": number(2.0)})
    building.do("step", closure={"loss": number(1.0), "grads": []}).do("step")
    with_closure, without = building.run()[-2:]
    assert with_closure["events"] == without["events"] == [f"{hook}:a", "closure:a"]
    assert with_closure["result"] == without["result"] == 2.0


def test_a_bad_return_is_torchs_error() -> None:
    record = hooked(stepped(), "stepPre", action={"do": "badReturn"}).do("step").run()[-1]
    assert record["error"]["class"] == "RuntimeError"
    assert record["error"]["message"].endswith(
        "must return None or a tuple of (new_args, new_kwargs), but got 3."
    )
    assert "0x" not in record["error"]["message"]
    assert record["events"] == ["stepPre:a"] and "snapshot" not in record


def test_a_hook_sets_an_option() -> None:
    action = {"do": "setOption", "group": 0, "key": "lr", "value": number(0.0)}
    records = hooked(stepped(), "stepPre", action=action).do("step").run()
    assert records[-1]["snapshot"]["params"] == records[2]["snapshot"]["params"]
    with pytest.raises(BadProgram, match=r"commands\[3\]: group: there is no group 4"):
        hooked(stepped(), "stepPre", action={**action, "group": 4}).do("step").run()


@pytest.mark.parametrize("do", ["edit", "replace"])
def test_hooks_edit_state_dicts(do: str) -> None:
    action = {"do": do, "edits": [{"edit": "setKey", "key": "note", "value": "x"}]}
    building = hooked(stepped(), "stateDictPost", action=action).do("stateDict", as_="a")
    assert building.run()[-1]["result"]["note"] == "x"
    action = {"do": do, "edits": [{"edit": "setOption", "group": 0, "key": "lr", "value": number(7.0)}]}
    building = stepped().do("stateDict", as_="a")
    hooked(building, "loadStateDictPre", action=action).do("load", from_="a", edits=[]).do(
        "stateDict", as_="b"
    )
    assert building.run()[-1]["result"]["param_groups"][0]["lr"] == 7.0


def loaded(*edits: dict[str, Any], params: int = 3) -> dict[str, Any]:
    """The record of loading an edited state dict."""
    building = stepped(params)
    return building.do("stateDict", as_="a").do("load", from_="a", edits=list(edits)).run()[-1]


def saved(*edits: dict[str, Any], params: int = 3) -> dict[str, Any]:
    """An edited state dict, as a hook that replaces shows it."""
    building = hooked(stepped(params), "stateDictPost", action={"do": "replace", "edits": list(edits)})
    return building.do("stateDict", as_="a").run()[-1]["result"]


def test_edits_of_groups() -> None:
    group = saved(
        {"edit": "setOption", "group": 0, "key": "lr", "value": 3},
        {"edit": "removeOption", "group": 0, "key": "nesterov"},
        {"edit": "removeOption", "group": 0, "key": "never there"},
        {"edit": "setIds", "group": 0, "ids": ["x", {"float": "1.5"}]},
    )["param_groups"][0]
    assert group["lr"] == 3 and "nesterov" not in group and group["params"] == ["x", 1.5]
    groups = saved(
        {"edit": "addGroup", "options": [["lr", 1]], "ids": [8]}, {"edit": "removeGroup", "group": 0}
    )["param_groups"]
    assert groups == [{"lr": 1, "params": [8]}]
    assert loaded({"edit": "removeGroup", "group": 0})["error"]["class"] == "ValueError"


def test_edits_of_the_state() -> None:
    assert list(saved({"edit": "reorderState", "ids": [2, 9, 0]})["state"]) == [2, 0, 1]
    assert list(saved({"edit": "renameState", "from": 0, "to": "x"})["state"]) == ["x", 1, 2]
    renamed = saved({"edit": "renameState", "from": 1, "to": 0}, {"edit": "renameState", "from": 9, "to": 2})
    assert list(renamed["state"]) == [0, 2]
    assert list(saved({"edit": "removeState", "id": 1}, {"edit": "removeState", "id": 9})["state"]) == [0, 2]
    state = saved(
        {"edit": "setState", "id": 5, "key": "x", "value": None},
        {"edit": "setState", "id": 0, "key": "y", "value": True},
        {"edit": "removeStateKey", "id": 0, "key": "momentum_buffer"},
        {"edit": "removeStateKey", "id": 1, "key": "never there"},
        {"edit": "removeStateKey", "id": 9, "key": "x"},
    )["state"]
    assert state[5] == {"x": None} and state[0] == {"y": True} and list(state[1]) == ["momentum_buffer"]


def test_edits_of_the_top() -> None:
    assert saved({"edit": "removeKey", "key": "state"}).keys() == {"param_groups"}
    assert loaded({"edit": "removeKey", "key": "param_groups"})["error"]["class"] == "KeyError"


def test_a_loaded_order_is_torchs_zip() -> None:
    snapshot = loaded({"edit": "setIds", "group": 0, "ids": [2, 1, 0]})["snapshot"]
    assert list(snapshot["state"]) == [2, 1, 0]
    assert np.array_equal(snapshot["params"][1], [0.0])


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        ([{"edit": "removeGroup", "group": 1}], "edits[0]: group: there is no group 1, only 1"),
        (
            [{"edit": "removeKey", "key": "state"}, {"edit": "removeState", "id": 0}],
            "edits[1]: state dict: it has no 'state' any more",
        ),
    ],
)
def test_edits_of_what_does_not_exist(edits: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(BadProgram) as caught:
        loaded(*edits)
    assert message in caught.value.message
