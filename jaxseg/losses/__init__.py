"""Segmentation losses: pure functions of scores and labels over one pool of pixels."""

from jaxseg.losses.catalog import CATALOG, Entry
from jaxseg.losses.compound import LossAt, scheduled, weighted_sum
from jaxseg.losses.lovasz import lovasz_loss
from jaxseg.losses.marginal import dice_bias_loss, marginal_kl_loss, marginal_l1_loss
from jaxseg.losses.per_image import per_image
from jaxseg.losses.pixel import cross_entropy_loss
from jaxseg.losses.protocol import Loss, Schedule
from jaxseg.losses.region import (
    dice_loss,
    jaccard_loss,
    log_dice_loss,
    tversky_loss,
)
from jaxseg.losses.schedules import linear, switch

__all__ = [
    "CATALOG",
    "Entry",
    "Loss",
    "LossAt",
    "Schedule",
    "cross_entropy_loss",
    "dice_bias_loss",
    "dice_loss",
    "jaccard_loss",
    "linear",
    "log_dice_loss",
    "lovasz_loss",
    "marginal_kl_loss",
    "marginal_l1_loss",
    "per_image",
    "scheduled",
    "switch",
    "tversky_loss",
    "weighted_sum",
]
