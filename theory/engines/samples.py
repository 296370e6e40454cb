"""Random cases, all at once: the weakest method, for what floats really do."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from theory.claim import Evidence, Method


def worst_draw(
    slack: Any, case: Any, *, tolerance: float, method: Method = "samples"
) -> Evidence:
    """Evidence from the draw of least slack.

    Args:
      slack: ``[N]``, negative where the statement is violated; a nan wins.
      case: mapping of names to ``[N, ...]``, what was drawn.
      tolerance: for rounding.
      method: what the evidence says made the draws.
    """
    slack = np.asarray(slack)
    worst = int(np.argmin(slack))
    witness = {name: np.asarray(values)[worst] for name, values in case.items()}
    return Evidence(float(slack[worst]), tolerance, slack.size, method, witness)


def draw_logits(key: Array, *shape: int) -> Array:
    """Normal scores ``shape``, each draw of the first axis at a scale of 0.1 to 30."""
    normal_key, scale_key = jax.random.split(key)
    scale = jax.random.uniform(scale_key, shape[:1], minval=-1.0, maxval=1.5)
    scale = scale.reshape(-1, *[1] * (len(shape) - 1))
    return 10.0**scale * jax.random.normal(normal_key, shape)


def draw_labels(key: Array, draws: int, pixels: int, classes: int) -> Array:
    """Class ids ``[draws, pixels]``: every class once, the rest uniform."""
    free = jax.random.randint(key, (draws, pixels - classes), 0, classes)
    present = jnp.broadcast_to(jnp.arange(classes), (draws, classes))
    return jnp.concatenate([present, free], axis=1)
