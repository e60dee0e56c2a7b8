"""The kinds exact and foreach, against plain IEEE arithmetic."""

from typing import Any

import numpy as np
import pytest
import torch

from building import Building
from torch_oracle import checks, complex_checks, half_checks
from torch_oracle.exact import ExactRoot

OPTION_SETS: list[dict[str, Any]] = [
    {},
    {"lr": 0.3, "rho": 0.95, "eps": 1e-8},
    {"weight_decay": 0.1, "maximize": True},
    {"rho": 0.0, "eps": 0.0},
    {"rho": 1.0, "eps": 1e30, "weight_decay": 1e-30},
]


def values(seed: int, size: int, dtype: str) -> np.ndarray:
    """Half of ordinary size, half of random bits: subnormals, infinities and NaN are among them."""
    random = np.random.default_rng(seed)
    ordinary = random.standard_normal(size - size // 2).astype(dtype)
    itemsize = np.dtype(dtype).itemsize
    anything = random.integers(0, 256, size // 2 * itemsize, dtype=np.uint8).view(dtype)
    return np.concatenate([ordinary, anything])


class Adadelta:
    """The documented update in plain arithmetic; each scalar is rounded where it meets a tensor."""

    def __init__(
        self,
        param: np.ndarray,
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        scalar = param.dtype.type
        self.lr, self.rho, self.rest = scalar(-lr), scalar(rho), scalar(1 - rho)
        self.eps, self.weight_decay, self.maximize = scalar(eps), scalar(weight_decay), maximize
        self.param, self.square_avg, self.acc_delta = param.copy(), np.zeros_like(param), np.zeros_like(param)

    def step(self, grad: np.ndarray) -> None:
        with np.errstate(all="ignore"):
            grad = -grad if self.maximize else grad
            if self.weight_decay != 0:
                grad = grad + self.weight_decay * self.param
            self.square_avg = self.square_avg * self.rho + self.rest * grad * grad
            delta = np.sqrt(self.acc_delta + self.eps) / np.sqrt(self.square_avg + self.eps) * grad
            self.acc_delta = self.acc_delta * self.rho + self.rest * delta * delta
            self.param = self.param + self.lr * delta


def differing(actual: np.ndarray, expected: np.ndarray) -> int:
    """How many elements differ in any bit, NaN payloads aside."""
    assert actual.dtype == expected.dtype and actual.shape == expected.shape
    same = (actual == expected) & (np.signbit(actual) == np.signbit(expected))
    return int(np.sum(~(same | (np.isnan(actual) & np.isnan(expected)))))


def differences(kind: str, dtype: str, options: dict[str, Any]) -> int:
    """How many elements of parameter and state differ from plain arithmetic over ten steps."""
    start = values(0, 1001, dtype)
    plain = Adadelta(start, **options)
    building = Building(dtype=dtype, **options)
    building.param(start)
    grads = [values(step, 1001, dtype) for step in range(1, 11)]
    for grad in grads:
        building.step(grad)
    snapshots = [record["snapshot"] for record in building.run(kind) if "snapshot" in record][1:]
    total = 0
    for step, (snapshot, grad) in enumerate(zip(snapshots, grads, strict=True), start=1):
        plain.step(grad)
        state = snapshot["state"][0]
        assert state["step"] == step
        total += differing(snapshot["params"][0], plain.param)
        total += differing(state["square_avg"], plain.square_avg)
        total += differing(state["acc_delta"], plain.acc_delta)
    return total


@pytest.mark.parametrize("options", OPTION_SETS, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["exact", "foreach"])
def test_is_plain_arithmetic(kind: str, dtype: str, options: dict[str, Any]) -> None:
    assert differences(kind, dtype, options) == 0


def test_torch_as_it_is_differs() -> None:
    """Otherwise the test above could not fail for want of an exact root."""
    assert differences("torch", "float32", {}) > 0


@pytest.mark.parametrize("optimizer", ["Adadelta", "SGD", "Adam", "RMSprop"])
def test_foreach_equals_the_loop_and_is_really_taken(optimizer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {"momentum": 0.9} if optimizer == "SGD" else {}
    building = Building(optimizer, lr=0.1, **options)
    for size in (1, 5, 33):
        building.param(values(size, size, "float32"))
    for step in range(3):
        building.step(*(values(100 + step, size, "float32") for size in (1, 5, 33)))
    building.do("stateDict", as_="end")
    calls: list[str] = []

    class Watched(ExactRoot):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            calls.append(str(func))
            return super().__torch_dispatch__(func, types, args, kwargs)

    monkeypatch.setattr("torch_oracle.kinds.ExactRoot", Watched)
    loop = building.run("exact")
    assert not any("_foreach" in call for call in calls)
    foreach = building.run("foreach")
    assert any("_foreach" in call for call in calls)
    assert repr(loop) == repr(foreach)
    assert loop[-1]["result"]["param_groups"][0]["foreach"] is None


def test_every_form_of_the_root_is_replaced() -> None:
    given = torch.from_numpy(values(7, 1000, "float32"))
    with np.errstate(invalid="ignore"):
        expected = np.sqrt(given.numpy())
    assert differing(torch.sqrt(given).numpy(), expected) > 0
    outs = [torch.empty(1000), torch.empty(1000)]
    with ExactRoot():
        torch.sqrt(given, out=outs[0])
        torch.ops.aten._foreach_sqrt.out([given], out=[outs[1]])
        clones = [given.clone(), given.clone()]
        torch.ops.aten._foreach_sqrt_([clones[0]])
        clones[1].sqrt_()
        forms = [given.sqrt(), torch.ops.aten._foreach_sqrt([given])[0], *clones, *outs]
    assert [differing(form.numpy(), expected) for form in forms] == [0] * 6


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_halves_keep_their_own_root(dtype: torch.dtype) -> None:
    given = torch.tensor([2.0, 3.0], dtype=dtype)
    with ExactRoot():
        assert torch.equal(given.sqrt(), torch.tensor([2**0.5, 3**0.5]).to(dtype))


def test_self_check_proves_the_primitives() -> None:
    results = checks.self_check()
    assert len(results) == 74
    assert all(results.values()), [name for name, proven in results.items() if not proven]


def test_self_check_sees_a_root_that_is_not_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    def torchs(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        out = np.empty_like(x) if out is None else out
        np.copyto(out, torch.sqrt(torch.from_numpy(x)).numpy())
        return out

    monkeypatch.setattr("torch_oracle.exact.np.sqrt", torchs)
    results = checks.self_check()
    assert {name for name, proven in results.items() if not proven} == {"sqrt.float32", "sqrt.float64"}


def test_self_check_sees_fma(monkeypatch: pytest.MonkeyPatch) -> None:
    def fused(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return (a.double() + b.double() * float(np.float32(-0.1))).to(a.dtype)

    monkeypatch.setitem(checks._BINARY, "add.alpha", (fused, checks._BINARY["add.alpha"][1]))
    assert not checks.self_check()["add.alpha.float32"]


def test_self_check_sees_another_rounding_of_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    def rounded_once(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return (a.float() + b.float() * -0.1).to(a.dtype)

    monkeypatch.setitem(half_checks._RULES, "add.alpha", (rounded_once, half_checks._RULES["add.alpha"][1]))
    failed = {name for name, proven in checks.self_check().items() if not proven}
    assert failed == {"add.alpha.float16", "add.alpha.bfloat16"}


def test_self_check_sees_complex_numbers_scaled_by_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    def by_parts(a: torch.Tensor, _: torch.Tensor, scalar: float) -> torch.Tensor:
        return torch.view_as_complex(torch.view_as_real(a) * scalar)

    rule = complex_checks._RULES["mul.scalar"][1]
    monkeypatch.setitem(complex_checks._RULES, "mul.scalar", (by_parts, rule))
    assert [name for name, proven in checks.self_check().items() if not proven] == ["mul.scalar.complex64"]
