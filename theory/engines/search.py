"""Adversarial search: gradient ascent from many starts at once."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array


@dataclasses.dataclass(frozen=True)
class Found:
    """The best that each start reached.

    Attributes:
      values: ``[S]`` largest objective on each path, its start included.
      parameters: pytree of ``[S, ...]``, where it was reached.
    """

    values: np.ndarray
    parameters: Any

    @property
    def starts(self) -> int:
        """How many starts, S."""
        return self.values.size

    def best(self, among: np.ndarray | None = None) -> tuple[float, Any]:
        """The largest value and its parameters, among the starts of a mask ``[S]``."""
        among = np.ones(self.starts, bool) if among is None else among
        index = int(np.argmax(np.where(among, self.values, -np.inf)))
        parameters = jax.tree.map(lambda leaf: leaf[index], self.parameters)
        return float(self.values[index]), parameters


def maximise(
    objective: Callable[..., Array],
    starts: Any,
    *fixed: Any,
    steps: int = 400,
    learning_rate: float = 0.1,
) -> Found:
    """Adam on all starts in parallel, its rate falling to zero along a cosine.

    Args:
      objective: ``(parameters, *fixed)`` of one start to a scalar; parameters are free,
        so a constraint belongs into a link inside.
      starts: pytree of ``[S, ...]`` floats.
      *fixed: pytrees of ``[S, ...]`` that ascent leaves alone.
      steps: of ascent.
      learning_rate: at the first step.

    Returns:
      Best values, which are never nan: a step that leads there counts as -inf.
    """
    optimiser = optax.adam(optax.cosine_decay_schedule(learning_rate, steps))

    def climb(start: Any, *fixed: Any) -> tuple[Array, Any]:
        def step(carry, _):
            parameters, state, best, at = carry
            value, slope = jax.value_and_grad(objective)(parameters, *fixed)
            better = value > best
            best = jnp.where(better, value, best)
            at = jax.tree.map(
                lambda new, old: jnp.where(better, new, old), parameters, at
            )
            down = jax.tree.map(jnp.negative, slope)
            updates, state = optimiser.update(down, state)
            return (optax.apply_updates(parameters, updates), state, best, at), None

        carry = (start, optimiser.init(start), jnp.asarray(-jnp.inf), start)
        (_, _, best, at), _ = jax.lax.scan(step, carry, length=steps + 1)
        return best, at

    values, parameters = jax.jit(jax.vmap(climb))(starts, *fixed)
    return Found(np.asarray(values), jax.tree.map(np.asarray, parameters))
