"""optax in the optimizer benchmark: one jitted step, with parameters and state donated."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from serve import Case, serve

jax.config.update("jax_enable_x64", True)


class Optax:
    def __init__(self, case: Case) -> None:
        self.parameters = [jnp.asarray(value, case.dtype) for value in case.parameters()]
        rule = optax.adadelta(1.0) if case.optimizer == "Adadelta" else optax.sgd(1e-3, momentum=0.9)
        self.state = rule.init(self.parameters)
        if case.batch is None:
            self.gradients = [jnp.asarray(value, case.dtype) for value in case.gradients()]
        else:
            inputs = jnp.asarray(case.inputs(), case.dtype)
            self.differentiate = jax.jit(lambda parameters: jax.grad(loss)(parameters, inputs))

        @partial(jax.jit, donate_argnums=(0, 1))
        def update(parameters: Any, state: Any, gradients: Any) -> Any:
            updates, state = rule.update(gradients, state, parameters)
            return optax.apply_updates(parameters, updates), state

        self.update = update

    def backward(self) -> None:
        self.gradients = jax.block_until_ready(self.differentiate(self.parameters))

    def step(self) -> None:
        self.parameters, self.state = self.update(self.parameters, self.state, self.gradients)

    def finish(self) -> None:
        jax.block_until_ready((self.parameters, self.state))

    def element(self, tensor: int, index: int) -> float:
        return float(self.parameters[tensor].reshape(-1)[index])


def loss(parameters: list[jax.Array], outputs: jax.Array) -> jax.Array:
    for weight, bias in zip(parameters[::2], parameters[1::2], strict=True):
        outputs = jax.nn.relu(outputs @ weight + bias)
    return jnp.mean(jnp.square(outputs))


if __name__ == "__main__":
    serve(Optax)
