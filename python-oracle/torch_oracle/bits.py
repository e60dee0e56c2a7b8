"""What the checks of a machine are made with: values of every kind, and bits that are compared."""

import numpy as np

# Lengths that end in the body and in the tail of vector loops of every width, and in torch's unrolled ones.
_LENGTHS = (0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 4097)


def float_values(dtype: np.dtype) -> np.ndarray:
    """Three rows of as many values: pairs of special ones, then random bits and values of like size."""
    limits = np.finfo(dtype)
    one = dtype.type(1)
    positive = [0, limits.smallest_subnormal, limits.tiny, limits.max, np.inf, np.nan, 1, 0.1, 3]
    neighbours = [np.nextafter(one, dtype.type(side)) for side in (0, 2)]
    special = np.array([*positive, *neighbours, limits.tiny - limits.smallest_subnormal], dtype)
    special = np.concatenate([special, -special])
    first, second = (grid.ravel() for grid in np.meshgrid(special, special))
    random = np.random.default_rng(1)
    bits = random.integers(0, 256, (3, 4096, dtype.itemsize), dtype=np.uint8).view(dtype)[..., 0]
    near = random.standard_normal((3, 4096)).astype(dtype)
    third = random.permutation(first)
    return np.concatenate([np.stack([first, second, third]), bits, near], axis=1)


def cuts(rows: np.ndarray) -> list[np.ndarray]:
    """All columns, and few of them in every length that a loop treats in its own way."""
    return [rows, *(rows[:, -length - 1 : -1] for length in _LENGTHS)]


def bits_agree(actual: np.ndarray, expected: np.ndarray) -> bool:
    """Whether two arrays of a dtype are equal in every bit, NaN payloads aside."""
    same = (actual == expected) & (np.signbit(actual) == np.signbit(expected))
    return actual.dtype == expected.dtype and bool(np.all(same | (np.isnan(actual) & np.isnan(expected))))
