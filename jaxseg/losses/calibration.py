"""Losses that are calibration errors: how far probabilities are from frequencies."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxseg.links import Link, softmax
from jaxseg.losses.loss_function import loss_function
from jaxseg.numerics import keep, pool, safe_ratio, sum_of_pixels, weighted_mean
from jaxseg.targets import as_class_weights, as_pixels

LEAST = 0.01
"""A soft bin of less than so many pixels counts as empty."""


@loss_function
def l1_ace_loss(
    logits: Array,
    labels: Array,
    *,
    bins: int = 20,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Average calibration error of each class, hard bins.

    .. math:: \frac1C \sum_c \frac{1}{|B_c|} \sum_{b \in B_c}
        \Big| \frac{1}{n_{bc}} \sum_{i \in b} (p_{ic} - t_{ic}) \Big|

    B_c are the bins of equal width that hold a pixel's probability of class c; bin b of
    B holds those in (b / B, (b + 1) / B], the first one 0 as well. Every bin weighs
    alike, so that the many sure pixels do not hide the few others. A term beside an
    overlap loss: alone it is 0 where each pixel has the frequency of its class. A
    pixel's bin has no gradient.

    Example:
      >>> probs, labels = [[0.9, 0.1], [0.6, 0.4]], [0, 1]
      >>> loss = l1_ace_loss(probs, labels, bins=2, link=links.identity)
      >>> print(f"{loss:.4f}")  # 1.5 - 1 and 0.5 - 1, of two pixels
      0.2500

    Args:
      bins: how many, >= 1; static.

    Returns:
      Scalar in [0, 1], float32 or wider; 0 where no pixel counts.

    Source: Barfoot 2024, arXiv:2403.06759, hL1-ACE, there the mean over images:
    ``per_image(l1_ace_loss)``.
    """

    def inside(probs: Array, index: Array) -> Array:
        place = jnp.ceil(jnp.nan_to_num(lax.stop_gradient(probs)) * bins) - 1
        hard = jnp.clip(place, 0, bins - 1) == index
        return jnp.where(jnp.isnan(probs), jnp.nan, hard.astype(probs.dtype))

    shares = inside, bins, 0.0
    return _average_gap(shares, logits, labels, link, class_weights, where, axis_name)


@loss_function
def soft_l1_ace_loss(
    logits: Array,
    labels: Array,
    *,
    bins: int = 20,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Average calibration error of each class, soft bins.

    As `l1_ace_loss`, but a pixel belongs to the two bins whose middles its probability
    lies between, by its nearness to each, and to the first or last bin alone beyond
    their middles. So the loss is continuous in p, and a pixel's bins have a gradient,
    too. A bin whose pixels' shares add up to less than 0.01 counts as empty.

    Example:
      >>> probs, labels = [[0.9, 0.1], [0.6, 0.4]], [0, 1]
      >>> loss = soft_l1_ace_loss(probs, labels, bins=2, link=links.identity)
      >>> print(f"{loss:.4f}")  # 0.6 is 0.3 in the lower bin and 0.7 in the upper one
      0.3941

    Args:
      bins: how many, >= 1; static.

    Returns:
      Scalar in [0, 1], float32 or wider; 0 where no pixel counts.

    Source: Barfoot 2025, arXiv:2506.03942, sL1-ACE, there the mean over images.
    """

    def nearness(probs: Array, index: Array) -> Array:
        place = jnp.clip(probs * bins - 0.5, 0, bins - 1)
        return jnp.maximum(0, 1 - jnp.abs(place - index))

    shares = nearness, bins, LEAST
    return _average_gap(shares, logits, labels, link, class_weights, where, axis_name)


def _average_gap(
    shares: tuple[Callable[[Array, Array], Array], int, float],
    logits: Array,
    labels: Array,
    link: Link,
    class_weights: ArrayLike | None,
    where: Array | None,
    axis_name: str | None,
) -> Array:
    """Mean over classes and bins that hold something of the gap of the bin.

    Args:
      shares: probabilities and the number of a bin to the share that each pixel has in
        it; how many bins; the least sum of shares that is no empty bin.
      logits: as of a loss.
      labels: as of a loss.
      link: as of a loss.
      class_weights: as of a loss.
      where: as of a loss.
      axis_name: as of a loss.
    """
    share, bins, least = shares
    scores, targets = as_pixels(logits, labels, link=link, where=where)
    probs = link(scores)

    @jax.checkpoint
    def sums(index: Array) -> tuple[Array, Array]:
        part = keep(share(probs, index.astype(probs.dtype)), where)
        errors = keep(part * (probs - targets), where)
        return sum_of_pixels(errors), sum_of_pixels(part)

    errors, sizes = (pool(x, axis_name) for x in lax.map(sums, jnp.arange(bins)))
    held = sizes > max(least, 0)
    gaps = jnp.where(held, safe_ratio(jnp.abs(errors), sizes, 0), 0)
    gaps = jnp.where(jnp.isnan(sizes), jnp.nan, gaps)
    number = jnp.sum(held, axis=0).astype(probs.dtype)
    by_class = safe_ratio(jnp.sum(gaps, axis=0), number, 0)
    by_class = jnp.where(jnp.isnan(sizes).any(0), jnp.nan, by_class)
    return weighted_mean(by_class, as_class_weights(class_weights, logits))
