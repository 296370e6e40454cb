"""Metrics of hard masks: functions of two masks, and of whole cases and data sets.

The functions here take two bool masks of one image, ``dice(pred, true)``, by one
vocabulary of names and of rules for what is empty. Cases of several classes are scored
by `jaxseg.metrics.overlap` and `jaxseg.metrics.case_surfaces`, probabilities by
`jaxseg.metrics.calibration`, all with the same names and rules.
"""

from jaxseg.metrics.of_masks import (
    accuracy,
    assd,
    balanced_accuracy,
    dice,
    f_beta,
    hausdorff,
    hd95,
    iou,
    kappa,
    matthews,
    nsd,
    precision,
    sensitivity,
    specificity,
    volume_difference,
)

__all__ = [
    "accuracy",
    "assd",
    "balanced_accuracy",
    "dice",
    "f_beta",
    "hausdorff",
    "hd95",
    "iou",
    "kappa",
    "matthews",
    "nsd",
    "precision",
    "sensitivity",
    "specificity",
    "volume_difference",
]
