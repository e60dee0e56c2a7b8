"""Programs in float16, bfloat16 and complex64."""

from typing import Any

import pytest
import torch

from torch_oracle.errors import OracleError
from torch_oracle.form import check_program
from torch_oracle.kinds import run_kind
from torch_oracle.programs import OPTIMIZERS
from torch_oracle.tensors import Inputs, Outputs

NEW = [torch.float16, torch.bfloat16, torch.complex64]


def name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def patterns(seed: int, size: int, dtype: torch.dtype) -> torch.Tensor:
    """Half of ordinary size, half of random bits: subnormals, infinities and NaN are among them."""
    generator = torch.Generator().manual_seed(seed)
    anything = torch.randint(0, 256, (size // 2 * dtype.itemsize,), generator=generator, dtype=torch.uint8)
    ordinary = torch.randn(size - size // 2, generator=generator, dtype=torch.complex64).to(
        dtype if dtype.is_complex else torch.complex64
    )
    return torch.cat([ordinary if dtype.is_complex else ordinary.real.to(dtype), anything.view(dtype)])


def raw(tensor: torch.Tensor) -> bytes:
    return tensor.detach().contiguous().view(torch.uint8).numpy().tobytes()


def program(
    optimizer: str, tensors: list[torch.Tensor], options: dict[str, Any]
) -> tuple[dict[str, Any], list[bytes]]:
    """The first tensor is the parameter, the others its gradients, each with a step."""
    steps = [
        [{"op": "grad", "param": 0, "tensor": index}, {"op": "step"}] for index in range(1, len(tensors))
    ]
    content = {
        "version": 1,
        "optimizer": optimizer,
        "dtype": name(tensors[0].dtype),
        "tensors": [{"dtype": name(tensor.dtype), "shape": list(tensor.shape)} for tensor in tensors],
        "params": [{"tensor": 0}],
        "argument": {"list": [{"param": 0}]},
        "options": [
            [key, {"float": repr(value)} if isinstance(value, float) else value]
            for key, value in options.items()
        ],
        "commands": [command for step in steps for command in step],
    }
    check_program(content, OPTIMIZERS)
    return content, [raw(tensor) for tensor in tensors]


def traced(kind: str, *arguments: Any) -> list[bytes]:
    """The bytes of every tensor of the trace."""
    trace = run_kind(kind, *program(*arguments), {})
    assert not any("error" in record for record in trace.header["records"])
    return trace.frames


def plain(optimizer: str, tensors: list[torch.Tensor], options: dict[str, Any]) -> list[bytes]:
    """The same by torch alone, whose root in halves is correctly rounded."""
    param = torch.nn.Parameter(tensors[0].clone())
    steps = getattr(torch.optim, optimizer)([param], **options)
    frames = [raw(param)]
    for grad in tensors[1:]:
        param.grad = grad.clone()
        steps.step()
        frames.append(raw(param))
        state = steps.state[param].items()
        frames += [raw(value.reshape(-1)) for _, value in state if isinstance(value, torch.Tensor)]
    return frames


CASES: list[tuple[str, dict[str, Any]]] = [
    ("Adadelta", {"weight_decay": 0.1, "maximize": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.1}),
]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize(("optimizer", "options"), CASES, ids=str)
def test_exact_is_the_loop_of_torch(optimizer: str, options: dict[str, Any], dtype: torch.dtype) -> None:
    tensors = [patterns(seed, 1001, dtype) for seed in range(4)]
    expected = plain(optimizer, tensors, {**options, "foreach": False})
    assert traced("exact", optimizer, tensors, options) == expected


@pytest.mark.parametrize("dtype", NEW, ids=str)
@pytest.mark.parametrize(("optimizer", "options"), CASES, ids=str)
def test_foreach_selects_nothing(optimizer: str, options: dict[str, Any], dtype: torch.dtype) -> None:
    tensors = [patterns(seed, 1001, dtype) for seed in range(4)]
    loop, recorded = (traced("exact", optimizer, tensors, {**options, "foreach": on}) for on in (False, True))
    assert loop == recorded
    if optimizer == "SGD" and dtype.is_complex:
        return  # there torch's foreach does the same
    # Otherwise the test could not fail: torch's own foreach rounds otherwise here.
    assert traced("foreach", optimizer, tensors, {**options, "foreach": True}) != loop


@pytest.mark.parametrize("dtype", NEW, ids=str)
def test_there_is_no_truth(dtype: torch.dtype) -> None:
    with pytest.raises(OracleError, match=f"there is no error bound for {name(dtype)}") as caught:
        traced("truth", "SGD", [torch.ones(2, dtype=dtype)], {})
    assert caught.value.code == "UNSUPPORTED"


@pytest.mark.parametrize("shape", [[], [0], [2, 3]], ids=str)
@pytest.mark.parametrize("dtype", [*NEW, torch.float32, torch.int64], ids=str)
def test_bits_come_through(dtype: torch.dtype, shape: list[int]) -> None:
    tensor = patterns(1, 64, torch.float16)[32:].view(dtype)[: 6 if shape else 1]
    tensor = (tensor[:0] if shape == [0] else tensor).reshape(shape)
    entry = {"dtype": name(dtype), "shape": shape}
    frame = raw(tensor.reshape(-1))
    inputs = Inputs([entry], [frame], "float16", double=False)
    outputs = Outputs(double=False)
    outputs.add(inputs.fresh(0))
    assert (outputs.entries, outputs.frames) == ([entry], [frame])


def test_a_tensor_is_fresh() -> None:
    inputs = Inputs([{"dtype": "bfloat16", "shape": [2]}], [bytes(4)], "bfloat16", double=False)
    inputs.fresh(0).fill_(1)
    assert inputs.fresh(0).tolist() == [0, 0]
