"""The error bound, by random search: no correct subject leaves 2E, faults do, few elements are undecided."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from free_runs import Inputs, Value, run
from subjects import ORDERS, Arithmetic, Options, Order, adadelta, sgd
from torch_oracle.bounds import Bounds
from torch_oracle.truth import Truth

STEPS = 12
ADADELTA: Options = {"lr": 1.0, "rho": 0.9, "eps": 1e-6, "weight_decay": 0.0, "maximize": False}
ADADELTA_EDGES: list[Options] = [
    {},
    {"rho": 0.0},
    {"rho": 1.0},
    {"rho": 0.999},
    {"rho": 0.3},
    {"rho": 0.5, "lr": 1e-3},
    {"eps": 0.0},
    {"eps": 0.0, "rho": 0.95, "lr": 0.3},
    {"eps": 1.0},
    {"eps": 1e-30},
    {"lr": 0.0},
    {"lr": 1e4},
    {"lr": 1e-30},
    {"lr": 1e-3, "weight_decay": 0.01},
    {"weight_decay": 0.5, "maximize": True},
    {"rho": 1e-3, "eps": 1e-10, "weight_decay": 3.0},
    {"rho": 0.995, "eps": 0.0, "weight_decay": 0.01, "lr": 300.0},
]
SGD: Options = {
    "lr": 0.1,
    "momentum": 0.0,
    "dampening": 0.0,
    "weight_decay": 0.0,
    "nesterov": False,
    "maximize": False,
}
SGD_EDGES: list[Options] = [
    {},
    {"momentum": 0.9},
    {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    {"momentum": 0.3, "dampening": 0.3, "maximize": True},
    {"momentum": 1.0, "dampening": 1.0, "lr": 1e4},
    {"momentum": 0.5, "dampening": 0.1, "weight_decay": 3.0, "lr": 1.0},
    {"lr": 0.0, "weight_decay": 1.0},
    {"lr": 1e-30, "momentum": 1e-30},
]


def moderate(rng: np.random.Generator, dtype: Any, count: int) -> np.ndarray:
    return (rng.choice([-1, 1], count) * 10 ** rng.uniform(-3, 3, count)).astype(dtype)


def whole_range(rng: np.random.Generator, dtype: Any, count: int) -> np.ndarray:
    """Every finite exponent, subnormal ones too, and some zeros."""
    bits = np.dtype(dtype).itemsize * 8
    values = rng.integers(0, 1 << bits, count, dtype=f"u{bits // 8}", endpoint=False).view(dtype)
    return np.where(np.isfinite(values) & (rng.random(count) > 0.05), values, dtype(0))


def wide_region(rng: np.random.Generator, dtype: Any, count: int) -> np.ndarray:
    """From far below the region of the bound to a little above it."""
    low, high = (-90, 45) if dtype == np.float32 else (-700, 360)
    return (rng.choice([-1, 1], count) * 2.0 ** rng.uniform(low, high, count)).astype(dtype)


def tiny(rng: np.random.Generator, dtype: Any, count: int) -> np.ndarray:
    low, high = (-149, -60) if dtype == np.float32 else (-1074, -1000)
    return (rng.choice([-1, 1], count) * 2.0 ** rng.uniform(low, high, count)).astype(dtype)


def inputs_of(
    rng: np.random.Generator, values: Any, dtype: Any, count: int, names: tuple[str, ...] = ()
) -> Inputs:
    return Inputs(
        values(rng, dtype, count),
        [values(rng, dtype, count) for _ in range(STEPS)],
        {name: abs(values(rng, dtype, count)) for name in names},
    )


def torch_dtype(dtype: Any) -> torch.dtype:
    return torch.float32 if dtype == np.float32 else torch.float64


def adadelta_run(arithmetic: Arithmetic, order: Order, options: Options, inputs: Inputs) -> list[Any]:
    zeros = np.zeros_like(inputs.param)
    fields = [inputs.param, inputs.state.get("square_avg", zeros), inputs.state.get("acc_delta", zeros)]
    steps = []
    for grad in inputs.grads:
        with np.errstate(all="ignore"):
            fields = adadelta(arithmetic, order, options, fields[0], grad, *fields[1:])
        steps.append(fields)
    return steps


def sgd_run(arithmetic: Arithmetic, order: Order, options: Options, inputs: Inputs) -> list[Any]:
    param, buffer, steps = inputs.param, None, []
    for grad in inputs.grads:
        with np.errstate(all="ignore"):
            param, buffer = sgd(arithmetic, order, options, param, grad, buffer)
        steps.append([param, buffer])
    return steps


def worst_excess(truth: list[list[Value]], subject: list[Any]) -> float:
    return max(
        float(np.max(expected.excess(field)))
        for step, fields in zip(truth, subject, strict=True)
        for expected, field in zip(step, fields, strict=False)
    )


def undecided(truth: list[list[Value]]) -> float:
    return float(np.mean([~value.decided for step in truth for value in step]))


SEARCHES = [
    (np.float32, moderate, 2.0, False),
    (np.float32, moderate, 1.0, False),
    (np.float32, moderate, 4.0, False),
    (np.float32, whole_range, 2.0, False),
    (np.float32, wide_region, 2.0, False),
    (np.float32, tiny, 2.0, False),
    (np.float32, whole_range, 2.0, True),
    (np.float32, wide_region, 2.0, True),
    (np.float32, tiny, 2.0, True),
    (np.float64, moderate, 2.0, False),
    (np.float64, moderate, 1.0, False),
    (np.float64, whole_range, 2.0, False),
    (np.float64, wide_region, 2.0, False),
    (np.float64, tiny, 2.0, False),
]


@pytest.mark.parametrize(("dtype", "values", "root", "flush"), SEARCHES)
def test_no_correct_adadelta_leaves_twice_the_bound(
    dtype: Any, values: Any, root: float, flush: bool
) -> None:
    rng = np.random.default_rng(1)
    worst, shares = 0.0, []
    for edge in ADADELTA_EDGES:
        options = {**ADADELTA, **edge}
        for names in ((), ("square_avg", "acc_delta")):
            inputs = inputs_of(rng, values, dtype, 300, names)
            truth = run("Adadelta", options, inputs, Truth(torch_dtype(dtype), root, flush))
            shares.append(undecided(truth))
            for arithmetic in arithmetics(dtype, root, flush):
                for order in rng.choice(np.array(ORDERS, object), 2, replace=False):
                    excess = worst_excess(truth, adadelta_run(arithmetic, order, options, inputs))
                    assert excess <= 2, (options, names, arithmetic, order)
                    worst = max(worst, excess)
    print(f"worst error / E {worst:.3f}, undecided {np.mean(shares):.4f}")
    assert worst > 0.5  # else the search compared nothing


@pytest.mark.parametrize(("dtype", "values", "root", "flush"), SEARCHES)
def test_no_correct_sgd_leaves_twice_the_bound(dtype: Any, values: Any, root: float, flush: bool) -> None:
    rng = np.random.default_rng(2)
    worst = 0.0
    for edge in SGD_EDGES:
        options = {**SGD, **edge}
        inputs = inputs_of(rng, values, dtype, 1000)
        truth = run("SGD", options, inputs, Truth(torch_dtype(dtype), root, flush))
        for arithmetic in arithmetics(dtype, root, flush):
            for order in (Order(), Order(lr_first=True)):
                excess = worst_excess(truth, sgd_run(arithmetic, order, options, inputs))
                assert excess <= 2, (options, arithmetic, order)
                worst = max(worst, excess)
    print(f"worst error / E {worst:.3f}")
    assert worst > 0.3


@pytest.mark.parametrize("lr", [1.0, 1e4, 2.0**30, 2.0**90, 2.0**-30, 1e-30])
@pytest.mark.parametrize("flush", [False, True])
def test_no_product_of_factors_at_the_limits_leaves_twice_the_bound(lr: float, flush: bool) -> None:
    """lr * g * sqrt(a) / sqrt(b) in every order, where some orders overflow and some underflow."""
    rng, count, worst = np.random.default_rng(7), 3000, 0.0

    def powers(low: float, high: float) -> np.ndarray:
        return (2.0 ** rng.uniform(low, high, count)).astype(np.float32)

    for grads in ((-149, -60), (30, 62)):
        state = {"square_avg": powers(-126, 120), "acc_delta": powers(-126, 120)}
        inputs = Inputs(powers(-126, -60), [powers(*grads)], state)
        for eps, rho in ((0.0, 0.9), (1e-6, 0.9), (0.0, 1.0)):
            options = {**ADADELTA, "lr": lr, "eps": eps, "rho": rho}
            truth = run("Adadelta", options, inputs, Truth(torch.float32, flush=flush))
            for order in ORDERS:
                arithmetic = Arithmetic(np.float32, flush=flush)
                excess = worst_excess(truth, adadelta_run(arithmetic, order, options, inputs))
                assert excess <= 2, (options, grads, order)
                worst = max(worst, excess)
    assert worst > 0.3


RULES: dict[str, tuple[int, Any]] = {
    "add": (2, lambda x, y: x + y),
    "mul": (2, lambda x, y: x * y),
    "div": (2, lambda x, y: x / y),
    "sqrt": (1, np.sqrt),
    "addcmul": (3, lambda x, y, z: x + 0.7 * y * z),
    "addcdiv": (3, lambda x, y, z: x + 0.7 * y / z),
    "lerp": (2, lambda x, y: x + 0.7 * (y - x)),
    "extremum": (2, np.maximum),
}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_encloses_whatever_its_operands_enclose(rule: str) -> None:
    """Also where the errors are as large as the values."""
    operands, operation = RULES[rule]
    rng, count = np.random.default_rng(8), 10_000
    values = [moderate(rng, np.float64, count) for _ in range(operands)]
    errors = [abs(value) * 10 ** rng.uniform(-6, 0.3, count) for value in values]
    if rule == "sqrt":
        values = [abs(value) for value in values]
    scalar = {"addcmul": (0.7,), "addcdiv": (0.7,), "lerp": (0.7,)}.get(rule, ())
    with np.errstate(all="ignore"):
        bound = getattr(Bounds(np.float32, 2.0, False), rule)(*zip(values, errors, strict=True), *scalar)
        decided = np.isfinite(bound)
        for corner in itertools.product((-1, 0, 1), repeat=operands):
            moved = [x + sign * ex for x, ex, sign in zip(values, errors, corner, strict=True)]
            distance = abs(operation(*moved) - operation(*values))
            assert np.all(distance[decided] <= bound[decided] * (1 + 1e-9))
    assert np.mean(decided) > 0.5


def arithmetics(dtype: Any, root: float, flush: bool) -> list[Arithmetic]:
    if flush:
        return [Arithmetic(dtype, flush=True), Arithmetic(dtype, flush=True, fma=True), Arithmetic(dtype)]
    return [
        Arithmetic(dtype),
        Arithmetic(dtype, fma=True),
        Arithmetic(dtype, wide=True),
        Arithmetic(dtype, root=root),
    ]


@pytest.mark.parametrize("values", [moderate, whole_range])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("optimizer", "defaults", "edges"), [("Adadelta", ADADELTA, ADADELTA_EDGES), ("SGD", SGD, SGD_EDGES)]
)
def test_torch_as_it_is_stays_within_the_bound(
    optimizer: str, defaults: Options, edges: list[Options], dtype: Any, values: Any
) -> None:
    rng = np.random.default_rng(3)
    worst, shares = 0.0, []
    for edge in edges:
        options = {**defaults, **edge}
        inputs = inputs_of(rng, values, dtype, 1000)
        truth = run(optimizer, options, inputs, Truth(torch_dtype(dtype)))
        native = run(optimizer, options, inputs, None)
        worst = max(worst, worst_excess(truth, [[field.value for field in step] for step in native]))
        shares.append(undecided(truth))
        if values is moderate and options.get("rho") != 0:
            assert shares[-1] == 0, options
    print(f"worst error / E {worst:.3f}, undecided {np.mean(shares):.4f}")
    assert worst <= 1


FAULTS: dict[str, tuple[Options, Options]] = {
    "lr * (1 + 1e-5)": ({}, {"lr": 1 + 1e-5}),
    "eps * 10": ({}, {"eps": 1e-5}),
    "eps added twice": ({}, {"eps": 2e-6}),
    "eps outside the root": ({}, {"eps_outside": True}),
    "the old square_avg": ({}, {"old_square_avg": True}),
    "1 - rho off by 1e-4": ({}, {"weight": 0.1 + 1e-4}),
    "rho off by 1e-5": ({}, {"rho": 0.9 + 1e-5}),
    "1 - rho in float32": ({"rho": 0.999}, {"weight": np.float32(1) - np.float32(0.999)}),
    "weight decay * (1 + 1e-5)": ({"weight_decay": 0.5}, {"weight_decay": 0.5 * (1 + 1e-5)}),
    "decay without maximize's sign": (
        {"weight_decay": 0.5, "maximize": True},
        {"weight_decay": -0.5, "maximize": True},
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_leave_twice_the_bound(fault: str) -> None:
    given, planted = FAULTS[fault]
    options = {**ADADELTA, **given}
    inputs = inputs_of(np.random.default_rng(4), moderate, np.float32, 1000)
    truth = run("Adadelta", options, inputs, Truth(torch.float32))
    correct = adadelta_run(Arithmetic(np.float32), Order(), options, inputs)
    faulty = adadelta_run(Arithmetic(np.float32), Order(), {**options, **planted}, inputs)
    assert worst_excess(truth, correct) <= 1
    caught = max(
        float(np.mean(value.excess(field) > 2)) for value, field in zip(truth[0], faulty[0], strict=True)
    )
    print(f"{caught:.3f} of the elements of the field that shows it most, after one step")
    assert caught > 0.2


def test_float16_state_leaves_twice_the_bound() -> None:
    inputs = inputs_of(np.random.default_rng(5), moderate, np.float32, 100)
    ((_, square_avg, _), *_) = run("Adadelta", ADADELTA, inputs, Truth(torch.float32))
    with np.errstate(over="ignore"):
        halves = square_avg.value.astype(np.float16)
    assert np.mean(square_avg.excess(halves) > 2) > 0.9


@pytest.mark.parametrize("optimizer", ["Adam", "AdamW", "RMSprop", "Adagrad", "ASGD"])
def test_other_optimizers_of_torch_are_bounded_too(optimizer: str) -> None:
    inputs = inputs_of(np.random.default_rng(6), moderate, np.float32, 1000)
    options = {"centered": True, "momentum": 0.9} if optimizer == "RMSprop" else {"weight_decay": 0.1}
    truth = run(optimizer, options, inputs, Truth(torch.float32))
    native = run(optimizer, options, inputs, None)
    assert 0.1 < worst_excess(truth, [[field.value for field in step] for step in native]) <= 1
    assert undecided(truth) < 0.01
