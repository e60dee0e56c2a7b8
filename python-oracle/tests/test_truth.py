"""The mode that carries bounds: what shares them, what copies them, what it refuses."""

import copy
from typing import Any

import numpy as np
import pytest
import torch

from torch_oracle.truth import Truth, UnknownOperation

U = 2.0**-24


def double(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def bounds(truth: Truth, *tensors: torch.Tensor) -> list[Any]:
    return [truth.bound(tensor).tolist() for tensor in tensors]


@pytest.fixture
def truth() -> Truth:
    return Truth(torch.float32)


def rounded(truth: Truth, *values: float) -> torch.Tensor:
    """A tensor with an error in every element."""
    with truth:
        return double(*values).mul_(0.7)


def test_what_a_program_gives_is_exact(truth: Truth) -> None:
    with truth:
        x = torch.nn.Parameter(double(0.1, -3.0, 0.0))
        assert bounds(truth, x, torch.zeros_like(x), torch.tensor(7)) == [[0.0] * 3, [0.0] * 3, 0.0]


def test_a_small_factor_allows_for_the_other_form_of_an_average(truth: Truth) -> None:
    with truth:
        product = double(3.0).mul(0.25)
    assert truth.bound(product).item() == pytest.approx(U * (0.75 + 0.75 * 3.0), rel=1e-5, abs=0)


@pytest.mark.parametrize(
    ("operation", "roundings"),
    [
        (lambda x, y: x * y, 1),
        (lambda x, y: x * 0.5, 1),
        (lambda x, y: x * 0.7, 2),
        (lambda x, y: x / y, 1),
        (lambda x, y: x + y, 1),
        (lambda x, y: -x, 0),
        (lambda x, y: x.abs(), 0),
        (lambda x, y: torch.maximum(x, y), 0),
        (lambda x, y: x.sqrt(), 2),
        (lambda x, y: torch.zeros_like(x).add(y, alpha=0.1), 3),
        (lambda x, y: torch.zeros_like(x).addcmul(x, y, value=0.1), 4),
        (lambda x, y: torch.zeros_like(x).addcdiv(x, y, value=0.5), 3),
    ],
)
def test_operations_count_their_roundings(truth: Truth, operation: Any, roundings: int) -> None:
    with truth:
        result = operation(double(3.0, 5.0), double(7.0, 11.0))
        expected = roundings * U * result.abs()
    assert torch.allclose(truth.bound(result), expected, rtol=1e-5, atol=0)


def test_errors_of_operands_are_carried(truth: Truth) -> None:
    x, y = rounded(truth, 3.0), rounded(truth, 7.0)
    with truth:
        difference = x.sub(y)
    assert truth.bound(difference).item() == pytest.approx(U * (2 * 2.1 + 2 * 4.9 + 2.8), rel=1e-5, abs=0)


def test_float64_allows_for_the_truth_itself() -> None:
    truth = Truth(torch.float64)
    with truth:
        product = double(3.0) * double(0.7)
        root = double(3.0).sqrt()
    assert truth.bound(product).item() == pytest.approx(1.5 * 2.0**-53 * 2.1, rel=1e-5, abs=0)
    assert truth.bound(root).item() == pytest.approx(3 * 2.0**-53 * 3**0.5, rel=1e-5, abs=0)


@pytest.mark.parametrize("root", [1.0, 2.0, 4.0])
def test_the_root_of_a_profile(root: float) -> None:
    truth = Truth(torch.float32, root)
    with truth:
        result = double(3.0).sqrt()
    assert truth.bound(result).item() == pytest.approx(root * U * 3**0.5, rel=1e-5, abs=0)


def test_a_subject_may_flush_subnormals_where_its_profile_says_so() -> None:
    for truth, covered in ((Truth(torch.float32, flush=True), True), (Truth(torch.float32), False)):
        with truth:
            copied = double(1e-39).clone()
            product = double(2e-38).mul(0.05)
            total = double(3e-38) + double(-2.9e-38)
        for tensor in (copied, product, total):
            assert bool(tensor <= 2 * truth.bound(tensor)) == covered


def test_views_share_their_errors(truth: Truth) -> None:
    with truth:
        x = torch.zeros(2, 3, dtype=torch.float64)
        x.t()[1].add_(double(3.0, 5.0), alpha=0.1)
    expected = truth.bound(x)
    assert (expected > 0).tolist() == [[False, True, False]] * 2
    assert truth.bound(x.t()).equal(expected.t())
    assert truth.bound(x.detach()[:, 1:]).equal(expected[:, 1:])
    assert truth.bound(x.view(3, 2)).equal(expected.view(3, 2))
    assert truth.bound(x[1, 1]).equal(expected[1, 1])


def test_the_real_view_of_a_complex_tensor_shares_its_errors(truth: Truth) -> None:
    with truth:
        x = torch.zeros(2, dtype=torch.complex128)
        torch.view_as_real(x)[1].add_(double(3.0, 5.0), alpha=0.1)
        assert (truth.bound(torch.view_as_real(x)) > 0).tolist() == [[False, False], [True, True]]
        with pytest.raises(UnknownOperation, match="complex128"):
            x.mul_(2)


def test_copies_have_their_own_errors(truth: Truth) -> None:
    x = rounded(truth, 3.0, 5.0)
    expected = truth.bound(x)
    with truth:
        copies = [x.clone(), torch.empty_like(x).copy_(x), copy.deepcopy(x), x.to(torch.float32).double()]
        parameter = copy.deepcopy(torch.nn.Parameter(x))
        x.zero_()
    assert bounds(truth, *copies[:3], parameter) == [expected.tolist()] * 4
    assert (truth.bound(copies[3]) > expected).all()  # the truth was rounded to float32
    assert bounds(truth, x) == [[0.0, 0.0]]


def test_in_place_operations_read_their_operands_first(truth: Truth) -> None:
    with truth:
        x, y = double(3.0, 5.0), double(3.0, 5.0)
        x.mul_(x)
        y = y * y.clone()
    assert bounds(truth, x) == bounds(truth, y)


def test_a_new_storage_does_not_inherit_the_errors_of_one_that_is_gone(truth: Truth) -> None:
    seen = set()
    for _ in range(3000):
        x = rounded(truth, *[3.0] * 64)
        seen.add(x.data_ptr())
        del x
        with truth:
            fresh = torch.zeros(64, dtype=torch.float64)
        assert bounds(truth, fresh) == [[0.0] * 64]
    assert len(seen) < 3000  # addresses were used again
    assert len(truth.errors._entries) < 1000  # and what is gone is forgotten, now and then


@pytest.mark.parametrize("foreach", [False, True])
@pytest.mark.parametrize(
    ("optimizer", "options"),
    [
        ("Adadelta", {}),
        ("Adadelta", {"weight_decay": 0.1}),
        ("Adadelta", {"weight_decay": 0.1, "maximize": True, "rho": 0.5}),
        ("SGD", {"lr": 0.1}),
        ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1, "nesterov": True, "maximize": True}),
        ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.1, "weight_decay": 0.1}),
    ],
)
def test_a_state_dict_takes_its_errors_along(optimizer: str, options: dict[str, Any], foreach: bool) -> None:
    """A run that is saved and loaded half-way has the bounds of one that is not; so has the for-loop."""
    make = getattr(torch.optim, optimizer)
    grads = torch.randn(6, 5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

    def free_run(foreach: bool, resumed: bool) -> list[Any]:
        truth = Truth(torch.float32)
        params = [torch.nn.Parameter(double(1.0, -2.0, 3.0) * k) for k in range(1, 6)]
        with truth:
            optimizer = make(params, foreach=foreach, **options)
            for step, by_param in enumerate(grads):
                if resumed and step == 3:
                    saved = copy.deepcopy(optimizer.state_dict())
                    optimizer.zero_grad(set_to_none=False)
                    optimizer = make(params, foreach=foreach, **options)
                    optimizer.load_state_dict(saved)
                for param, grad in zip(params, by_param, strict=True):
                    param.grad = grad.clone()
                optimizer.step()
        tensors = [x for entry in optimizer.state.values() for x in entry.values() if torch.is_tensor(x)]
        return bounds(truth, *params, *tensors)

    expected = free_run(foreach=False, resumed=False)
    assert np.all(np.array(expected[0]) > 0)
    assert free_run(foreach, resumed=True) == expected


def test_a_step_counter_is_exact(truth: Truth) -> None:
    param = torch.nn.Parameter(double(1.0))
    optimizer = torch.optim.Adam([param])
    with truth:
        for _ in range(3):
            param.grad = double(0.5)
            optimizer.step()
    assert bounds(truth, optimizer.state[param]["step"]) == [0.0]


def test_zero_gradients_leave_an_exact_zero_state(truth: Truth) -> None:
    param = torch.nn.Parameter(double(1.0, 2.0))
    optimizer = torch.optim.Adadelta([param])
    with truth:
        param.grad = double(0.0, 0.5)
        optimizer.step()
    state = optimizer.state[param]
    assert bounds(truth, state["square_avg"], state["acc_delta"])[0][0] == 0
    assert bounds(truth, state["acc_delta"])[0][0] == 0


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e25, 3e38])
def test_what_is_beyond_the_region_is_undecided(truth: Truth, value: float) -> None:
    param = torch.nn.Parameter(double(1.0, 1.0))
    optimizer = torch.optim.Adadelta([param])
    with truth:
        param.grad = double(value, 0.5)
        optimizer.step()
    assert bounds(truth, param)[0][0] == float("inf")
    assert 0 < bounds(truth, param)[0][1] < 1e-6


def test_a_denominator_that_may_be_zero_is_undecided(truth: Truth) -> None:
    nearly = rounded(truth, 3.0)
    with truth:
        nearly.sub_(double(0.7 * 3.0))
        quotient = double(1.0) / nearly
        root = nearly.sqrt()
    assert bounds(truth, quotient, root) == [[float("inf")]] * 2


def test_decisions_within_the_error_are_undecided(truth: Truth) -> None:
    x = rounded(truth, 3.0, 3.0)
    with truth:
        threshold = double(0.7 * 3.0, 2.0)
        chosen = torch.where(x > threshold, x, 0.0)
        sign = (x - threshold).sign()
        largest = torch.maximum(x, threshold)
    inf = float("inf")
    assert bounds(truth, sign) == [[inf, 0.0]]
    assert bounds(truth, chosen)[0] == [inf, truth.bound(x)[1].item()]
    assert bounds(truth, largest) == [truth.bound(x).tolist()]  # whichever is taken, it is as near


@pytest.mark.parametrize(
    "operation", [torch.exp, lambda x: x.cumprod(0), lambda x: x.view(torch.int64), lambda x: x @ x]
)
def test_an_unknown_operation_is_refused(truth: Truth, operation: Any) -> None:
    with truth, pytest.raises(UnknownOperation, match="no error rule for aten"):
        operation(double(1.0, 2.0))


def test_a_sparse_tensor_is_refused(truth: Truth) -> None:
    sparse = double(1.0).to_sparse()
    with truth, pytest.raises(UnknownOperation, match="sparse"):
        double(1.0).add_(sparse)


def test_a_number_that_is_not_exact_does_not_leave_its_tensor(truth: Truth) -> None:
    x = rounded(truth, 3.0)
    with truth:
        assert double(3.0).item() == 3
        with pytest.raises(UnknownOperation, match="not exact"):
            x.item()


def test_a_narrower_tensor_rounds_the_truth(truth: Truth) -> None:
    with truth:
        x = torch.tensor(0.1).add_(1)
    assert truth.bound(x).item() >= abs(x.double().item() - (torch.tensor(0.1).double().item() + 1))
    assert truth.bound(x).item() > 0


def test_an_integer_is_rounded_to_the_dtype_of_the_subject(truth: Truth) -> None:
    with truth:
        widened = torch.tensor([3, 2**24 + 1, -(10**11)]).to(torch.float64)
    rounding = [abs(float(np.float32(value)) - value) for value in widened.tolist()]
    assert rounding[1] > 0
    assert bounds(truth, widened)[0] == pytest.approx(rounding)


def test_an_error_of_torch_is_torchs_own(truth: Truth) -> None:
    x = rounded(truth, 1.0, 2.0)
    expected = truth.bound(x)
    with truth, pytest.raises(RuntimeError, match="must match the size"):
        x.add_(double(1.0, 2.0, 3.0))
    assert truth.bound(x).equal(expected)
