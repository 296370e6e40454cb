"""Sums over pools of pixels, and the indices of overlap that are functions of them."""

from jaxseg.counts.indices import (
    accuracy_index,
    dice_index,
    f_beta_index,
    generalized_dice_index,
    hamming_index,
    jaccard_index,
    kappa_index,
    matthews_index,
    precision_index,
    sensitivity_index,
    specificity_index,
    tversky_index,
    weighted_hamming_index,
)
from jaxseg.counts.pools import (
    SoftCounts,
    counts_of_ids,
    log_intersection,
    log_intersection_of_ids,
    soft_counts,
)

__all__ = [
    "SoftCounts",
    "accuracy_index",
    "counts_of_ids",
    "dice_index",
    "f_beta_index",
    "generalized_dice_index",
    "hamming_index",
    "jaccard_index",
    "kappa_index",
    "log_intersection",
    "log_intersection_of_ids",
    "matthews_index",
    "precision_index",
    "sensitivity_index",
    "soft_counts",
    "specificity_index",
    "tversky_index",
    "weighted_hamming_index",
]
