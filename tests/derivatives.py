"""Derivatives along directions, by every order in which forward and reverse nest."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

FIRST = ("forward", "reverse")

SECOND = (
    "forward over forward",
    "forward over reverse",
    "reverse over forward",
    "reverse over reverse",
)
"""The outer one first: forward over reverse is what `jax.hessian` does."""


def along(function: Callable[[Array], Array], by: str) -> Callable[..., Array]:
    """``(x, way)`` to the slope of a scalar `function` at x along `way`."""
    if by == "forward":
        return lambda x, way: jax.jvp(function, (x,), (way,))[1]
    return lambda x, way: jnp.sum(jax.grad(function)(x) * way)


def first(function: Callable[[Array], Array], x: Array, way: Array) -> dict[str, Array]:
    """The slope of `function` at `x` along `way`, twice."""
    return {by: along(function, by)(x, way) for by in FIRST}


def second(
    function: Callable[[Array], Array], x: Array, way: Array, other: Array
) -> dict[str, Array]:
    """The second derivative of `function` along `way` and `other`, four times."""
    found = {}
    for order in SECOND:
        outer, inner = order.split(" over ")

        def slope(x, inner=inner):
            return along(function, inner)(x, way)

        found[order] = along(slope, outer)(x, other)
    return found
