"""Answers of a worker about checkpoint files: what is in them, and files for what it is told."""

from typing import Any

import torch

from torch_oracle import checkpoints
from torch_oracle.catalogue import CATALOGUE
from torch_oracle.descriptions import build, describe
from torch_oracle.errors import BadProgram, Unsupported
from torch_oracle.exact import ExactRoot
from torch_oracle.training import Plain, Training

Answer = tuple[dict[str, Any], list[bytes]]


def save(item: dict[str, Any], format: str, frames: list[bytes]) -> Answer:
    """A file, and the description of what went into it where it was not described by the caller."""
    with ExactRoot():
        entry = _entry(item["catalogue"]) if "catalogue" in item else Plain(build(item, frames))
    value = entry.value() if isinstance(entry, Training) else entry.value
    try:
        file = checkpoints.save(value, format)
    except Exception as error:
        return {"refused": _refusal(error)}, []
    if "catalogue" not in item:
        return {}, [file]
    try:
        description = describe(value)
    except Unsupported as error:
        return {"undescribed": error.message}, [file]
    return {"description": description.header}, [file, *description.frames]


def load(item: dict[str, Any], file: bytes) -> Answer:
    """The description of what a file holds, and of a training that was resumed from it and stepped."""
    try:
        value = checkpoints.load(file, item["mmap"])
    except Exception as error:
        return {"refused": _refusal(error)}, []
    description = describe(value)
    header, frames = {"description": description.header}, description.frames
    if "resume" in item and isinstance(training := _entry(item["resume"]), Training):
        after, more = _after(training, value)
        header["after"] = after
        frames = [*frames, *more]
    return header, frames


def _after(training: Training, value: Any) -> Answer:
    try:
        with ExactRoot():
            training.resume(value)
            stepped = training.stepped(1).value()
    except Exception as error:
        return {"error": _refusal(error)}, []
    description = describe(stepped)
    return description.header, description.frames


def _entry(name: str) -> Training | Plain:
    if name not in CATALOGUE:
        raise BadProgram("catalogue", f"there is no {name!r}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return CATALOGUE[name]()


def _refusal(error: Exception) -> dict[str, str]:
    return {"class": type(error).__name__, "message": str(error)}
