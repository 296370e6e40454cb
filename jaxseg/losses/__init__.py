"""Segmentation losses: pure functions of scores and labels over one pool of pixels."""

from jaxseg.losses.boundary import (
    boundary_loss,
    hausdorff_erosion_loss,
    hausdorff_loss,
)
from jaxseg.losses.catalog import CATALOG, Entry
from jaxseg.losses.compound import LossAt, scheduled, weighted_sum
from jaxseg.losses.exponential import exponential_logarithmic_loss
from jaxseg.losses.lovasz import lovasz_loss
from jaxseg.losses.maps import class_maps, signed_distance_maps
from jaxseg.losses.marginal import dice_bias_loss, marginal_kl_loss, marginal_l1_loss
from jaxseg.losses.per_image import per_image
from jaxseg.losses.pixel import (
    cross_entropy_loss,
    distance_cross_entropy_loss,
    focal_loss,
    region_cross_entropy_loss,
    topk_loss,
    topk_threshold_loss,
)
from jaxseg.losses.protocol import Loss, Schedule
from jaxseg.losses.region import (
    asymmetric_loss,
    dice_loss,
    focal_tversky_loss,
    generalized_dice_loss,
    jaccard_loss,
    log_dice_loss,
    penalized_generalized_dice_loss,
    sensitivity_specificity_loss,
    tversky_loss,
)
from jaxseg.losses.schedules import linear, switch

__all__ = [
    "CATALOG",
    "Entry",
    "Loss",
    "LossAt",
    "Schedule",
    "asymmetric_loss",
    "boundary_loss",
    "class_maps",
    "cross_entropy_loss",
    "dice_bias_loss",
    "dice_loss",
    "distance_cross_entropy_loss",
    "exponential_logarithmic_loss",
    "focal_loss",
    "focal_tversky_loss",
    "generalized_dice_loss",
    "hausdorff_erosion_loss",
    "hausdorff_loss",
    "jaccard_loss",
    "linear",
    "log_dice_loss",
    "lovasz_loss",
    "marginal_kl_loss",
    "marginal_l1_loss",
    "penalized_generalized_dice_loss",
    "per_image",
    "region_cross_entropy_loss",
    "scheduled",
    "sensitivity_specificity_loss",
    "signed_distance_maps",
    "switch",
    "topk_loss",
    "topk_threshold_loss",
    "tversky_loss",
    "weighted_sum",
]
