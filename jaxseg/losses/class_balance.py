"""Class weights from class sizes."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxseg.numerics import safe_ratio, widen


def inverse_frequency_weights(fractions: ArrayLike) -> Array:
    """1 / f of each class, the weights of Ma 2021, eq. (2).

    Example:
      >>> print(inverse_frequency_weights((0.75, 0.25, 0.0)))
      [1.3333334 4.        0.       ]

    Args:
      fractions: ``[C]`` shares of the pixels, or any multiple such as pixel counts; a
        class without a pixel gets weight 0.
    """
    sizes = widen(jnp.asarray(fractions))
    return safe_ratio(jnp.sum(sizes), sizes, 0)


def balanced_weights(fractions: ArrayLike) -> Array:
    """1 / (C f) of each class, with which a weighted pixel has weight 1 on average.

    For two classes, 1 / (2 - 2 p) of background and 1 / (2 p) of foreground with share
    p: Eelbode 2020, section III-B.

    Example:
      >>> print(balanced_weights((0.75, 0.25)))
      [0.6666667 2.       ]

    Args:
      fractions: ``[C]`` shares of the pixels, or any multiple such as pixel counts; a
        class without a pixel gets weight 0.
    """
    weights = inverse_frequency_weights(fractions)
    return weights / weights.shape[0]
