"""Compounds whose weights change with the progress of a training."""

from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxseg.losses.boundary import boundary_loss
from jaxseg.losses.compound import LossAt, weighted_sum
from jaxseg.losses.images import per_image
from jaxseg.losses.pixel import cross_entropy_loss
from jaxseg.losses.protocol import Loss, Schedule
from jaxseg.losses.region import dice_loss
from jaxseg.losses.schedules import linear, switch
from jaxseg.losses.sums import squared_dice_per_image


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


def _hand_over(dice_weight: Schedule, background: float) -> LossAt:
    def ce_weight(progress):
        return 1 - dice_weight(progress)

    overlap = squared_dice_per_image(background)
    return weighted_sum((ce_weight, cross_entropy_loss), (dice_weight, overlap))


def ce_to_dice_linear(*, background: float = 1.0) -> LossAt:
    """Soft fine-tuning: cross-entropy at the start, Dice at the end, linear between.

    `background` is that of `ce_dice_per_image_loss`.
    """
    return _hand_over(linear(0.0, 1.0), background)


def ce_to_dice_hard(*, at: float = 0.9, background: float = 1.0) -> LossAt:
    """Hard fine-tuning: cross-entropy, then Dice alone for the last tenth.

    `background` is that of `ce_dice_per_image_loss`.
    """
    return _hand_over(switch(0.0, 1.0, at=at), background)
