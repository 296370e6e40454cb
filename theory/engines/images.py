"""Losses of images against exact sums over tiny grids."""

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from theory.claim import Evidence
from theory.engines import grids, samples
from theory.engines.grids import Mask

Soft = Sequence[Fraction]  # a prediction in the order of the grid
Case = tuple[Mask, Soft]  # truth and prediction


def hard(mask: Mask, shape: tuple[int, ...]) -> Soft:
    """The mask as a prediction of zeros and ones."""
    return [Fraction(p in mask) for p in grids.pixels(*shape)]


def with_boundary(*shape: int) -> list[Mask]:
    """All masks of a grid that are neither empty nor full."""
    full = len(grids.pixels(*shape))
    return [mask for mask in grids.masks(*shape) if 0 < len(mask) < full]


def agree_on(
    loss: Callable[[Array, Array], Array],
    exact: Callable[[Mask, Soft], Fraction],
    cases: Iterable[Case],
    *,
    shape: tuple[int, ...],
    tolerance: float = 1e-12,
) -> Evidence:
    """Whether `loss` of every case is `exact`.

    Args:
      loss: of probabilities ``[*shape, 1]`` and class ids ``shape``, of one image.
      exact: of the truth and the prediction.
      cases: at least one.
      shape: of the grid.
      tolerance: for rounding.
    """
    cases = list(cases)
    truths = np.array([[int(x) for x in hard(mask, shape)] for mask, _ in cases])
    levels = np.array([[float(x) for x in soft] for _, soft in cases])
    truths = truths.reshape(-1, *shape)
    levels = levels.reshape(-1, *shape)
    found = jax.jit(jax.vmap(loss))(jnp.asarray(levels)[..., None], jnp.asarray(truths))
    expected = np.array([float(exact(*case)) for case in cases])
    witness = {
        "truth": truths,
        "prediction": levels,
        "loss": found,
        "exact": expected,
    }
    slack = -np.abs(np.asarray(found) - expected)
    return samples.worst_draw(slack, witness, tolerance=tolerance, method="enumeration")
