"""All pairs of hard masks, pixel by pixel, for losses that take arrays."""

from collections.abc import Callable
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxseg.counts import SoftCounts
from theory.claim import Evidence
from theory.engines import samples
from theory.engines.enumeration import exact_counts


def all_pairs(pixels: int) -> tuple[np.ndarray, np.ndarray]:
    """Every prediction and truth of so many pixels, each ``[4^pixels, pixels]``."""
    one = np.indices((2,) * pixels).reshape(pixels, -1).T
    predicted, actual = (
        np.repeat(one, len(one), axis=0),
        np.tile(one, (len(one), 1)),
    )
    return predicted, actual


def counts_of(predicted: np.ndarray, actual: np.ndarray) -> SoftCounts:
    """Exact counts of one pair of masks, from sets of pixels."""
    found, there = (set(np.flatnonzero(mask).tolist()) for mask in (predicted, actual))
    sizes = (len(found & there), len(found - there), len(there - found))
    return exact_counts(*sizes, len(predicted))


def agrees_on_all_masks(
    loss: Callable[[Array, Array], Array],
    oracle: Callable[[SoftCounts], Fraction],
    *,
    pixels: int,
    tolerance: float = 1e-14,
) -> Evidence:
    """Whether `loss` is `oracle` on all pairs of hard masks.

    Args:
      loss: of probabilities ``[pixels, 1]`` and class ids ``[pixels]``.
      oracle: of exact counts.
      pixels: of the masks.
      tolerance: for rounding.
    """
    predicted, actual = all_pairs(pixels)
    probs = jnp.asarray(predicted, float)[..., None]
    found = jax.jit(jax.vmap(loss))(probs, jnp.asarray(actual))
    exact = [
        float(oracle(counts_of(*pair))) for pair in zip(predicted, actual, strict=True)
    ]
    slack = -np.abs(np.asarray(found) - np.array(exact))
    case = {"predicted": predicted, "actual": actual, "loss": found, "exact": exact}
    return samples.worst_draw(slack, case, tolerance=tolerance, method="enumeration")
