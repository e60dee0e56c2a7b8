"""What torch itself puts into checkpoints: every optimizer and scheduler, and whole trainings, by name."""

import argparse
import inspect
import itertools
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.optim import lr_scheduler, swa_utils

from torch_oracle.programs import OPTIMIZERS
from torch_oracle.training import Plain, Training, filled

Entry = Callable[[], Training | Plain]

VERSION = tuple(map(int, torch.__version__.split("+")[0].split(".")[:2]))

_COMMON: list[dict[str, Any]] = [{}, {"foreach": True}, {"maximize": True, "weight_decay": 0.1}]
_FUSED = [{"fused": True}] if VERSION >= (2, 4) else []  # before, on CUDA alone
_ADAM: list[dict[str, Any]] = [*_COMMON, {"amsgrad": True, "betas": (0.8, 0.99)}, *_FUSED]
_TENSOR_LR = [{"lr": torch.tensor(0.5)}]

# The options that change what is in the state, or its types.
_OPTIONS: dict[str, list[dict[str, Any]]] = {
    "Adadelta": [*_COMMON, {"lr": 1}],
    "Adafactor": [{}, {"foreach": True}, {"maximize": True}, {"eps": (1e-20, 1e-3)}],
    "Adagrad": [*_COMMON, {"initial_accumulator_value": 0.5, "lr_decay": 0.1}, *_FUSED],
    "Adam": [*_ADAM, *_TENSOR_LR],
    "AdamW": [*_ADAM, *_TENSOR_LR],
    "Adamax": _COMMON,
    "ASGD": [*_COMMON, {"t0": 1.0}],
    "LBFGS": [{}, {"line_search_fn": "strong_wolfe"}, {"history_size": 2, "max_iter": 3}],
    "Muon": [{}, {"nesterov": False}, {"adjust_lr_fn": "match_rms_adamw"}],
    "NAdam": [*_COMMON, {"decoupled_weight_decay": True}],
    "RAdam": [*_COMMON, {"decoupled_weight_decay": True}],
    "RMSprop": [*_COMMON, {"momentum": 0.9, "centered": True}],
    "Rprop": [{}, {"foreach": True}, {"etas": (0.4, 1.3)}],
    "SGD": [*_COMMON, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}, {"momentum": 1}, *_FUSED],
    "SparseAdam": [{}, {"maximize": True}],
}
# Before, a CPU had no arithmetic for float16.
_DTYPES = ("float64", "bfloat16", *(["float16"] if VERSION >= (2, 4) else []), "complex64")
_NO_COMPLEX = ("Adafactor", "Adamax", "LBFGS", "Muon", "NAdam", "RAdam", "SparseAdam")


def _optimizers() -> Iterator[tuple[str, Entry]]:
    for name, kind in sorted(OPTIMIZERS.items()):
        known = inspect.signature(kind).parameters.keys()
        for options in _OPTIONS.get(name, [{}]):  # one that is newer than this table has its defaults
            if options.keys() <= known:
                yield f"{_call(name, options)}", _training(name, options)
        yield f"{name} before its first step", _training(name, steps=0)
        for dtype in _DTYPES:
            if dtype != "complex64" or name not in _NO_COMPLEX:
                yield f"{name} of {dtype}", _training(name, dtype=dtype)
        if name != "LBFGS":  # which takes one group
            yield f"{name} with three groups", _training(name, groups=3)
        if VERSION >= (2, 6):
            yield f"{name} with named parameters", _training(name, named=True)


def _training(name: str, options: dict[str, Any] | None = None, **layout: Any) -> Entry:
    return lambda: Training.of(OPTIMIZERS[name], options or {}, **layout)


def _call(name: str, options: dict[str, Any]) -> str:
    return f"{name}({', '.join(f'{key}={value}' for key, value in options.items())})"


class _Warmup:
    """A callable with attributes, which schedulers save; functions they do not."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def __call__(self, epoch: int) -> float:
        return min(1.0, (epoch + 1) / self.epochs)


def _halve(epoch: float) -> float:
    return 0.5**epoch


_SCHEDULERS: dict[str, Callable[[Any], Any]] = {
    "LambdaLR of functions": lambda o: lr_scheduler.LambdaLR(o, [_halve, lambda epoch: 0.9**epoch]),
    "LambdaLR of objects": lambda o: lr_scheduler.LambdaLR(o, [_Warmup(4), _Warmup(2)]),
    "MultiplicativeLR": lambda o: lr_scheduler.MultiplicativeLR(o, lambda _: 0.95),
    "StepLR": lambda o: lr_scheduler.StepLR(o, 2, 0.1),
    "MultiStepLR": lambda o: lr_scheduler.MultiStepLR(o, [1, 2, 2, 5]),
    "ConstantLR": lambda o: lr_scheduler.ConstantLR(o, 0.5, 2),
    "LinearLR": lambda o: lr_scheduler.LinearLR(o, 0.25, total_iters=3),
    "ExponentialLR": lambda o: lr_scheduler.ExponentialLR(o, 0.9),
    "PolynomialLR": lambda o: lr_scheduler.PolynomialLR(o, 4, 2.0),
    "CosineAnnealingLR": lambda o: lr_scheduler.CosineAnnealingLR(o, 10, 0.01),
    "CosineAnnealingWarmRestarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 2, 2),
    "ReduceLROnPlateau": lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=0, cooldown=1),
    "ReduceLROnPlateau of max": lambda o: lr_scheduler.ReduceLROnPlateau(o, "max", threshold_mode="abs"),
    "CyclicLR": lambda o: lr_scheduler.CyclicLR(o, 0.01, 0.1, 2),
    "CyclicLR of exp_range": lambda o: lr_scheduler.CyclicLR(o, 0.01, 0.1, 2, mode="exp_range", gamma=0.9),
    "CyclicLR of a function": lambda o: lr_scheduler.CyclicLR(o, 0.01, 0.1, 2, scale_fn=_halve),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, 0.1, 10),
    "OneCycleLR, linear": lambda o: lr_scheduler.OneCycleLR(o, [0.1, 0.2], 10, anneal_strategy="linear"),
    "ChainedScheduler": lambda o: lr_scheduler.ChainedScheduler(
        [lr_scheduler.ConstantLR(o, 0.5, 2), lr_scheduler.ExponentialLR(o, 0.9)]
    ),
    "SequentialLR": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.LinearLR(o, 0.5, total_iters=2), lr_scheduler.StepLR(o, 2)], [2]
    ),
    "SWALR": lambda o: swa_utils.SWALR(o, 0.05, 3),
    "SWALR, linear": lambda o: swa_utils.SWALR(o, 0.05, 3, "linear"),
}


def _schedulers() -> Iterator[tuple[str, Entry]]:
    def entry(make: Callable[[Any], Any], optimizer: str, steps: int) -> Entry:
        options = {"lr": 0.1, **({"momentum": 0.9} if optimizer == "SGD" else {})}
        return lambda: Training.of(OPTIMIZERS[optimizer], options, groups=2, steps=steps, scheduler=make)

    for name, make in _SCHEDULERS.items():
        yield name, entry(make, "SGD", 3)
        yield f"{name} before its first step", entry(make, "SGD", 0)
        if "CyclicLR" not in name:  # which cycles the momentum
            yield f"{name} over AdamW", entry(make, "AdamW", 2)


def _whole() -> Iterator[tuple[str, Entry]]:
    """Trainings as people save them."""
    yield "a whole training with SGD", lambda: _whole_training("SGD", {"lr": 0.1, "momentum": 0.9})
    yield "a whole training with AdamW", lambda: _whole_training("AdamW", {"amsgrad": True})
    yield "an averaged model", lambda: Plain(swa_utils.AveragedModel(_model()).state_dict())
    yield "parameters", lambda: Plain(list(_model().parameters()))
    yield "parameters by name", lambda: Plain(dict(_model().named_parameters()))
    yield "tied weights", lambda: Plain(_tied())
    yield "views of one tensor", lambda: Plain(_views())
    yield "torch's random state", lambda: Plain(torch.get_rng_state())
    yield "Python's random state", lambda: Plain(random.Random(1).getstate())
    # What weights_only refuses, or needs a name for.
    yield "a NumPy array", lambda: Plain({"loss": np.arange(3.0)})
    yield "a NumPy scalar", lambda: Plain({"loss": np.float64(0.5)})
    yield "a namespace", lambda: Plain({"args": argparse.Namespace(lr=0.1)})
    yield "a whole model", lambda: Plain(_model())
    yield "a function", lambda: Plain({"schedule": _halve})


def _model() -> torch.nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return torch.nn.Sequential(
            torch.nn.Conv1d(2, 3, 2), torch.nn.BatchNorm1d(3), torch.nn.Flatten(), torch.nn.Linear(9, 2)
        )


def _whole_training(name: str, options: dict[str, Any]) -> Training:
    model = _model()
    # Before, a scaler without CUDA had no state.
    scaler = {"scaler": torch.amp.GradScaler("cpu")} if hasattr(torch.amp, "GradScaler") else {}
    notes = {"epoch": 3, "loss": float("inf"), "best": None, "classes": ["cat", "dog"], "betas": (0.9, 1)}
    return Training(
        list(model.parameters()),
        OPTIMIZERS[name](model.parameters(), **options),
        {"model": model, **scaler},
        lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, 10),
        notes={**notes, "rng": torch.get_rng_state()},
    ).stepped(2)


def _tied() -> dict[str, Any]:
    weight = torch.nn.Parameter(filled((3, 2), torch.float32))
    return {"encoder.weight": weight, "decoder.weight": weight, "transposed": weight.detach().t()}


def _views() -> dict[str, Any]:
    base = filled((4, 6), torch.float32)
    return {
        "row": base[1],
        "column": base[:, 2],
        "every other": base[::2, 1::2],
        "expanded": base[0, :1].expand(3),
        "empty": base[2:2],
        "scalar": base[3, 5],
        "base": base,
    }


CATALOGUE: dict[str, Entry] = dict(itertools.chain(_optimizers(), _schedulers(), _whole()))
