"""Compound losses: weighted sums of two, with the weights of the papers."""

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any, cast

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxseg.links import Link, softmax
from jaxseg.losses.boundary import hausdorff_loss
from jaxseg.losses.cldice import cldice_loss
from jaxseg.losses.compound import matched
from jaxseg.losses.images import per_image
from jaxseg.losses.loss_function import loss_function
from jaxseg.losses.marginal import dice_bias_loss, marginal_kl_loss, marginal_l1_loss
from jaxseg.losses.pixel import cross_entropy_loss, focal_loss, topk_loss
from jaxseg.losses.region import dice_loss, log_dice_loss


@loss_function
def dice_ce_loss(
    logits: Array,
    labels: Array,
    *,
    dice: ArrayLike = 1.0,
    ce: ArrayLike = 1.0,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Cross-entropy plus Dice.

    .. math:: w_{CE} CE + w_{Dice} Dice

    Example:
      >>> round(float(dice_ce_loss([[2.0, 0.0], [0.0, 1.0]], [0, 1], dice=0.5)), 4)
      0.3177

    Args:
      dice: weight of `dice_loss`, >= 0; may be traced.
      ce: weight of `cross_entropy_loss`, >= 0; may be traced.

    Returns:
      Scalar >= 0, float32 or wider; 0 where no pixel counts.

    Source: Ma 2021, eq. (22).
    """
    terms = ((ce, cross_entropy_loss), (dice, dice_loss))
    return _sum(terms, logits, labels, link, class_weights, where, axis_name)


@loss_function
def dice_focal_loss(
    logits: Array,
    labels: Array,
    *,
    dice: ArrayLike = 1.0,
    focal: ArrayLike = 1.0,
    gamma: ArrayLike = 2.0,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Dice plus the focal loss.

    .. math:: w_{Dice} Dice + w_{Focal} Focal_\gamma

    Example:
      >>> round(float(dice_focal_loss([[2.0, 0.0], [0.0, 1.0]], [0, 1])), 4)
      0.2074

    Args:
      dice: weight of `dice_loss`, >= 0; may be traced.
      focal: weight of `focal_loss`, >= 0; may be traced.
      gamma: its exponent, >= 0; with 0 it is cross-entropy; may be traced.

    Returns:
      Scalar >= 0, float32 or wider; 0 where no pixel counts.

    Source: Ma 2021, eq. (24).
    """
    focused = functools.partial(focal_loss, gamma=gamma)
    terms = ((dice, dice_loss), (focal, focused))
    return _sum(terms, logits, labels, link, class_weights, where, axis_name)


@loss_function
def dice_topk_loss(
    logits: Array,
    labels: Array,
    *,
    dice: ArrayLike = 1.0,
    topk: ArrayLike = 1.0,
    fraction: float = 0.1,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Dice plus the cross-entropy of the worst pixels.

    .. math:: w_{Dice} Dice + w_{TopK} TopK

    Example:
      >>> round(float(dice_topk_loss([[2.0, 0.0], [0.0, 1.0]], [0, 1])), 4)
      0.2265

    Args:
      dice: weight of `dice_loss`, >= 0; may be traced.
      topk: weight of `topk_loss`, >= 0; may be traced.
      fraction: share of pixels that it keeps, in (0, 1]; with 1 it is cross-entropy.

    Returns:
      Scalar >= 0, float32 or wider; 0 where no pixel counts.

    Source: Ma 2021, eq. (25).
    """
    worst = functools.partial(topk_loss, fraction=fraction)
    terms = ((dice, dice_loss), (topk, worst))
    return _sum(terms, logits, labels, link, class_weights, where, axis_name)


@loss_function
def log_dice_ce_loss(
    logits: Array,
    labels: Array,
    *,
    log_dice: ArrayLike = 1.0,
    ce: ArrayLike = 1.0,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Cross-entropy plus log-Dice.

    .. math:: w_{CE} CE - w_{logDice} \frac1C \sum_c \log Dice_c

    Example:
      >>> round(float(log_dice_ce_loss([[2.0, 0.0], [0.0, 1.0]], [0, 1])), 4)
      0.4374

    Args:
      log_dice: weight of `log_dice_loss`, >= 0; may be traced.
      ce: weight of `cross_entropy_loss`, >= 0; may be traced.

    Returns:
      Scalar >= 0, float32 or wider; 0 where no pixel counts.

    Source: Liu 2022, Table 2.
    """
    terms = ((ce, cross_entropy_loss), (log_dice, log_dice_loss))
    return _sum(terms, logits, labels, link, class_weights, where, axis_name)


@loss_function
def dice_bias_ce_loss(
    logits: Array,
    labels: Array,
    *,
    ce: ArrayLike = 1.0,
    weight: ArrayLike = 1.0,
    temperature: ArrayLike = 1.0,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Cross-entropy plus the label-marginal bias of Dice, image by image.

    .. math:: w_{CE} CE + w \frac1B \sum_b \sum_k \log(\hat p_{bk} + \hat y_{bk})

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0]], [0, 1]
      >>> print(f"{dice_bias_ce_loss(logits, labels):.4f}")
      -0.9098

    Args:
      logits: ``[B, ..., C]`` scores of B images; this and what follows `temperature`
        is as in every `Loss`.
      labels: ``[B, ...]`` class ids, or ``[B, ..., C]`` one-hot or soft targets.
      ce: weight of `cross_entropy_loss`, >= 0; may be traced.
      weight: of `dice_bias_loss`, >= 0; may be traced.
      temperature: of its softmax, > 0; may be traced.

    Returns:
      Scalar of any sign, float32 or wider; 0 where no pixel counts.

    Source: Liu 2022, Table 2.
    """
    bias = _mean_over_images(dice_bias_loss, temperature=temperature)
    terms = ((ce, cross_entropy_loss), (weight, bias))
    return _sum(terms, logits, labels, link, class_weights, where, axis_name)


@loss_function
def ce_l1_loss(
    logits: Array,
    labels: Array,
    *,
    ce: ArrayLike = 1.0,
    weight: ArrayLike = 1.0,
    temperature: ArrayLike = 10.0,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Cross-entropy plus the L1 distance of each image's label marginals.

    .. math:: w_{CE} CE + w \frac1B \sum_b \sum_k |\hat y_{bk} - \hat p_{bk}|

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0]], [0, 1]
      >>> print(f"{ce_l1_loss(logits, labels):.4f}")
      0.2201

    Args:
      logits: ``[B, ..., C]`` scores of B images; this and what follows `temperature`
        is as in every `Loss`.
      labels: ``[B, ...]`` class ids, or ``[B, ..., C]`` one-hot or soft targets.
      ce: weight of `cross_entropy_loss`, >= 0; may be traced.
      weight: of `marginal_l1_loss`, >= 0; may be traced.
      temperature: of its softmax, > 0; may be traced.

    Returns:
      Scalar >= 0, float32 or wider; 0 where no pixel counts.

    Source: Liu 2022, eq. (5).
    """
    penalty = _mean_over_images(marginal_l1_loss, temperature=temperature)
    terms = ((ce, cross_entropy_loss), (weight, penalty))
    return _sum(terms, logits, labels, link, class_weights, where, axis_name)


@loss_function
def ce_kl_loss(
    logits: Array,
    labels: Array,
    *,
    ce: ArrayLike = 1.0,
    weight: ArrayLike = 0.1,
    temperature: ArrayLike = 10.0,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Cross-entropy plus the KL divergence of each image's label marginals.

    .. math:: w_{CE} CE
        + w \frac1B \sum_b \sum_k \hat y_{bk} \log(\hat y_{bk} / \hat p_{bk})

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0]], [0, 1]
      >>> print(f"{ce_kl_loss(logits, labels):.4f}")
      0.2201

    Args:
      logits: ``[B, ..., C]`` scores of B images; this and what follows `temperature`
        is as in every `Loss`.
      labels: ``[B, ...]`` class ids, or ``[B, ..., C]`` one-hot or soft targets.
      ce: weight of `cross_entropy_loss`, >= 0; may be traced.
      weight: of `marginal_kl_loss`, >= 0; may be traced.
      temperature: of its softmax, > 0; may be traced.

    Returns:
      Scalar >= 0, float32 or wider; 0 where no pixel counts.

    Source: Liu 2022, eq. (5).
    """
    penalty = _mean_over_images(marginal_kl_loss, temperature=temperature)
    terms = ((ce, cross_entropy_loss), (weight, penalty))
    return _sum(terms, logits, labels, link, class_weights, where, axis_name)


@loss_function
def dice_cldice_loss(
    logits: Array,
    labels: Array,
    *,
    cldice: ArrayLike = 0.5,
    iterations: int = 3,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Dice plus centreline Dice, image by image, with weights that add up to 1.

    .. math:: (1 - w) Dice + w \, clDice

    Example:
      >>> logits, labels = [[[2.0, 0.0], [0.0, 1.0], [1.0, 0.0]]], [[0, 1, 1]]
      >>> print(f"{dice_cldice_loss(logits, labels):.4f}")
      0.4079

    Args:
      logits: ``[B, ..., C]`` scores of B images; this and what follows `iterations`
        is as in every `Loss`.
      labels: ``[B, ...]`` class ids, or ``[B, ..., C]`` one-hot or soft targets.
      cldice: weight w of `cldice_loss`, in [0, 1]; may be traced.
      iterations: of its skeletons, the largest radius in pixels of a vessel.

    Returns:
      Scalar in [0, 1], float32 or wider; 0 where no pixel counts.

    Source: Shit 2021, eq. (4).
    """
    thin = _mean_over_images(cldice_loss, iterations=iterations)
    terms = ((1 - cldice, _mean_over_images(dice_loss)), (cldice, thin))
    return _sum(terms, logits, labels, link, class_weights, where, axis_name)


@loss_function
def ce_dice_per_image_loss(
    logits: Array,
    labels: Array,
    *,
    ce: ArrayLike = 1.0,
    dice: ArrayLike = 1.0,
    background: ArrayLike = 1.0,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Cross-entropy plus the squared Dice of each image.

    .. math:: w_{CE} CE + w_{Dice} \frac1B \sum_b Dice^2_b

    Example:
      >>> logits, labels = [[[2.0, 0.0]], [[0.0, 1.0]]], [[0], [1]]
      >>> print(f"{ce_dice_per_image_loss(logits, labels):.4f}")
      0.7339

    Args:
      logits: ``[B, ..., C]`` scores of B images; this and what follows `background`
        is as in every `Loss`.
      labels: ``[B, ...]`` class ids, or ``[B, ..., C]`` one-hot or soft targets.
      ce: weight of `cross_entropy_loss`, >= 0; may be traced.
      dice: weight of `dice_loss` with ``squared=True`` of each image, >= 0; may be
        traced.
      background: weighs class 0 in the mean over the classes of Dice, >= 0; with 0 two
        classes have the Dice of their foreground, as the source's binary loss does.

    Returns:
      Scalar >= 0, float32 or wider; 0 where no pixel counts.

    Source: Galdran 2022, eq. (6).
    """
    terms = ((ce, cross_entropy_loss), (dice, squared_dice_per_image(background)))
    return _sum(terms, logits, labels, link, class_weights, where, axis_name)


@loss_function
def dice_hd_loss(
    logits: Array,
    labels: Array,
    *,
    alpha: ArrayLike = 2.0,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Dice, weighed to be as large as the Hausdorff loss, plus the Hausdorff loss.

    .. math:: \lambda Dice + HD, \quad \lambda = HD / Dice

    No gradient flows through the weight: see `balanced`.

    Example:
      >>> logits, labels = [[[2.0, 0.0], [0.0, 1.0], [1.0, 0.0]]], [[0, 1, 1]]
      >>> print(f"{dice_hd_loss(logits, labels):.4f}")
      1.8969

    Args:
      logits: ``[B, ..., C]`` scores of B images.
      labels: ``[B, ...]`` class ids, or ``[B, ..., C]`` one-hot or soft targets.
      alpha: exponent of the distances of `hausdorff_loss`, >= 0; may be traced.

    Returns:
      Scalar >= 0, float32 or wider; 0 where no pixel counts.

    Source: Ma 2021, section 3.2; Karimi 2019, section II-C.
    """
    options: dict[str, Any] = {"link": link, "class_weights": class_weights,
                               "where": where, "axis_name": axis_name}  # fmt: skip
    far = _mean_over_images(hausdorff_loss, alpha=alpha)(logits, labels, **options)
    return matched(dice_loss(logits, labels, **options), far) + far


def dice_cldice_terms(*, cldice: ArrayLike = 0.5, **hyper: Any) -> dict[str, Any]:
    """Weighted terms of `dice_cldice_loss`, by name."""
    ends = {"dice_loss": (1 - cldice, 0.0), "cldice_loss": (cldice, 1.0)}

    def term(weight: Any, end: float) -> Callable[..., Array]:
        return lambda logits, labels, **options: (
            weight * dice_cldice_loss(logits, labels, cldice=end, **hyper, **options)
        )

    return {name: term(*pair) for name, pair in ends.items()}


def dice_hd_terms(*, alpha: ArrayLike = 2.0) -> dict[str, Any]:
    """Weighted terms of `dice_hd_loss`, by name."""
    far = _mean_over_images(hausdorff_loss, alpha=alpha)

    def weighed(logits: Array, labels: Array, **options: Any) -> Array:
        near = dice_loss(logits, labels, **options)
        return matched(near, far(logits, labels, **options))

    return {"dice_loss": weighed, "hausdorff_loss": far}


def squared_dice_per_image(background: ArrayLike = 1.0) -> Callable[..., Array]:
    """The squared Dice of each image, class 0 weighed by `background` more.

    One score a pixel is of the foreground alone, and nothing is weighed.
    """
    overlap = _mean_over_images(dice_loss, squared=True)

    @loss_function
    @functools.wraps(dice_loss)
    def squared_dice_loss(
        logits: Array,
        labels: Array,
        *,
        class_weights: ArrayLike | None = None,
        **options: Any,
    ) -> Array:
        if logits.shape[-1] > 1:
            plain = (
                jnp.ones(logits.shape[-1]) if class_weights is None else class_weights
            )
            class_weights = jnp.asarray(plain).at[0].multiply(background)
        return overlap(logits, labels, class_weights=class_weights, **options)

    return squared_dice_loss


def _mean_over_images(loss: Callable[..., Array], **hyper: Any) -> Callable[..., Array]:
    """The mean of the loss over images, with hyper-parameters bound."""
    return functools.partial(cast(Callable[..., Array], per_image(loss)), **hyper)


def _sum(
    terms: Sequence[tuple[Any, Callable[..., Array]]],
    logits: Array,
    labels: Array,
    link: Link,
    class_weights: ArrayLike | None,
    where: Array | None,
    axis_name: str | None,
) -> Array:
    """Sum of weight times loss; what has the weight 0, a plain number, is left out."""
    counted = [term for term in terms if not _is_zero(term[0])] or terms
    values = [
        weight
        * loss(
            logits,
            labels,
            link=link,
            class_weights=class_weights,
            where=where,
            axis_name=axis_name,
        )
        for weight, loss in counted
    ]
    return functools.reduce(operator.add, values)


def _is_zero(weight: ArrayLike) -> bool:
    return isinstance(weight, int | float) and weight == 0
