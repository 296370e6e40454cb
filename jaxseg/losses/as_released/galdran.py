"""Galdran 2022 as released: github.com/agaldran/lesion_losses_ood at 0abbc8a."""

import functools
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxseg.links import Link, sigmoid
from jaxseg.losses.as_released.common import mean_over_images, product_counts
from jaxseg.losses.compound import LossAt
from jaxseg.losses.pixel import cross_entropy_loss
from jaxseg.losses.protocol import Schedule
from jaxseg.losses.shared_arguments import documented

LEAST = 1e-7  # the denominator of Dice is cut here
SHARE_OF_CE = 0.9  # of each cycle, in hard fine-tuning
EARLY = 1e-3  # epochs: the progress of an epoch's first step may be rounded down


@documented
def dice_loss(
    logits: Array,
    labels: Array,
    *,
    link: Link = sigmoid,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Mean over images of one minus Dice with the plain denominator.

    .. math:: 1 - \frac1B \sum_b \frac{2 \sum_i p_{bi} t_{bi}}
        {\max(\sum_i p_{bi} + \sum_i t_{bi}, 10^{-7})}

    Printed (Galdran 2022, eq. (5)): squares in the denominator. An image without
    foreground costs 1 and has no gradient in both.

    Args:
      logits: ``[B, ..., 1]`` scores of the foreground, images first.
      labels: ``[B, ...]`` ids 0 and 1, or ``[B, ..., 1]`` targets.
      axis_name: mapped axis whose images to average over.

    Returns:
      Scalar in [0, 1].
    """

    def of_image(logits: Array, labels: Array, where: Array) -> Array:
        counts = product_counts(logits, labels, link=link, where=where, axis_name=None)
        total = jnp.sum(counts.predicted + counts.actual)
        return 1 - 2 * jnp.sum(counts.inner) / jnp.maximum(total, LEAST)

    return mean_over_images(of_image, logits, labels, where=where, axis_name=axis_name)


@documented
def bce_dice_loss(
    logits: Array,
    labels: Array,
    *,
    link: Link = sigmoid,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    """Half the binary cross-entropy plus half of `dice_loss` ("combo").

    Printed (Galdran 2022, eq. (6)): their sum, with the Dice of eq. (5).

    Args:
      logits: ``[B, ..., 1]`` scores of the foreground, images first.
      labels: ``[B, ...]`` ids 0 and 1, or ``[B, ..., 1]`` targets.
    """
    bce = cross_entropy_loss(
        logits, labels, link=link, where=where, axis_name=axis_name
    )
    dice = dice_loss(logits, labels, link=link, where=where, axis_name=axis_name)
    return 0.5 * bce + 0.5 * dice


def epoch_of_cycle(progress: ArrayLike, epochs: int, cycles: int) -> Array:
    """Epoch 0, ..., epochs - 1 within the current one of `cycles` equal cycles."""
    total = epochs * cycles
    epoch = jnp.floor(jnp.asarray(progress) * total + EARLY)
    return jnp.clip(epoch, 0, total - 1) % epochs


def linear_ce_share(*, epochs: int = 12, cycles: int = 1) -> Schedule:
    """Weight of cross-entropy: 1 - epoch / (epochs - 1), anew in each cycle.

    Printed (Galdran 2022, eq. (7)): 1 - n / N over the whole training.

    Args:
      epochs: of a cycle, >= 2.
      cycles: how many.
    """

    def share(progress: ArrayLike) -> Array:
        return 1 - epoch_of_cycle(progress, epochs, cycles) / (epochs - 1)

    return share


def hard_ce_share(*, epochs: int = 12, cycles: int = 1) -> Schedule:
    """Weight of cross-entropy: 1 while epoch <= 0.9 epochs, else 0, in each cycle.

    Printed (Galdran 2022, eq. (8)): 1 while n < 0.9 N over the whole training. With
    the released 12 epochs only the last is left to Dice; with 10 or fewer, none is.

    Args:
      epochs: of a cycle.
      cycles: how many.
    """

    def share(progress: ArrayLike) -> Array:
        epoch = epoch_of_cycle(progress, epochs, cycles)
        return jnp.where(epoch <= SHARE_OF_CE * epochs, 1.0, 0.0)

    return share


def _hand_over(ce_share: Schedule) -> LossAt:
    def build(progress: ArrayLike) -> Callable[..., Array]:
        share = jnp.asarray(ce_share(progress))

        def total(logits: Array, labels: Array, **options: Any) -> Array:
            bce = cross_entropy_loss(logits, labels, **options)
            return share * bce + (1 - share) * dice_loss(logits, labels, **options)

        return functools.partial(total, link=sigmoid)

    return LossAt(build)


def ce_to_dice_linear(*, epochs: int = 12, cycles: int = 1) -> LossAt:
    """Soft fine-tuning with `linear_ce_share` and the released Dice."""
    return _hand_over(linear_ce_share(epochs=epochs, cycles=cycles))


def ce_to_dice_hard(*, epochs: int = 12, cycles: int = 1) -> LossAt:
    """Hard fine-tuning with `hard_ce_share` and the released Dice."""
    return _hand_over(hard_ce_share(epochs=epochs, cycles=cycles))
