"""Losses that are means over pixels of a function of the target's probability."""

from collections.abc import Callable

import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxseg.distance import Spacing, border_closeness
from jaxseg.fused import by_id, target_log_probs
from jaxseg.links import Link, softmax
from jaxseg.losses.images import image_loss
from jaxseg.losses.loss_function import loss_function
from jaxseg.losses.maps import class_maps
from jaxseg.numerics import (
    number_like,
    pooled_mean,
    pooled_sum,
    power,
    safe_ratio,
    times,
    top_weights,
    widen,
)
from jaxseg.targets import (
    as_class_weights,
    as_pixel_weights,
    as_pixels,
    softmax_of_ids,
)


def pixel_losses(
    logits: Array,
    labels: Array,
    penalty: Callable[[Array], Array],
    *,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
) -> Array:
    """Sum over classes of the weighted penalty of the log-probability of the target.

    Args:
      logits: ``[..., C]`` scores.
      labels: ``[...]`` class ids, or ``[..., C]`` targets t.
      penalty: elementwise function of log p, 0 at 0, with finite slopes at finite
        arguments; it is never asked about a class that a pixel has no share in.
      link: how scores become the probabilities p; where classes are not exclusive, a
        class that a pixel does not have adds the penalty of log(1 - p).
      class_weights: ``[C]`` factor on the terms of each class.
      where: ``[...]`` bool, False for pixels to leave out.

    Returns:
      ``[...]``, float32 or wider.
    """
    weights = as_class_weights(class_weights, logits)
    hard = softmax_of_ids(logits, labels, link=link, where=where)
    if hard is not None:
        losses, (_, ids) = penalty(target_log_probs(*hard)), hard
        return losses if weights is None else losses * by_id(weights, ids)
    scores, targets = as_pixels(logits, labels, link=link, where=where)
    return jnp.sum(class_costs(scores, targets, penalty, link, weights), axis=-1)


def class_costs(
    scores: Array,
    targets: Array,
    penalty: Callable[[Array], Array],
    link: Link,
    class_weights: Array | None,
) -> Array:
    """Weighted penalty of each class's log-probability times its share, ``[..., C]``.

    Where classes are not exclusive, a class that a pixel does not have adds the penalty
    of log(1 - p).
    """

    def share_of(targets: Array, logs: Array) -> Array:
        # A class without a share may have the log-probability -inf.
        none = targets <= 0
        return jnp.where(none, 0, targets * penalty(jnp.where(none, 0, logs)))

    costs = share_of(targets, link.log_probs(scores))
    absent = link.log_absent(scores)
    if absent is not None:
        costs += share_of(1 - targets, absent)
    if class_weights is None:
        return costs
    return costs * class_weights.reshape((1,) * (costs.ndim - 1) + (-1,))


@loss_function
def cross_entropy_loss(
    logits: Array,
    labels: Array,
    *,
    pixel_weights: Array | None = None,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Mean over pixels of the negative log-probability of the target.

    .. math:: -\frac1N \sum_i \sum_c w_c t_{ic} \log p_{ic}

    With `links.sigmoid` each class is a binary problem of its own and the classes'
    terms add up: for C = 1 this is the binary cross-entropy. Smallest at p = t, also
    for soft t; the gradient in the logits is (p - t) / N.

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0]], [0, 1]
      >>> print(f"{cross_entropy_loss(logits, labels):.4f}")
      0.2201
      >>> print(f"{cross_entropy_loss(logits, labels, class_weights=(1, 2)):.4f}")
      0.3767

    Args:
      pixel_weights: ``[...]`` factor >= 0 on each pixel's term.
      class_weights: ``[C]`` weight of each pixel by its class, w; the mean still
        divides by the number of pixels N, as printed (PyTorch divides by the weights).

    Returns:
      Scalar >= 0, float32 or wider; 0 with zero gradient where no pixel counts.

    Source: Ma 2021, eqs. (1) and (2); Galdran 2022, eqs. (1) and (2).
    """
    losses = pixel_losses(
        logits,
        labels,
        jnp.negative,
        link=link,
        class_weights=class_weights,
        where=where,
    )
    losses *= as_pixel_weights(pixel_weights, logits)
    return pooled_mean(losses, where, axis_name)


@loss_function
def region_cross_entropy_loss(
    logits: Array,
    labels: Array,
    *,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Sum over classes of the mean negative log-probability in the class's region.

    .. math:: -\sum_k \frac1{|\Omega_k|} \sum_{i \in \Omega_k} \log p_{ik}

    Every class weighs the same, however few its pixels. With `links.sigmoid` each class
    adds the mean over the pixels outside it as well: for C = 1 that is eq. (20). Not
    smallest at p = t for soft t, since the weights differ between classes.

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0]], [0, 1]
      >>> print(f"{region_cross_entropy_loss(logits, labels):.4f}")
      0.4402

    Args:
      class_weights: ``[C]`` weights of the sum over classes.

    Returns:
      Scalar >= 0, float32 or wider; an empty region adds 0.

    Source: Liu 2022, Table 1 and eq. (20). The proof of Liu's Proposition 2 and the
    released code use the plain mean over pixels instead.
    """
    scores, targets = as_pixels(logits, labels, link=link, where=where)

    def means(targets: Array, logs: Array) -> Array:
        total = pooled_sum(times(targets, logs), where, axis_name)
        return safe_ratio(total, pooled_sum(targets, where, axis_name), 0)

    losses = -means(targets, link.log_probs(scores))
    absent = link.log_absent(scores)
    if absent is not None:
        losses -= means(1 - targets, absent)
    weights = as_class_weights(class_weights, logits)
    return jnp.sum(losses if weights is None else losses * weights)


@loss_function
def focal_loss(
    logits: Array,
    labels: Array,
    *,
    gamma: ArrayLike = 2.0,
    pixel_weights: Array | None = None,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Cross-entropy in which a pixel counts the less the better it is classified.

    .. math:: -\frac1N \sum_i \sum_c w_c (1 - p_{ic})^\gamma t_{ic} \log p_{ic}

    gamma = 0 is cross-entropy. 1 - p is computed without cancellation and its power
    has slope 0 at p = 1, so gamma < 1 is safe. Not smallest at p = t for soft t.

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0]], [0, 1]
      >>> print(f"{focal_loss(logits, labels):.4f}")
      0.0122
      >>> print(f"{focal_loss(logits, labels, gamma=0):.4f}")
      0.2201

    Args:
      gamma: focusing exponent >= 0; may be traced.
      pixel_weights: ``[...]`` factor >= 0 on each pixel's term.
      class_weights: ``[C]`` weight of each pixel by its class, w.

    Returns:
      Scalar >= 0, float32 or wider; 0 with zero gradient where no pixel counts.

    Source: Lin 2017; Ma 2021, eq. (5).
    """

    def penalty(logs: Array) -> Array:
        return -power(-jnp.expm1(logs), gamma) * logs

    losses = pixel_losses(
        logits, labels, penalty, link=link, class_weights=class_weights, where=where
    )
    losses *= as_pixel_weights(pixel_weights, logits)
    return pooled_mean(losses, where, axis_name)


@loss_function
def topk_loss(
    logits: Array,
    labels: Array,
    *,
    fraction: ArrayLike = 0.1,
    pixel_weights: Array | None = None,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Cross-entropy of the worst pixels alone.

    .. math:: -\frac1N \sum_{i \in K} \sum_c w_c t_{ic} \log p_{ic}

    K holds the `fraction` of the N pixels with the largest terms, on all devices. Those
    that tie for its last places share them, so that K has exactly fraction * N pixels,
    whole or not. fraction = 1 is cross-entropy. Which pixels are in K has no gradient.

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0]], [0, 1]
      >>> print(f"{topk_loss(logits, labels):.4f}")
      0.0313
      >>> print(f"{topk_loss(logits, labels, fraction=0.5):.4f}")
      0.1566

    Args:
      fraction: share of the pixels that count, in (0, 1]; may be traced.
      pixel_weights: ``[...]`` factor >= 0 on each pixel's term, before the ranking.
      class_weights: ``[C]`` weight of each pixel by its class, w, before the ranking.

    Returns:
      Scalar >= 0, float32 or wider; 0 with zero gradient where no pixel counts.

    Source: Ma 2021, eq. (4), divided by N as printed; released code divides by the
    number of pixels in K (multiply by 1 / fraction).
    """
    losses = pixel_losses(
        logits,
        labels,
        jnp.negative,
        link=link,
        class_weights=class_weights,
        where=where,
    )
    losses *= as_pixel_weights(pixel_weights, logits)
    chosen = top_weights(losses, where, fraction, axis_name)
    return pooled_mean(chosen * losses, where, axis_name)


@loss_function
def topk_threshold_loss(
    logits: Array,
    labels: Array,
    *,
    threshold: ArrayLike = 0.5,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Cross-entropy of the pixels whose target has a probability below a threshold.

    .. math:: -\frac{\sum_{ic} 1\{p_{ic} < \theta\} w_c t_{ic} \log p_{ic}}
        {\sum_{ic} 1\{p_{ic} < \theta\} t_{ic}}

    Which pixels are chosen has no gradient; the loss jumps as one enters or leaves. Not
    smallest at p = t for soft t.

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0]], [0, 1]
      >>> print(f"{topk_threshold_loss(logits, labels):.4f}")
      0.0000
      >>> print(f"{topk_threshold_loss(logits, labels, threshold=0.8):.4f}")
      0.3133

    Args:
      threshold: probability in (0, 1]; may be traced. Ma compares 0.1, 0.3, ..., 0.9.
      class_weights: ``[C]`` weight of each pixel by its class, w.

    Returns:
      Scalar >= 0, float32 or wider; 0 with zero gradient where no pixel is chosen.

    Source: Wu 2016; Ma 2021, eq. (3). Released code compares the largest probability
    of a pixel, whatever its class, with the threshold.
    """
    limit = jnp.log(widen(threshold))

    def is_chosen(logs: Array) -> Array:
        return ~(logs >= limit.astype(logs.dtype))  # nan is

    def chosen(logs: Array) -> Array:
        return jnp.where(is_chosen(logs), -logs, 0)

    def share_chosen(logs: Array) -> Array:
        return is_chosen(logs).astype(logs.dtype)

    losses = pixel_losses(
        logits, labels, chosen, link=link, class_weights=class_weights, where=where
    )
    counts = pixel_losses(logits, labels, share_chosen, link=link, where=where)
    total = pooled_sum(losses[..., None], where, axis_name)[0]
    return safe_ratio(total, pooled_sum(counts[..., None], where, axis_name)[0], 0)


@image_loss
def distance_cross_entropy_loss(
    logits: Array,
    labels: Array,
    *,
    distance: Array | Callable[..., Array] = border_closeness,
    spacing: Spacing | None = None,
    spatial: int | None = None,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Cross-entropy that weighs a pixel the more the closer it is to the boundary.

    .. math:: -\frac1N \sum_i \sum_c w_c (1 + D_{ic}) t_{ic} \log p_{ic}

    D is an inverse of the distance to the boundary of the region where t is above one
    half, without gradient. The paper does not say which inverse: `border_closeness`,
    (max - d) / max, is that of released code, `reciprocal_distance` is 1 / d. Where
    D is computed here, all leading axes are those of one image; a masked pixel belongs
    to neither side of a boundary. Not smallest at p = t for soft t.

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0]], [0, 1]
      >>> print(f"{distance_cross_entropy_loss(logits, labels):.4f}")
      0.2201

    Args:
      logits: ``[..., C]`` scores; of one image unless `distance` is an array.
      distance: D, ``[..., C]`` >= 0, or a function ``(mask, *, spacing, where)`` of the
        mask of a class to its D.
      spacing: size of a pixel along each axis of the image, for maps computed here.
      spatial: how many axes an image has; more leading axes are images, over whose
        losses the mean is taken. None for one image of up to two axes.
      link: how scores become the probabilities p; where classes are not exclusive, each
        adds -(1 + D) (1 - t) log(1 - p).
      class_weights: ``[C]`` factor on the terms of each class, w.
      axis_name: mapped axis to pool pixels over; each image is whole on one device.

    Returns:
      Scalar >= 0, float32 or wider; 0 with zero gradient where no pixel counts.

    Raises:
      ValueError: nobody says whether more than two axes are one image.

    Source: Caliva 2019; Ma 2021, eq. (6). Released code computes D and then returns
    the mean without it, the plain cross-entropy.
    """
    del spatial  # image_loss has split the batch
    scores, targets = as_pixels(logits, labels, link=link, where=where)
    if callable(distance):
        penalty = class_maps(distance, targets, spacing=spacing, where=where)
    else:
        penalty = lax.stop_gradient(distance)
        if penalty.shape != scores.shape:
            raise ValueError(
                f"distance needs the shape {scores.shape} of logits, "
                f"not {penalty.shape}"
            )
    weights = as_class_weights(class_weights, logits)
    losses = class_costs(scores, targets, jnp.negative, link, weights)
    penalty = number_like(penalty, losses)
    return pooled_mean(jnp.sum((1 + penalty) * losses, axis=-1), where, axis_name)
