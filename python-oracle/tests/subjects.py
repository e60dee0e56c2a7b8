"""Correct subjects in NumPy: Adadelta and SGD in many arithmetics and evaluation orders."""

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray
Options = dict[str, Any]


@dataclass(frozen=True)
class Arithmetic:
    """How a subject rounds.

    Args:
        dtype: what it stores between steps.
        wide: computes inside a step in a wider type, with scalars in double.
        fma: rounds x * y + z once.
        root: the relative error of its square root, in units of u.
        flush: flushes subnormal operands and results to zero.
    """

    dtype: Any
    wide: bool = False
    fma: bool = False
    root: float = 1
    flush: bool = False

    @property
    def inner(self) -> Any:
        return np.dtype(self.wider if self.wide else self.dtype).type

    @property
    def wider(self) -> Any:
        return np.float64 if self.dtype == np.float32 else np.longdouble

    def array(self, x: Any) -> Array:
        """An operand or a result, as this arithmetic holds it."""
        x = np.asarray(x).astype(self.inner)
        return np.where(abs(x) < np.finfo(self.dtype).smallest_normal, self.inner(0), x) if self.flush else x

    def fused(self, x: Array, y: Array, z: Array) -> Array:
        if self.fma:
            return self.array(self.wider(1) * x * y + z)
        return self.array(self.array(x * y) + z)

    def sqrt(self, x: Array) -> Array:
        u = np.finfo(self.dtype).eps / 2
        sign = np.where(x.view(f"i{x.itemsize}") % 3 == 0, 1, -1) if x.itemsize < 16 else 1
        return self.array(np.sqrt(self.wider(1) * x) * (1 + sign * (self.root - 1) * u))


@dataclass(frozen=True)
class Order:
    """An evaluation order, correct as every other."""

    lerp: bool = False
    square_first: bool = False
    ratio: str = "torch"
    lr_first: bool = False


ORDERS = [
    Order(lerp, square_first, ratio, lr_first)
    for lerp in (False, True)
    for square_first in (False, True)
    for ratio in ("torch", "root of ratio", "gradient first", "reciprocal root")
    for lr_first in (False, True)
]


def adadelta(a: Arithmetic, order: Order, o: Options, p: Array, g: Array, v: Array, u: Array) -> list[Array]:
    """One step: the new p, v, u."""
    p, g, v, u = (a.array(x) for x in (p, g, v, u))
    lr, rho, eps, decay = (a.array(o[key]) for key in ("lr", "rho", "eps", "weight_decay"))
    weight = a.array(o.get("weight", 1 - o["rho"]))
    if o["maximize"]:
        g = -g
    if o["weight_decay"]:
        g = a.fused(decay, p, g)
    old = v
    v = _average(a, order, v, g, rho, weight)
    top, bottom = a.array(u + eps), a.array((old if o.get("old_square_avg") else v) + eps)
    roots = a.sqrt(top), a.sqrt(bottom)
    if o.get("eps_outside"):
        roots = a.array(a.sqrt(u) + eps), a.array(a.sqrt(v) + eps)
    delta = _delta(a, order, *roots, a.array(top / bottom), g)
    u = _average(a, order, u, delta, rho, weight)
    if not order.lr_first:
        p = a.fused(-lr, delta, p)
    elif order.ratio == "torch":
        p = a.array(p - _delta(a, order, a.array(lr * roots[0]), roots[1], top, g))
    else:
        p = a.array(p - _delta(a, order, *roots, a.array(top / bottom), a.array(lr * g)))
    return [x.astype(a.dtype) for x in (p, v, u)]


def _average(a: Arithmetic, order: Order, x: Array, y: Array, rho: Array, weight: Array) -> Array:
    if order.lerp:
        return a.fused(weight, a.array(a.array(y * y) - x), x)
    if order.square_first:
        return a.fused(rho, x, a.array(weight * a.array(y * y)))
    return a.fused(a.array(weight * y), y, a.array(rho * x))


def _delta(a: Arithmetic, order: Order, top: Array, bottom: Array, ratio: Array, g: Array) -> Array:
    """top / bottom * g, where these are the roots of two numbers and `ratio` is their quotient."""
    match order.ratio:
        case "torch":
            return a.array(a.array(top / bottom) * g)
        case "root of ratio":
            return a.array(a.sqrt(ratio) * g)
        case "gradient first":
            return a.array(a.array(top * g) / bottom)
    return a.array(a.array(top * a.array(1 / bottom)) * g)


def sgd(a: Arithmetic, order: Order, o: Options, p: Array, g: Array, buffer: Array | None) -> list[Array]:
    """One step: the new p and momentum buffer."""
    p, g = a.array(p), a.array(g)
    lr, momentum, decay = (a.array(o[key]) for key in ("lr", "momentum", "weight_decay"))
    if o["maximize"]:
        g = -g
    if o["weight_decay"]:
        g = a.fused(decay, p, g)
    if buffer is None:
        buffer = g
    else:
        buffer = a.fused(momentum, a.array(buffer), a.array(a.array(1 - o["dampening"]) * g))
    d = a.fused(momentum, buffer, g) if o["nesterov"] else buffer
    p = a.array(p - a.array(lr * d)) if order.lr_first else a.fused(-lr, d, p)
    return [x.astype(a.dtype) for x in (p, buffer)]
