"""PROTOCOL.md's values: what Python holds, as tagged JSON."""

import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import torch

from torch_oracle.errors import Unsupported

LARGEST_PLAIN_INT = 2**53 - 1  # JavaScript's Number.MAX_SAFE_INTEGER

_PLACE = re.compile(r" at 0x[0-9a-f]+| \(Triggered internally at [^)]*\)")


def decode(node: Any, tensor: Callable[[int], torch.Tensor]) -> Any:
    """The Python value of a checked node; `tensor` makes a new tensor of an index."""
    if isinstance(node, list):
        return [decode(item, tensor) for item in node]
    if isinstance(node, float):  # an integer beyond 32 bits, as some encoders write it
        return int(node)
    if not isinstance(node, dict):
        return node
    ((tag, content),) = node.items()
    match tag:
        case "float":
            return float(content)
        case "int":
            return int(content)
        case "tuple":
            return tuple(decode(item, tensor) for item in content)
        case "dict":
            return {decode(key, tensor): decode(value, tensor) for key, value in content}
        case "tensor":
            return tensor(content)
    raise AssertionError(f"unchecked tag {tag!r}")


def encode(value: Any, tensor: Callable[[torch.Tensor], int]) -> Any:
    """The node of a Python value; `tensor` files a tensor and gives its index.

    Raises:
        Unsupported: the value is of a type that has no node.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return without_places(value)
    if isinstance(value, int):
        return value if abs(value) <= LARGEST_PLAIN_INT else {"int": str(value)}
    if isinstance(value, float):
        return {"float": float_text(value)}
    if isinstance(value, torch.Tensor):
        return {"tensor": tensor(value)}
    if isinstance(value, list):
        return [encode(item, tensor) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [encode(item, tensor) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[encode(key, tensor), encode(item, tensor)] for key, item in value.items()]}
    raise Unsupported(f"a trace cannot hold a value of type {type(value).__name__}")


def float_text(value: float) -> str:
    """The shortest text that reads back as the same double, spelled as JavaScript's String(number)."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    text = repr(value)
    if "e" not in text:
        return text.removesuffix(".0")
    negative, digits, exponent = Decimal(text).normalize().as_tuple()
    assert isinstance(exponent, int)
    return ("-" if negative else "") + _unsigned_text("".join(map(str, digits)), len(digits) + exponent)


def _unsigned_text(digits: str, point: int) -> str:
    """ECMAScript's Number::toString of 0.<digits> * 10**point."""
    if len(digits) <= point <= 21:
        return digits.ljust(point, "0")
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    mantissa = digits if len(digits) == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{mantissa}e{point - 1:+d}"


def without_places(text: str) -> str:
    """The text without memory addresses, which differ in every run, and places in torch's source."""
    return _PLACE.sub("", text)
