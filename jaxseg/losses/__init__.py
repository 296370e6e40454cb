"""Segmentation losses: pure functions of scores and labels over one pool of pixels."""

from jaxseg.losses.adjacency import adjacency_loss
from jaxseg.losses.border_weights import border_weights
from jaxseg.losses.boundary import boundary_loss, hausdorff_erosion_loss, hausdorff_loss
from jaxseg.losses.calibration import l1_ace_loss, soft_l1_ace_loss
from jaxseg.losses.catalog import CATALOG
from jaxseg.losses.class_balance import balanced_weights, inverse_frequency_weights
from jaxseg.losses.cldice import cldice_loss
from jaxseg.losses.compound import (
    LossAt,
    balanced,
    scheduled,
    weighted_sum,
    with_class_weights,
)
from jaxseg.losses.deep_supervision import deep_supervision
from jaxseg.losses.entry import Entry
from jaxseg.losses.exponential import exponential_logarithmic_loss
from jaxseg.losses.images import per_image
from jaxseg.losses.lesions import (
    blob_loss,
    cc_dice_ce_loss,
    component_maps,
    region_maps,
)
from jaxseg.losses.lovasz import lovasz_hinge_loss, lovasz_loss
from jaxseg.losses.maps import class_maps, signed_distance_maps
from jaxseg.losses.margin import mbls_loss, nacl_loss
from jaxseg.losses.marginal import dice_bias_loss, marginal_kl_loss, marginal_l1_loss
from jaxseg.losses.matthews import matthews_loss
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
    log_cosh_dice_loss,
    log_dice_loss,
    penalized_generalized_dice_loss,
    sensitivity_specificity_loss,
    tversky_loss,
)
from jaxseg.losses.regions import merged_background, partly_annotated, per_region
from jaxseg.losses.schedules import linear, switch
from jaxseg.losses.semimetric import dice_semimetric_loss, jaccard_metric_loss
from jaxseg.losses.sums import (
    ce_dice_per_image_loss,
    ce_kl_loss,
    ce_l1_loss,
    dice_bias_ce_loss,
    dice_ce_loss,
    dice_cldice_loss,
    dice_focal_loss,
    dice_hd_loss,
    dice_topk_loss,
    log_dice_ce_loss,
)
from jaxseg.losses.topological import topological_loss
from jaxseg.losses.unified_focal import (
    asymmetric_unified_focal_loss,
    unified_focal_loss,
)
from jaxseg.losses.wasserstein import wasserstein_dice_loss

__all__ = [
    "CATALOG",
    "Entry",
    "Loss",
    "LossAt",
    "Schedule",
    "adjacency_loss",
    "asymmetric_loss",
    "asymmetric_unified_focal_loss",
    "balanced",
    "balanced_weights",
    "blob_loss",
    "border_weights",
    "boundary_loss",
    "cc_dice_ce_loss",
    "ce_dice_per_image_loss",
    "ce_kl_loss",
    "ce_l1_loss",
    "class_maps",
    "cldice_loss",
    "component_maps",
    "cross_entropy_loss",
    "deep_supervision",
    "dice_bias_ce_loss",
    "dice_bias_loss",
    "dice_ce_loss",
    "dice_cldice_loss",
    "dice_focal_loss",
    "dice_hd_loss",
    "dice_loss",
    "dice_semimetric_loss",
    "dice_topk_loss",
    "distance_cross_entropy_loss",
    "exponential_logarithmic_loss",
    "focal_loss",
    "focal_tversky_loss",
    "generalized_dice_loss",
    "hausdorff_erosion_loss",
    "hausdorff_loss",
    "inverse_frequency_weights",
    "jaccard_loss",
    "jaccard_metric_loss",
    "l1_ace_loss",
    "linear",
    "log_cosh_dice_loss",
    "log_dice_ce_loss",
    "log_dice_loss",
    "lovasz_hinge_loss",
    "lovasz_loss",
    "marginal_kl_loss",
    "marginal_l1_loss",
    "matthews_loss",
    "mbls_loss",
    "merged_background",
    "nacl_loss",
    "partly_annotated",
    "penalized_generalized_dice_loss",
    "per_image",
    "per_region",
    "region_cross_entropy_loss",
    "region_maps",
    "scheduled",
    "sensitivity_specificity_loss",
    "signed_distance_maps",
    "soft_l1_ace_loss",
    "switch",
    "topk_loss",
    "topk_threshold_loss",
    "topological_loss",
    "tversky_loss",
    "unified_focal_loss",
    "wasserstein_dice_loss",
    "weighted_sum",
    "with_class_weights",
]
