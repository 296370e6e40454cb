"""Identities between losses: a residual and its slope vanish on random images."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from theory.claim import Evidence
from theory.engines import samples

DRAWS, PIXELS = 64, 6  # one shape for all, so that every operation compiles once


def images(classes: int = 2, *, seed: int = 0) -> tuple[Array, Array]:
    """Scores ``[64, 6, classes]`` and ids ``[64, 6]`` in which all classes occur."""
    score_key, label_key = jax.random.split(jax.random.key(seed))
    logits = samples.draw_logits(score_key, DRAWS, PIXELS, classes)
    return logits, samples.draw_labels(label_key, DRAWS, PIXELS, classes)


def vanishing(
    residual: Callable[..., Array],
    logits: Array,
    *fixed: Any,
    tolerance: float = 1e-10,
) -> Evidence:
    """Evidence that `residual` is 0 and has zero slope in the scores of every image.

    Nothing is compiled as a whole, so that claims share what is compiled.

    Args:
      residual: ``(scores, *fixed)`` of one image to a scalar.
      logits: ``[N, ...]`` scores, one image per row.
      *fixed: ``[N, ...]`` labels and whatever else an image has.
      tolerance: for rounding.
    """
    of_all = jax.jit(jax.vmap(jax.value_and_grad(residual)))
    values, slopes = of_all(logits, *fixed)
    steepest = jnp.max(jnp.abs(slopes), axis=tuple(range(1, slopes.ndim)))
    slack = -jnp.maximum(jnp.abs(values), steepest)
    case = {"logits": logits, **{f"given_{i}": x for i, x in enumerate(fixed)}}
    return samples.worst_draw(slack, case, tolerance=tolerance)
