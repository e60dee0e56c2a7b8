"""Tagged values."""

import math
import struct
from typing import Any

import numpy as np
import pytest
import torch

from torch_oracle.errors import Unsupported
from torch_oracle.values import decode, encode, float_text, without_places


def no_tensor(_: Any) -> Any:
    raise AssertionError("there is no tensor here")


# What ECMAScript's Number::toString gives at the borders of its notations.
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (-0.0, "-0"),
        (0.1, "0.1"),
        (-1.5, "-1.5"),
        (123456789012345680000.0, "123456789012345680000"),
        (1e21, "1e+21"),
        (1.25e21, "1.25e+21"),
        (1e16, "10000000000000000"),
        (1e-6, "0.000001"),
        (1.5e-5, "0.000015"),
        (1e-7, "1e-7"),
        (-1.25e-7, "-1.25e-7"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (math.nan, "NaN"),
    ],
)
def test_a_float_is_spelled_as_javascript_spells_it(value: float, text: str) -> None:
    assert float_text(value) == text


def test_every_float_reads_back_as_itself() -> None:
    random = np.random.default_rng(1)
    for bits in random.integers(0, 2**64, 5000, dtype=np.uint64).tolist():
        (value,) = struct.unpack("<d", struct.pack("<Q", bits))
        node = encode(value, no_tensor)
        back = decode(node, no_tensor)
        assert struct.pack("<d", back) == struct.pack("<d", value) or (math.isnan(back) and math.isnan(value))
        digits = [
            text.split("e")[0].strip("-0.").replace(".", "").rstrip("0")
            for text in (node["float"], repr(value))
        ]
        assert digits[0] == digits[1] or not math.isfinite(value)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        "text",
        1,
        2**53 - 1,
        -(2**70),
        1.0,
        [1, [2.0]],
        (1, ("a", None)),
        {1: "int", "1": "text", None: 0, (1, 2): []},
    ],
    ids=repr,
)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    back = decode(encode(value, no_tensor), no_tensor)
    assert repr(back) == repr(value)


def test_integers_beyond_a_double_are_texts() -> None:
    assert encode(2**53, no_tensor) == {"int": "9007199254740992"}
    assert encode(2**53 - 1, no_tensor) == 9007199254740991


def test_an_integer_that_came_as_a_float_is_an_integer() -> None:
    assert repr(decode(4294967296.0, no_tensor)) == "4294967296"


def test_tensors_go_through_the_caller() -> None:
    tensor = torch.ones(2)
    assert encode([tensor], lambda given: 7 if given is tensor else 0) == [{"tensor": 7}]
    assert decode({"tensor": 7}, lambda index: tensor if index == 7 else torch.zeros(0)) is tensor


def test_what_has_no_form_is_refused() -> None:
    with pytest.raises(Unsupported, match="type set"):
        encode({"key": {1}}, no_tensor)


def test_addresses_are_cut_out() -> None:
    text = "<function Adadelta.step at 0x7f0123456789> must return None"
    assert without_places(text) == "<function Adadelta.step> must return None"
    assert encode(text, no_tensor) == "<function Adadelta.step> must return None"


def test_places_in_torchs_source_are_cut_out() -> None:
    text = "Casting it (Triggered internally at ../aten/src/ATen/native/Copy.cpp:299.)"
    assert without_places(text) == "Casting it"
