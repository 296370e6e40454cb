"""What a pixel may turn out to be, with one outcome for what is common."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxseg.links import Link
from jaxseg.targets import as_class_weights, as_pixels


class Outcomes(NamedTuple):
    """Exclusive outcomes of pixels.

    Attributes:
      log_probs: ``[..., K]``.
      targets: ``[..., K]``.
      rare: ``[K]`` bool, False for background and for "not this class".
      weights: ``[K]`` weight of each outcome.
    """

    log_probs: Array
    targets: Array
    rare: np.ndarray
    weights: Array

    @property
    def probs(self) -> Array:
        """``[..., K]``."""
        return jnp.exp(self.log_probs)


def outcomes(
    logits: Array,
    labels: Array,
    *,
    link: Link,
    class_weights: ArrayLike | None,
    where: Array | None,
) -> Outcomes:
    """The classes, the first of them common; or each class's complement and itself.

    Where classes are exclusive they are the outcomes, K = C. Else every class is a
    yes/no question and K = 2 C, first the answers no.
    """
    scores, targets = as_pixels(logits, labels, link=link, where=where)
    classes = scores.shape[-1]
    weights = as_class_weights(class_weights, logits)
    weights = jnp.ones(classes) if weights is None else weights
    weights = weights.astype(scores.dtype)
    logs = link.log_probs(scores)
    absent = link.log_absent(scores)
    if absent is None:
        return Outcomes(logs, targets, np.arange(classes) > 0, weights)
    return Outcomes(
        jnp.concatenate([absent, logs], axis=-1),
        jnp.concatenate([1 - targets, targets], axis=-1),
        np.arange(2 * classes) >= classes,
        jnp.concatenate([weights, weights]),
    )
