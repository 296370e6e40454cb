"""A loss of the number of parts and holes, by persistent homology."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike

from jaxseg.links import Link, softmax
from jaxseg.losses.images import image_loss, mean_of_devices
from jaxseg.numerics import weighted_mean
from jaxseg.persistence import lifetimes
from jaxseg.targets import as_class_weights, as_pixels


@image_loss
def topological_loss(
    logits: Array,
    labels: Array,
    *,
    betti: Sequence[Sequence[int]] | None = None,
    spatial: int | None = None,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Squared lifetimes of parts and holes that should not be, and what others lack.

    .. math:: \frac1C \sum_c \sum_k \Big( \sum_{l \le \beta_{ck}} (1 - \ell_{ckl}^2)
        + \sum_{l > \beta_{ck}} \ell_{ckl}^2 \Big)

    The lifetimes of the parts (k = 0) and of the holes of each class's probabilities,
    the longest first, as a threshold falls from 1 to 0: `jaxseg.persistence.lifetimes`.
    It says nothing of where they are, and its gradient meets the few pixels in which
    they begin and end: a term beside another loss. For soft labels p = t is no
    minimiser.

    Example:
      >>> probs = jnp.array([0.9, 0.2, 0.7])[:, None]  # two parts, one too many
      >>> print(f"{topological_loss(probs, [1, 1, 1], link=links.identity):.2f}")
      0.44

    Args:
      logits: ``[..., C]`` scores of one image; of a batch with `spatial`.
      betti: for each class how many parts and how many holes it should have, without
        any label; None takes those of the labels.
      spatial: how many axes an image has; more leading axes are images, over whose
        losses the mean is taken. None for one image of up to two axes.
      where: pixels to leave out are as outside of the image: they part what they lie
        between, and what they touch is no hole.
      axis_name: mapped axis; the mean over the images of its devices, each whole on
        one.

    Returns:
      Scalar >= 0, float32 or wider; 0 where no pixel counts.

    Raises:
      ValueError: nobody says whether more than two axes are one image, or betti is not
        a pair of whole numbers >= 0 for each class.

    Source: Clough 2019, arXiv:1910.01877; departs: the numbers of the labels where none
    are given, and in 3D no tunnels.
    """
    del spatial  # image_loss has split the batch
    scores, targets = as_pixels(logits, labels, link=link, where=where)
    probs = jnp.moveaxis(link(scores), -1, 0)
    classes, rank = probs.shape[0], probs.ndim - 1
    unknown = jnp.zeros(())
    if betti is None:
        masks = jnp.moveaxis(lax.stop_gradient(targets) > 0.5, -1, 0)
        wanted = lax.map(lambda mask: _counts(mask.astype(probs.dtype), where), masks)
        unknown = jnp.where(jnp.any(jnp.isnan(targets)), jnp.nan, 0)
    else:
        wanted = _as_numbers(betti, classes)
        if where is not None:
            wanted = jnp.where(jnp.any(where), wanted, 0)

    def of_class(probs: Array, wanted: Array) -> Array:
        found = lifetimes(probs, where)[: 1 if rank == 1 else 2]  # parts, holes
        return sum(
            (_shortfall(x, n) for x, n in zip(found, wanted, strict=False)),
            jnp.zeros((), probs.dtype),
        )

    losses = lax.map(lambda pair: of_class(*pair), (probs, wanted))
    loss = weighted_mean(losses, as_class_weights(class_weights, logits))
    return mean_of_devices(loss + unknown.astype(loss.dtype), where, axis_name)


def _counts(mask: Array, where: Array | None) -> Array:
    """How many parts and holes a mask of 0 and 1 has: ``[2]``, each lasts for 1."""
    return jnp.stack(
        [jnp.sum(x > 0.5, dtype=jnp.int32) for x in lifetimes(mask, where)]
    )


def _as_numbers(betti: Sequence[Sequence[int]], classes: int) -> Array:
    numbers = np.asarray(betti)
    whole = numbers.shape == (classes, 2) and np.issubdtype(numbers.dtype, np.integer)
    if not whole or (numbers < 0).any():
        raise ValueError(
            "betti has how many parts and holes each class should have, "
            f"{classes} pairs of whole numbers >= 0, not {betti}"
        )
    return jnp.asarray(numbers, jnp.int32)


def _shortfall(lasting: Array, wanted: Array) -> Array:
    """What the `wanted` longest lack to 1, and what the others have, squared."""
    flat = lasting.reshape(-1)
    order = jnp.argsort(-lax.stop_gradient(flat))
    places = jnp.arange(len(flat), dtype=jnp.int32)
    longest = jnp.zeros(len(flat), bool).at[order].set(places < wanted)
    squares = jnp.square(flat)
    return jnp.sum(jnp.where(longest, 1 - squares, squares))
