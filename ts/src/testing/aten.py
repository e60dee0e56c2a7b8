"""torch's results for every operation of an update, in every dtype, for operations.test.ts.

argv[1] holds pairs of scalars as JSON: one that may become infinite in the dtype, and one that may not.
"""

import io
import json
import os
import sys

os.environ["ATEN_CPU_CAPABILITY"] = "default"

import numpy as np
import torch

torch.set_num_threads(1)
torch.manual_seed(0)

SIZE = 1003
PAIRS = [[float(s) for s in pair] for pair in json.loads(sys.argv[1])]
WORDS = {2: torch.int16, 4: torch.int32, 8: torch.int64}


def numbers(dtype):
    """A third of all bit patterns, a third of middling numbers, a third of special ones."""
    if dtype.is_complex:
        return torch.view_as_complex(torch.stack([numbers(torch.float32) for _ in range(2)], -1))
    words = WORDS[dtype.itemsize]
    info = torch.iinfo(words)
    patterns = torch.randint(info.min, info.max, (SIZE,), dtype=words).view(dtype)
    middling = torch.randn(SIZE, dtype=torch.float64) * 2.0 ** torch.randint(-8, 8, (SIZE,))
    finfo = torch.finfo(dtype)
    special = [
        0,
        1,
        1 + finfo.eps,
        finfo.max,
        finfo.tiny,
        finfo.smallest_normal * finfo.eps,
        float("inf"),
        float("nan"),
        # Times 65, halfway between the largest float16 and what would be the next.
        1008,
    ]
    special = torch.tensor([sign * x for x in special for sign in (1, -1.0)], dtype=torch.float64)
    special = special[torch.randint(len(special), (SIZE,))]
    pick = torch.randint(3, (SIZE,))
    return torch.where(pick == 0, patterns, torch.where(pick == 1, middling, special).to(dtype))


def has_half_addcdiv():
    """Where torch does not have it, its addcmul of float16 rounds each step."""
    try:
        one = torch.ones(1, dtype=torch.float16)
        one.addcdiv(one, one)
    except RuntimeError:
        return False
    return True


HAS_HALF_ADDCDIV = has_half_addcdiv()


def root(x):
    # torch's own root of floats and doubles is not correctly rounded; of halves it is.
    return torch.from_numpy(np.sqrt(x.numpy())) if x.dtype in (torch.float32, torch.float64) else x.sqrt()


def real(tensors, s, a):
    x, y, z = tensors
    yield "neg", -x
    yield "abs", x.abs()
    yield "sign", x.sign()
    yield "sqrt", root(x)
    yield "mul", x * y
    yield "div", x / y
    yield "maximum", torch.maximum(x, y)
    yield "minimum", torch.minimum(x, y)
    if x.dtype != torch.float16 or HAS_HALF_ADDCDIV:
        yield "addcmul", x.addcmul(y, z, value=a)
        yield "addcdiv", x.addcdiv(y, z, value=a)
    yield "lerp", x.lerp(y, a)
    yield "addScalar", x.add(s)
    yield "divScalar", x.div(s)
    yield from linear("", x, y, s, a)


def linear(prefix, x, y, s, a):
    yield prefix + "mulScalar", x.mul(s)
    yield prefix + "add", x.add(y, alpha=a)


def results(tensors, s, a):
    x, y, _ = tensors
    yield "param", -x
    yield from linear("whole_", x, y, s, a)
    if x.is_complex():
        pairs = [torch.view_as_real(t) for t in tensors]
        yield from ((name, torch.view_as_complex(pair)) for name, pair in real(pairs, s, a))
    else:
        yield from real(tensors, s, a)


def in_pieces(tensors, s, a):
    """In pieces that are too small for torch's vectors, whose zeros have another sign here and there."""
    pieces = [dict(results(piece, s, a)) for piece in zip(*(t.split(3) for t in tensors), strict=True)]
    return {name: torch.cat([piece[name] for piece in pieces]) for name in pieces[0]}


def check_alike(name, whole, pieces):
    whole, pieces = (torch.view_as_real(t) if t.is_complex() else t for t in (whole, pieces))
    words = WORDS[whole.dtype.itemsize]
    alike = (whole.view(words) == pieces.view(words)) | (whole.isnan() & pieces.isnan())
    if name in ("maximum", "minimum", "lerp"):
        alike |= (whole == 0) & (pieces == 0)
    assert alike.all(), f"torch's {name} depends on the place of an element"


with np.errstate(all="ignore"):
    out = {}
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64):
        tensors = [numbers(dtype) for _ in range(3)]
        expected = []
        for s, a in PAIRS:
            expected.append(in_pieces(tensors, s, a))
            for name, whole in results(tensors, s, a):
                check_alike(name, whole, expected[-1][name])
        out[str(dtype).removeprefix("torch.")] = {"inputs": tensors, "expected": expected}
file = io.BytesIO()
torch.save(out, file)
sys.stdout.buffer.write(file.getvalue())
