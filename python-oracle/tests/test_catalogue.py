"""The catalogue holds what torch can put into a checkpoint, always the same."""

from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler

from torch_oracle import exchange
from torch_oracle.catalogue import CATALOGUE
from torch_oracle.errors import BadProgram
from torch_oracle.programs import OPTIMIZERS
from torch_oracle.training import Training

# torch 2.1 warns of calls that it makes itself.
pytestmark = pytest.mark.filterwarnings("ignore:TypedStorage", "ignore:The epoch parameter")


def saved(name: str) -> tuple[dict[str, Any], list[bytes]]:
    return exchange.save({"catalogue": name}, "pt", [])


def loaded(file: bytes, **item: Any) -> tuple[dict[str, Any], list[bytes]]:
    return exchange.load({"mmap": False, **item}, file)


def test_every_optimizer_and_scheduler_of_torch_is_there() -> None:
    public = [name for name in lr_scheduler.__all__ if name != "LRScheduler"]
    for name in [*OPTIMIZERS, *public, "SWALR"]:
        assert any(entry.startswith(name) for entry in CATALOGUE), name


def test_an_entry_is_the_same_every_time_and_leaves_the_random_state_alone() -> None:
    before = torch.get_rng_state()
    for name in ("a whole training with AdamW", "Adam before its first step", "OneCycleLR", "SparseAdam()"):
        assert saved(name) == saved(name)
    assert torch.equal(torch.get_rng_state(), before)


def test_every_training_goes_on_from_its_file_as_if_it_had_not_stopped() -> None:
    resumed = refused = 0
    for name, make in CATALOGUE.items():
        header, (file, *_) = saved(name)
        answer, _ = loaded(file, resume=name)
        if "refused" in answer:
            refused += 1
            continue
        assert answer["description"] == header["description"], name
        entry = make()
        if isinstance(entry, Training):
            assert "error" not in answer["after"], name
            assert answer["after"] != answer["description"], name
            resumed += 1
    assert resumed > 150 and refused >= 5


def test_what_has_no_name_is_refused() -> None:
    with pytest.raises(BadProgram, match="there is no 'Adam with cheese'"):
        saved("Adam with cheese")


def test_what_torch_refuses_comes_with_its_words() -> None:
    header, (file,) = saved("a whole model")
    assert "type Sequential" in header["undescribed"]
    answer, frames = loaded(file)
    assert answer["refused"]["class"] == "UnpicklingError" and frames == []
    assert "Sequential" in answer["refused"]["message"]


def test_a_broken_file_is_refused() -> None:
    _, (file, *_) = saved("Adam()")
    for broken in (file[:-100], b"", b"PK\x03\x04", file[:2000] + bytes(8) + file[2008:]):
        answer, _ = loaded(broken)
        assert "refused" in answer or broken[:4] == file[:4]
