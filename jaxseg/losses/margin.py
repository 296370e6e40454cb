"""Cross-entropy with a penalty on scores that are too far apart, for calibration."""

import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxseg.links import Link, identity, softmax
from jaxseg.losses.boxes import box_sums
from jaxseg.losses.images import image_loss
from jaxseg.losses.loss_function import loss_function
from jaxseg.losses.pixel import pixel_losses
from jaxseg.numerics import keep, number_like, pooled_mean, safe_ratio
from jaxseg.targets import as_class_weights, as_pixels


@loss_function
def mbls_loss(
    logits: Array,
    labels: Array,
    *,
    margin: ArrayLike = 10.0,
    weight: ArrayLike = 0.1,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Cross-entropy, and what scores are further apart than a margin (MbLS).

    .. math:: -\frac1N \sum_{ic} w_c t_{ic} \log p_{ic} + \frac{\lambda}{N C}
        \sum_{ic} w_c \max(0, \max_d z_{id} - z_{ic} - m)

    Within the margin it is cross-entropy; beyond, a slope holds back scores that grow
    without making a pixel more right. So the loss at certain and right scores is not 0
    but grows with them. A score of -inf switches a class off and adds no penalty,
    though one of -1e4 adds much. With `links.sigmoid` each class is a question between
    the scores 0 and z, whose penalty is max(0, abs(z) - m) / 2, and the classes' terms
    add up; with `links.identity` scores are log p.

    Example:
      >>> logits, labels = [[8.0, 0.0], [0.0, 1.0]], [0, 1]
      >>> print(f"{mbls_loss(logits, labels):.4f}")  # as cross-entropy
      0.1568
      >>> print(f"{mbls_loss(logits, labels, margin=5):.4f}")  # and 0.1 (8 - 5) / 4
      0.2318

    Args:
      margin: m >= 0, how far scores may be apart; may be traced. Liu has 6 and 10 for
        images of one class each and 10 for segmentation; Murugesan 5.
      weight: lambda >= 0; may be traced.
      class_weights: ``[C]``; of a pixel's cross-entropy that of its class, and the
        factor on each class's penalty.

    Returns:
      Scalar >= 0, float32 or wider; 0 with zero gradient where no pixel counts.

    Source: Liu 2022 (MbLS), arXiv:2111.15430; Murugesan 2022, arXiv:2209.09641. Printed
    is the sum over classes, C times this penalty; the mean is that of released code, to
    which the published weight belongs.
    """
    scores, _ = as_pixels(logits, labels, link=link, where=where)
    logs, absent = link.log_probs(scores), link.log_absent(scores)
    if absent is None:
        apart = jnp.max(logs, axis=-1, keepdims=True) - logs
        apart = jnp.where(jnp.isneginf(logs), 0, apart)
        share = 1 / scores.shape[-1]
    else:
        apart, share = jnp.abs(logs - absent), 1 / 2
        apart = jnp.where(jnp.isinf(apart), 0, apart)
    penalty = share * jnp.maximum(apart - number_like(margin, apart), 0)
    return _with_penalty(
        penalty, weight, logits, labels, link, class_weights, where, axis_name
    )


@image_loss
def nacl_loss(
    logits: Array,
    labels: Array,
    *,
    weight: ArrayLike = 0.1,
    spatial: int | None = None,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Cross-entropy, and how far scores are from the shares of classes around (NACL).

    .. math:: -\frac1N \sum_{ic} w_c t_{ic} \log p_{ic} + \frac{\lambda}{N C}
        \sum_{ic} w_c |\tau_{ic} - z_{ic}|

    tau are the means of the targets over those of the 3 x 3 x ... pixels around a pixel
    that lie in the image and count. Scores, not probabilities, are pulled towards these
    shares, so they stay small, and smallest beside other classes. Scores therefore
    matter beyond their differences, and certain and right ones cost more the larger
    they are. A score of -inf switches a class off and adds no penalty, though one of
    -1e4 adds much. p = t is no minimiser. With `links.sigmoid` the classes' terms add
    up, each without the factor 1 / C; with `links.identity` scores are log p.

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0]], [0, 1]  # tau is 1/2 everywhere
      >>> print(f"{nacl_loss(logits, labels, weight=0):.4f}")  # cross-entropy
      0.2201
      >>> print(f"{nacl_loss(logits, labels):.4f}")  # and 0.1 (1.5 + 3 / 2) / 4
      0.2951

    Args:
      logits: ``[..., C]`` scores of one image; of a batch with `spatial`.
      weight: lambda >= 0; may be traced.
      spatial: how many axes an image has; more leading axes are images, over whose
        losses the mean is taken. None for one image of up to two axes.
      class_weights: ``[C]``; of a pixel's cross-entropy that of its class, and the
        factor on each class's penalty.
      axis_name: mapped axis to pool pixels over; each image is whole on one device.

    Returns:
      Scalar >= 0, float32 or wider; 0 with zero gradient where no pixel counts.

    Raises:
      ValueError: nobody says whether more than two axes are one image.

    Source: Murugesan 2023 (NACL), arXiv:2303.06268 and 2401.14487. Printed is the sum
    over classes, C times this penalty; the mean is that of released code, which also
    fills the box up with pixels of class 0 beyond the border of an image and does not
    know pixels that do not count.
    """
    del spatial  # image_loss has split the batch
    scores, targets = as_pixels(logits, labels, link=link, where=where)
    counted = jnp.ones((*scores.shape[:-1], 1), scores.dtype)
    shares = safe_ratio(
        box_sums(keep(targets, where)), box_sums(keep(counted, where)), 0
    )
    values = link.log_probs(scores) if link is identity else scores
    far = jnp.abs(lax.stop_gradient(shares) - values)
    far = jnp.where(jnp.isinf(far), 0, far)
    penalty = far / scores.shape[-1] if link.log_absent(scores) is None else far
    return _with_penalty(
        penalty, weight, logits, labels, link, class_weights, where, axis_name
    )


def _with_penalty(
    penalty: Array,
    weight: ArrayLike,
    logits: Array,
    labels: Array,
    link: Link,
    class_weights: ArrayLike | None,
    where: Array | None,
    axis_name: str | None,
) -> Array:
    """Mean over pixels of cross-entropy and `weight` times a penalty ``[..., C]``."""
    losses = pixel_losses(
        logits,
        labels,
        jnp.negative,
        link=link,
        class_weights=class_weights,
        where=where,
    )
    weights = as_class_weights(class_weights, logits)
    if weights is not None:
        penalty = penalty * weights.reshape((1,) * (penalty.ndim - 1) + (-1,))
    added = number_like(weight, losses) * jnp.sum(penalty, axis=-1)
    return pooled_mean(losses + added, where, axis_name)
