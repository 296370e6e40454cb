"""Compounds of the papers, with their weights and schedules as defaults."""

import functools
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxseg.losses.boundary import boundary_loss, hausdorff_loss
from jaxseg.losses.cldice import cldice_loss
from jaxseg.losses.compound import LossAt, balanced, scheduled, weighted_sum
from jaxseg.losses.images import per_image
from jaxseg.losses.loss_function import loss_function
from jaxseg.losses.marginal import dice_bias_loss, marginal_kl_loss, marginal_l1_loss
from jaxseg.losses.pixel import cross_entropy_loss, focal_loss, topk_loss
from jaxseg.losses.protocol import Loss, Schedule
from jaxseg.losses.region import dice_loss, log_dice_loss
from jaxseg.losses.schedules import linear, switch


def dice_ce(*, dice: float = 1.0, ce: float = 1.0) -> LossAt:
    """Cross-entropy plus Dice."""
    return weighted_sum((ce, cross_entropy_loss), (dice, dice_loss))


def dice_focal(*, dice: float = 1.0, focal: float = 1.0, gamma: float = 2.0) -> LossAt:
    """Dice plus focal loss."""
    return weighted_sum((dice, dice_loss), (focal, scheduled(focal_loss, gamma=gamma)))


def dice_topk(*, dice: float = 1.0, topk: float = 1.0, fraction: float = 0.1) -> LossAt:
    """Dice plus cross-entropy of the worst pixels."""
    worst = scheduled(topk_loss, fraction=fraction)
    return weighted_sum((dice, dice_loss), (topk, worst))


def dice_bias_ce(*, weight: float = 1.0, temperature: float = 1.0) -> LossAt:
    """Cross-entropy plus the label-marginal bias of Dice, image by image."""
    bias = scheduled(per_image(dice_bias_loss), temperature=temperature)
    return weighted_sum((1.0, cross_entropy_loss), (weight, bias))


def log_dice_ce(*, log_dice: float = 1.0, ce: float = 1.0) -> LossAt:
    """Cross-entropy plus log-Dice."""
    return weighted_sum((ce, cross_entropy_loss), (log_dice, log_dice_loss))


def ce_l1(*, weight: float = 1.0, temperature: float = 10.0) -> LossAt:
    """Cross-entropy plus the L1 distance of each image's label marginals."""
    penalty = scheduled(per_image(marginal_l1_loss), temperature=temperature)
    return weighted_sum((1.0, cross_entropy_loss), (weight, penalty))


def ce_kl(*, weight: float = 0.1, temperature: float = 10.0) -> LossAt:
    """Cross-entropy plus the KL divergence of each image's label marginals."""
    penalty = scheduled(per_image(marginal_kl_loss), temperature=temperature)
    return weighted_sum((1.0, cross_entropy_loss), (weight, penalty))


def dice_cldice(*, cldice: float = 0.5, iterations: int = 3) -> LossAt:
    """Dice plus centreline Dice, image by image, with weights that add up to 1."""
    thin = scheduled(per_image(cldice_loss), iterations=iterations)
    return weighted_sum((1 - cldice, per_image(dice_loss)), (cldice, thin))


def _weighing_background(loss: Loss, weight: ArrayLike) -> Callable[..., Array]:
    """The loss with class 0 weighed by `weight` more in its mean over classes.

    One score a pixel is of the foreground alone, and nothing is weighed.
    """

    @loss_function
    @functools.wraps(loss)
    def weighed(
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
            class_weights = jnp.asarray(plain).at[0].multiply(weight)
        return loss(logits, labels, class_weights=class_weights, **options)

    return weighed


def ce_dice_per_image(
    *, ce: float = 1.0, dice: float = 1.0, background: float = 1.0
) -> LossAt:
    """Cross-entropy plus the squared Dice of each image.

    `background` weighs class 0 in the mean over the classes of Dice; with 0 two classes
    have the Dice of their foreground, as the source's binary loss does.
    """
    overlap = _weighing_background(per_image(dice_loss), background)
    overlap = scheduled(overlap, squared=True)
    return weighted_sum((ce, cross_entropy_loss), (dice, overlap))


def dice_bd(*, until: float = 1.0) -> LossAt:
    """Dice, its weight falling from 1 to 0.01, handing over to the boundary loss.

    The source lowers the weight by 0.01 an epoch: `until` is the progress of the run at
    which it arrives, 99 epochs over the number of epochs. The loss takes the maps
    `signed_distance` of the boundary loss, and makes them where it is given none.
    """
    dice_weight = linear(1.0, 0.01, until=until)
    boundary = per_image(boundary_loss)

    def build(progress: ArrayLike) -> Loss:
        weight = jnp.asarray(dice_weight(progress))

        def total(
            logits: Array,
            labels: Array,
            *,
            signed_distance: Array | None = None,
            **options: Any,
        ) -> Array:
            options_of_boundary: dict[str, Any] = {
                "signed_distance": signed_distance,
                **options,
            }
            integral = boundary(logits, labels, **options_of_boundary)
            overlap = dice_loss(logits, labels, **options)
            return weight * overlap + (1 - weight) * integral

        return total

    return LossAt(build)


def dice_hd(*, alpha: float = 2.0) -> LossAt:
    """Dice plus the Hausdorff loss, Dice weighed by the ratio of the two."""
    return balanced(dice_loss, scheduled(per_image(hausdorff_loss), alpha=alpha))


def _hand_over(dice_weight: Schedule, background: float) -> LossAt:
    def ce_weight(progress):
        return 1 - dice_weight(progress)

    overlap = _weighing_background(per_image(dice_loss), background)
    overlap = scheduled(overlap, squared=True)
    return weighted_sum((ce_weight, cross_entropy_loss), (dice_weight, overlap))


def ce_to_dice_linear(*, background: float = 1.0) -> LossAt:
    """Soft fine-tuning: cross-entropy at the start, Dice at the end, linear between.

    `background` is that of `ce_dice_per_image`.
    """
    return _hand_over(linear(0.0, 1.0), background)


def ce_to_dice_hard(*, at: float = 0.9, background: float = 1.0) -> LossAt:
    """Hard fine-tuning: cross-entropy, then Dice alone for the last tenth.

    `background` is that of `ce_dice_per_image`.
    """
    return _hand_over(switch(0.0, 1.0, at=at), background)
