"""Checkpoint files, and descriptions of what they hold."""

import io
import json
import pickle
import struct
import subprocess
from collections import Counter, OrderedDict
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from torch_oracle import checkpoints
from torch_oracle.catalogue import VERSION
from torch_oracle.descriptions import build, describe
from torch_oracle.errors import BadProgram, Unsupported

# torch 2.1 warns of calls that it makes itself.
pytestmark = pytest.mark.filterwarnings("ignore:TypedStorage", "ignore:The epoch parameter")

recent = pytest.mark.skipif(
    VERSION < (2, 6), reason=f"torch {torch.__version__} has no such dtype or class here"
)


def ordered() -> Any:
    result: Any = OrderedDict(b=1, a=2.0)
    result._metadata = OrderedDict({"": {"version": 1}})
    return result


def shared() -> Any:
    inner: list[Any] = [1]
    inner.append(inner)
    return {"first": inner, "again": inner, "bytes": bytearray(b"x")}


def views() -> Any:
    base = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    return [base[1:, ::2], base.t(), base, base, torch.tensor(5, dtype=torch.int8), torch.zeros(0, 3)]


def weights() -> Any:
    tensor = torch.tensor([1.0, -0.0])
    weight = torch.nn.Parameter(tensor)
    return {
        "weight": weight,
        "tied": weight,
        "frozen": torch.nn.Parameter(tensor.clone(), requires_grad=False),
    }


VALUES: dict[str, Any] = {
    "scalars": [None, True, 1, 1.0, -0.0, float("nan"), 2**70, -(2**53), "ß\u2028", 1e300],
    "tuples and sizes": (1, (2.0, [3]), torch.Size([2, 3])),
    "keys": {1: "a", "1": "b", (1, 2.5): "c", None: "d", 1.5: "e", b"k": "f"},
    "ordered": ordered(),
    "counter": Counter("abca"),
    "set": {1, "a", (2,)},
    "bytes": [b"\x00\xff", bytearray(b"\x80")],
    "complex": complex(1, -0.0),
    "torch values": [torch.bfloat16, torch.device("cpu"), torch.device("cuda", 1)],
    "shared": shared(),
    "views": views(),
    "weights": weights(),
    "requires grad": torch.ones(2, requires_grad=True),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_description_builds_what_it_describes(name: str) -> None:
    description = describe(VALUES[name])
    rebuilt = build(json.loads(json.dumps(description.header)), description.frames)
    assert describe(rebuilt) == description
    assert repr(rebuilt) == repr(VALUES[name])


def test_identity_is_described() -> None:
    value = build(describe(shared()).header, [])
    assert value["first"] is value["again"] is value["first"][1]
    tensors = build(*vars(describe(views())).values())
    assert tensors[2] is tensors[3]
    assert tensors[0].untyped_storage()._cdata == tensors[1].untyped_storage()._cdata
    tied = build(*vars(describe(weights())).values())
    assert tied["weight"] is tied["tied"]


def test_every_bit_of_a_storage_is_described() -> None:
    bits = torch.tensor([0x7FA00001, -0x80000000], dtype=torch.int32).view(torch.float32)
    assert describe(bits).frames == [struct.pack("<iI", 0x7FA00001, 0x80000000)]
    assert build(*vars(describe(bits)).values()).view(torch.int32).tolist() == [0x7FA00001, -0x80000000]


@pytest.mark.parametrize("value", [object(), {"k": frozenset()}, torch.eye(2).to_sparse(), int])
def test_what_has_no_description_is_refused(value: Any) -> None:
    with pytest.raises(Unsupported, match="a description cannot hold"):
        describe(value)


@pytest.mark.parametrize(
    "header",
    [
        {"value": {"tensor": 0}, "tensors": []},
        {"value": {"lambda": 1}, "tensors": []},
        {"value": {"tuple": 1}, "tensors": []},
        {"value": {"same": 3}, "tensors": []},
        {"value": {"dict": [[[], 1]]}, "tensors": []},
        {
            "value": {"tensor": 0},
            "tensors": [{"dtype": "float32", "shape": [9], "stride": [1], "offset": 0, "storage": 0}],
        },
        {
            "value": {"tensor": 0},
            "tensors": [{"dtype": "save", "shape": [1], "stride": [1], "offset": 0, "storage": 0}],
        },
    ],
)
def test_an_impossible_description_is_refused(header: dict[str, Any]) -> None:
    with pytest.raises(BadProgram, match="description"):
        build({**header, "storages": [4]}, [bytes(4)])


@recent
@pytest.mark.parametrize(
    ("format", "mmap"),
    [("pt", False), ("pt", True), ("pt-legacy", False), ("safetensors", False), ("safetensors", True)],
)
@pytest.mark.parametrize("name", VALUES)
def test_a_file_holds_the_value(name: str, format: str, mmap: bool) -> None:
    value = VALUES[name]
    again = checkpoints.load(checkpoints.save(value, format), mmap)
    if format != "safetensors":  # which keeps neither views nor storages that are shared
        assert describe(again) == describe(value)
    else:
        assert describe(again).header["value"] == describe(value).header["value"]
        assert repr(again) == repr(value)


def test_what_was_mapped_can_be_saved_again_where_a_tensor_is_empty() -> None:
    value = {"empty": torch.empty(0, dtype=torch.float64), "step": torch.tensor(1.0)}
    mapped = checkpoints.load(checkpoints.save(value, "safetensors"), mmap=True)
    again = checkpoints.load(checkpoints.save(mapped, "pt"))
    assert describe(again).header["value"] == describe(value).header["value"]
    assert repr(again) == repr(value)


def test_plain_tensors_are_an_ordinary_safetensors_file() -> None:
    tensors = {"b": torch.ones(2), "a": torch.zeros(3, dtype=torch.int64)}
    file = checkpoints.save(tensors, "safetensors")
    assert safetensors.torch.load(file).keys() == tensors.keys()
    header = json.loads(file[8 : 8 + int.from_bytes(file[:8], "little")])
    assert header["__metadata__"] == {"format": "pt"}


@pytest.mark.parametrize("mmap", [False, True])
def test_a_pickle_that_calls_something_is_not_run(tmp_path: Path, mmap: bool) -> None:
    witness = tmp_path / "witness"

    class Evil:
        def __reduce__(self) -> Any:
            return subprocess.call, (["touch", str(witness)],)

    file = io.BytesIO()
    torch.save({"weight": torch.ones(1), "evil": Evil()}, file)
    with pytest.raises(pickle.UnpicklingError):
        checkpoints.load(file.getvalue(), mmap)
    assert not witness.exists()
