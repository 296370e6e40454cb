"""What the released codes share: counts of products, plain means over images."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxseg.counts import SoftCounts, soft_counts
from jaxseg.links import Link, softmax
from jaxseg.losses.pixel import cross_entropy_loss, pixel_losses
from jaxseg.losses.shared_arguments import documented
from jaxseg.numerics import pool, pooled_sum
from jaxseg.targets import as_class_weights, as_pixels


def product_counts(
    logits: Array,
    labels: Array,
    *,
    link: Link,
    where: Array | None,
    axis_name: str | None,
) -> SoftCounts:
    """Counts of ``[..., C]`` scores; the released overlap is their `inner`, sum p t."""
    scores, targets = as_pixels(logits, labels, link=link, where=where)
    return soft_counts(link(scores), targets, where=where, axis_name=axis_name)


def mean_over_images(
    loss: Callable[[Array, Array, Array], Array],
    logits: Array,
    labels: Array,
    *,
    where: Array | None,
    axis_name: str | None,
) -> Array:
    """Mean of ``loss(logits, labels, where)`` over the first axis, on all devices.

    Unlike `jaxseg.losses.per_image` it counts an image whose pixels are all masked.
    """
    where = jnp.ones(logits.shape[:-1], bool) if where is None else jnp.asarray(where)
    losses = jax.vmap(loss)(logits, labels, where)
    images = pool(jnp.asarray(losses.shape[0], losses.dtype), axis_name)
    return pool(jnp.sum(losses), axis_name) / images


@documented
def weighted_cross_entropy_loss(
    logits: Array,
    labels: Array,
    *,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Cross-entropy whose weighted mean divides by the weights, as PyTorch's does.

    .. math:: \frac{-\sum_{ic} w_c t_{ic} \log p_{ic}}{\sum_{ic} w_c t_{ic}}

    Printed (Ma 2021, eq. (2)): the divisor is the number of pixels N. Scaling the
    weights changes the printed loss and not this one.

    Args:
      class_weights: ``[C]`` weights w; None is the plain mean.

    Returns:
      Scalar >= 0; nan, as released, if the weights of all pixels are 0.

    Source: SegLossOdyssey and SegLossBias, by way of torch.nn.CrossEntropyLoss.
    """
    if class_weights is None:
        return cross_entropy_loss(
            logits, labels, link=link, where=where, axis_name=axis_name
        )
    weights = as_class_weights(class_weights, logits)
    assert weights is not None
    losses = pixel_losses(
        logits,
        labels,
        jnp.negative,
        link=link,
        class_weights=weights,
        where=where,
    )
    _, targets = as_pixels(logits, labels, link=link, where=where)
    total = pooled_sum(losses[..., None], where, axis_name)[0]
    return total / jnp.sum(weights * pooled_sum(targets, where, axis_name))
