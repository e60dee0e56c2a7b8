"""The commands of a program, with the real torch.optim."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.optim.optimizer import _global_optimizer_pre_hooks

from building import Building, number
from torch_oracle.errors import BadProgram, OracleError, Unsupported
from torch_oracle.programs import OPTIMIZERS

NEW = tuple(map(int, torch.__version__.split(".")[:2])) >= (2, 15)


def one(optimizer: str = "Adadelta", **options: Any) -> Building:
    """A program with one parameter."""
    building = Building(optimizer, **options)
    building.param([1.0, -2.0])
    return building


def test_construct_and_step_show_everything() -> None:
    records = one(lr=0.5).step([0.5, 0.25]).step([0.5, 0.25]).run()
    assert [sorted(record) for record in records] == [
        ["snapshot"],
        [],
        ["result", "snapshot"],
        [],
        ["result", "snapshot"],
    ]
    first, second, third = (record["snapshot"] for record in records if "snapshot" in record)
    assert first["params"][0].tolist() == [1.0, -2.0] and first["state"] == {}
    assert sorted(second["state"][0]) == ["acc_delta", "square_avg", "step"]
    assert second["state"][0]["step"] == 1 and third["state"][0]["step"] == 2
    param = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
    param.grad = torch.tensor([0.5, 0.25])
    torch.optim.Adadelta([param], lr=0.5).step()
    np.testing.assert_allclose(second["params"][0], param.detach().numpy(), rtol=1e-6)
    assert not np.array_equal(second["params"][0], third["params"][0])


def test_null_skips_a_parameter_and_zero_does_not() -> None:
    building = one()
    building.param([3.0])
    state = building.step(None, [0.0]).run()[-1]["snapshot"]["state"]
    assert list(state) == [1]


def test_options_reach_the_constructor_with_their_types() -> None:
    building = one(lr=1.0, weight_decay=0, maximize=True).do("stateDict", as_="a")
    (group,) = building.run()[-1]["result"]["param_groups"]
    assert (
        repr([group["lr"], group["weight_decay"], group["maximize"], group["foreach"]])
        == "[1.0, 0, True, None]"
    )


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"rho": 1.5}, ("ValueError", "Invalid rho value: 1.5")),
        ({"lr": -1.0}, ("ValueError", "Invalid learning rate: -1.0")),
        ({"rate": 1.0}, ("TypeError", "Adadelta.__init__() got an unexpected keyword argument 'rate'")),
    ],
)
def test_a_refused_construction_ends_the_program(options: dict[str, Any], error: tuple[str, str]) -> None:
    records = one(**options).do("step").run()
    assert records == [{"error": {"class": error[0], "message": error[1]}}]


def test_arguments_of_every_form() -> None:
    building = Building()
    for _ in range(3):
        building.param([1.0], given=False)
    program = building.program
    building.do("stateDict", as_="a")

    def groups(argument: dict[str, Any]) -> Any:
        program["argument"] = argument
        record = building.run()[-1]
        return (
            record["error"]
            if "error" in record
            else [group["params"] for group in record["result"]["param_groups"]]
        )

    group = {"params": {"list": [{"param": 2}, {"param": 0}]}, "options": [["lr", number(0.5)]]}
    assert groups({"list": [{"param": 0}, {"param": 1}]}) == [[0, 1]]
    assert groups({"list": [{"group": group}, {"group": {**group, "params": {"param": 1}}}]}) == [[0, 1], [2]]
    assert groups({"list": [{"group": {"options": []}}]})["class"] == "KeyError"
    assert (
        groups({"list": [{"value": 3}]})["message"]
        == "optimizer can only optimize Tensors, but one of the params is int"
    )
    assert groups({"list": []})["message"] == "optimizer got an empty parameter list"
    assert groups({"param": 0})["message"].endswith(
        "an iterable of Tensors or dicts, but got torch.FloatTensor"
    )
    assert groups({"value": 3})["class"] == "TypeError"
    if NEW:
        assert groups({"list": [{"named": ["a", 0]}, {"named": ["b", 1]}]}) == [[0, 1]]
        assert groups({"list": [{"named": ["a", 0]}, {"param": 1}]})["class"] == "ValueError"


def test_a_set_keeps_the_order_of_the_program() -> None:
    building = Building()
    for _ in range(20):
        building.param([1.0], given=False)
    order = [*range(10, 20), *range(10)]
    building.program["argument"] = {"set": [{"param": param} for param in order]}
    records = building.step(*[[1.0]] * 20).run()
    assert list(records[-1]["snapshot"]["state"]) == order
    assert ["ordering of tensors in sets" in text for text in records[0].get("warnings", [])] == [True] * NEW


def test_warnings_stand_with_their_command() -> None:
    building = one()
    group = {"params": {"list": [{"param": 1}, {"param": 1}]}, "options": []}
    building.param([1.0], given=False)
    records = building.do("addParamGroup", group=group).do("repr").run()
    assert [len(record.get("warnings", [])) for record in records] == [0, 1, 0]
    assert records[1]["warnings"][0].startswith(
        "optimizer contains a parameter group with duplicate parameters"
    )


def test_gradients_are_set_cleared_and_refused() -> None:
    building = one().step([1.0, 1.0]).do("grad", param=0, tensor=None).do("step")
    records = building.run()
    assert records[-1]["snapshot"]["state"][0]["step"] == 1
    record = one().step([1.0]).run()[-1]
    assert record["error"]["class"] == "RuntimeError" and "size" in record["error"]["message"]


def test_a_gradient_is_the_programs_own_copy() -> None:
    building = one("SGD", lr=1.0)
    grad = building.tensor([1.0, 1.0])
    for _ in range(2):
        building.do("grad", param=0, tensor=grad).do("zeroGrad", setToNone=False)
    building.do("grad", param=0, tensor=grad).do("step")
    assert building.run()[-1]["snapshot"]["params"][0].tolist() == [0.0, -3.0]


@pytest.mark.parametrize(("none", "steps"), [(True, 1), (False, 2)])
def test_zero_grad(none: bool, steps: int) -> None:
    records = one().step([1.0, 1.0]).do("zeroGrad", setToNone=none).do("step").run()
    assert records[-1]["snapshot"]["state"][0]["step"] == steps


def test_sparse_gradients() -> None:
    record = one().do("sparseGrad", param=0).do("step").run()[-1]
    assert record["error"] == {
        "class": "RuntimeError",
        "message": "Adadelta does not support sparse gradients",
    }
    for shape in ((), (0, 2), (2, 3)):
        building = Building("SGD", lr=1.0)
        building.param(np.ones(shape))
        after = building.do("sparseGrad", param=0).do("step").run()[-1]["snapshot"]["params"][0]
        assert after.size - after.sum() == min(1, after.size)


def test_closures_set_gradients_and_return_the_loss() -> None:
    building = one("SGD", lr=1.0)
    grads = [[0, building.tensor([1.0, 1.0])]]
    building.do("step", closure={"loss": number(0.5), "grads": grads})
    building.do("step", closure={"loss": {"tensor": building.tensor(0.25)}, "grads": [[0, None]]})
    first, second = building.run()[1:]
    assert (first["events"], first["result"]) == (["closure"], 0.5)
    assert second["result"] == np.float32(0.25)
    assert first["snapshot"]["params"][0].tolist() == second["snapshot"]["params"][0].tolist() == [0.0, -3.0]


def test_groups_are_added_or_refused() -> None:
    building = one()
    building.param([1.0], given=False)
    group = {"params": {"param": 1}, "options": [["lr", number(0.5)], ["mine", [1]]]}
    building.do("addParamGroup", group=group).do("stateDict", as_="a").do("addParamGroup", value=[])
    records = building.run()
    assert records[2]["result"]["param_groups"][1]["mine"] == [1]
    assert records[3]["error"]["class"] == "TypeError"


def test_options_are_set_later() -> None:
    building = one("SGD", lr=1.0).do("setOption", group=0, key="lr", value=number(0.0)).step([1.0, 1.0])
    assert building.run()[-1]["snapshot"]["params"][0].tolist() == [1.0, -2.0]
    with pytest.raises(BadProgram, match=r"commands\[0\]: group: there is no group 1, only 1"):
        one().do("setOption", group=1, key="lr", value=1).run()


def test_repr() -> None:
    text = one(lr=1.0).do("repr").run()[-1]["result"]
    assert text.startswith("Adadelta (\nParameter Group 0\n") and "\n    lr: 1.0\n" in text


def test_state_dicts_are_kept_as_they_were() -> None:
    building = (
        one().step([1.0, 1.0]).do("stateDict", as_="a").step([1.0, 1.0]).do("load", from_="a", edits=[])
    )
    records = building.run()
    saved, loaded = records[3]["result"], records[-1]["snapshot"]
    assert saved["state"][0]["step"] == loaded["state"][0]["step"] == 1
    assert np.array_equal(saved["state"][0]["square_avg"], loaded["state"][0]["square_avg"])
    # A load aliases what it is given; what was kept must not move with it.
    again = building.step([1.0, 1.0]).do("load", from_="a", edits=[]).run()
    assert np.array_equal(again[-1]["snapshot"]["state"][0]["square_avg"], saved["state"][0]["square_avg"])


def test_foreign_entries_of_the_state_are_shown() -> None:
    edit = {"edit": "setState", "id": "other", "key": "x", "value": {"tuple": [1, number(2.0)]}}
    building = one().do("stateDict", as_="a").do("load", from_="a", edits=[edit])
    assert building.run()[-1]["snapshot"]["state"] == {("foreign", "other"): {"x": (1, 2.0)}}


def test_what_was_not_kept_cannot_be_loaded() -> None:
    with pytest.raises(BadProgram, match=r"commands\[0\]: from: no state dict was kept as 'a'"):
        one().do("load", from_="a", edits=[]).run()


def test_a_trace_that_grows_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch_oracle.tensors.MAX_TRACE_BYTES", 1000)
    building = Building()
    building.param(np.zeros(100))
    for _ in range(3):
        building.step(np.zeros(100))
    with pytest.raises(OracleError, match="outgrew 1000 bytes") as caught:
        building.run()
    assert caught.value.code == "TOO_LARGE"
    repeating = one().do("repr").do("repr")
    assert len(repeating.run()) == 3
    for _ in range(4):
        repeating.do("repr")
    with pytest.raises(OracleError, match="outgrew 1000 bytes"):
        repeating.run()


def test_a_trace_cannot_hold_sparse_state() -> None:
    with pytest.raises(Unsupported, match="sparse"):
        one("SGD", lr=1.0, momentum=0.9).do("sparseGrad", param=0).do("step").run()


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
def test_every_optimizer_runs(optimizer: str) -> None:
    building = Building(optimizer, lr=0.01)
    building.param(np.full((2, 3), 0.5))
    grad = building.tensor(np.full((2, 3), 0.25))
    for _ in range(3):
        if optimizer == "SparseAdam":
            building.do("sparseGrad", param=0).do("step")
        else:
            building.do("step", closure={"loss": number(1.0), "grads": [[0, grad]]})
    building.do("stateDict", as_="a").do("load", from_="a", edits=[]).do("repr")
    for kind in ("exact", "foreach", "torch"):
        records = building.run(kind)
        assert "error" not in records[-1] and len(records) == len(building.program["commands"]) + 1
        assert (records[-2]["snapshot"]["params"][0] != 0.5).any()


def test_truth_is_float64_with_bounds() -> None:
    building = (
        one(weight_decay=0.1).step([0.5, 1e-3]).do("stateDict", as_="a").do("load", from_="a", edits=[])
    )
    building.step([0.5, 1e-3])
    exact, truth = building.run("exact"), building.run("truth", root=1.0)
    assert len(exact) == len(truth)
    steps = 0
    for ours, theirs in zip(exact, truth, strict=True):
        assert ("snapshot" in theirs) == ("bounds" in theirs) == ("snapshot" in ours)
        if "snapshot" not in theirs:
            continue
        for name, value, bound, single in _fields(theirs, ours):
            assert value.dtype == bound.dtype == np.float64 and value.shape == bound.shape == single.shape
            assert np.all(np.abs(single - value) <= 2 * bound)
            if name != "step" and steps:
                assert np.all((0 < bound) & (bound < 1e-5 * np.abs(value)))
        steps += bool(theirs["snapshot"]["state"])
    assert steps == 3


def _fields(
    truth: dict[str, Any], exact: dict[str, Any]
) -> list[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    snapshot, bounds, ours = truth["snapshot"], truth["bounds"], exact["snapshot"]
    fields = [("param", snapshot["params"][0], bounds["params"][0], ours["params"][0])]
    for key, entry in bounds["state"].items():
        fields += [
            (name, snapshot["state"][key][name], entry[name], ours["state"][key][name]) for name in entry
        ]
    return fields


def test_what_is_no_floating_tensor_has_no_bound() -> None:
    building = one()
    numbers = [{"tensor": building.tensor([1.0])}, {"tensor": building.tensor([1], "int64")}, 2, number(2.0)]
    edit = {"edit": "setState", "id": "other"}
    edits = [
        {**edit, "key": "x", "value": numbers},
        {**edit, "key": "y", "value": 2},
        {**edit, "key": "z", "value": numbers[1]},
    ]
    record = building.do("stateDict", as_="a").do("load", from_="a", edits=edits).run("truth")[-1]
    (state,) = record["snapshot"]["state"].values()
    assert state["z"].dtype == np.int64 and state["y"] == 2
    (bounds,) = record["bounds"]["state"].values()
    assert repr(bounds) == "{'x': [array([0.]), None, None, None]}"


def test_truth_starts_from_what_the_program_can_hold() -> None:
    building = one()
    wide = building.tensor([0.1, 0.2], "float64")
    edits = [
        {"edit": "setState", "id": 0, "key": key, "value": {"tensor": wide}} for key in ("step", "square_avg")
    ]
    building.do("stateDict", as_="a").do("load", from_="a", edits=edits)
    state = building.run("truth")[-1]["snapshot"]["state"][0]
    assert state["square_avg"].tolist() == np.array([0.1, 0.2], np.float32).tolist()


def test_an_operation_without_an_error_rule_is_unsupported(monkeypatch: pytest.MonkeyPatch) -> None:
    from torch_oracle.truth import Truth, UnknownOperation

    def refuse(self: Truth, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise UnknownOperation("aten.mystery")

    monkeypatch.setattr(Truth, "__torch_dispatch__", refuse)
    with pytest.raises(Unsupported, match=r"commands\[1\]: .*aten.mystery"):
        one().step([1.0, 1.0]).run("truth")


def test_global_hooks_never_outlive_their_program() -> None:
    hook = {"hook": "globalStepPre", "prepend": False, "action": {"do": "log"}}
    building = one().do("register", as_="a", **hook).do("register", as_="a", **hook).step([1.0, 1.0])
    assert building.run()[-1]["events"] == ["globalStepPre:a"] * 2
    with pytest.raises(BadProgram):
        building.do("remove", hook="unknown").run()
    assert not _global_optimizer_pre_hooks


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize("params", ["list", "dict"])
@pytest.mark.parametrize("format", ["pt", "safetensors"])
def test_a_training_goes_on_from_its_checkpoint(format: str, params: str, mmap: bool) -> None:
    whole = one("SGD", lr=0.1, momentum=0.9).step([0.5, 0.25]).step([0.1, 0.2]).run()
    saved = one("SGD", lr=0.1, momentum=0.9).step([0.5, 0.25]).do("save", format=format, params=params).run()
    file = saved[-1]["result"]
    assert file.dtype == np.uint8
    building = one("SGD", lr=0.7)
    building.do("resume", tensor=building.tensor(file, "uint8"), mmap=mmap)
    resumed, _, stepped = building.step([0.1, 0.2]).run()[1:]
    np.testing.assert_equal(resumed, {"snapshot": whole[2]["snapshot"]})
    np.testing.assert_equal(stepped, whole[4])
    assert not np.array_equal(resumed["snapshot"]["params"][0], stepped["snapshot"]["params"][0])


def test_a_file_that_torch_refuses_ends_the_program() -> None:
    building = one()
    building.do("resume", tensor=building.tensor([1, 2, 3], "uint8"), mmap=False).do("step")
    records = building.run()
    assert len(records) == 2 and records[1]["error"]["message"]
