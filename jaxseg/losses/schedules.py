"""Schedules: pure functions of training progress, from 0 at the start to 1 at the end.

Progress may be traced, so a weight that changes never compiles anything again.
"""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxseg.losses.protocol import Schedule


def linear(start: float, end: float, *, until: float = 1.0) -> Schedule:
    """From `start` at progress 0 in a straight line to `end` at `until`; then `end`.

    Example:
      >>> ramp = linear(1.0, 0.0, until=0.5)
      >>> [float(ramp(p)) for p in (0, 0.25, 0.5, 1)]
      [1.0, 0.5, 0.0, 0.0]
    """

    def value(progress: ArrayLike) -> Array:
        return start + (end - start) * jnp.clip(jnp.asarray(progress) / until, 0, 1)

    return value


def switch(before: float, after: float, *, at: float = 0.9) -> Schedule:
    """`before` while progress < `at`, then `after`; by default Galdran's eq. (8).

    Example:
      >>> step = switch(1.0, 0.0, at=0.9)
      >>> [float(step(p)) for p in (0, 0.5, 0.9, 1)]
      [1.0, 1.0, 0.0, 0.0]
    """

    def value(progress: ArrayLike) -> Array:
        return jnp.where(jnp.asarray(progress) < at, before, after)

    return value
