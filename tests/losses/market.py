"""The market of losses: each catalog name with its oracle, shared by the tests.

A loss listed in the catalog and not here fails `test_every_loss_has_an_oracle`.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from jaxseg import links
from jaxseg.losses import CATALOG
from tests.losses import (
    boundary_oracle,
    calibration_oracle,
    lesion_oracle,
    margin_oracle,
    oracle,
)

NAMES = tuple(CATALOG)


def _overlap(index, **hyper):
    return functools.partial(oracle.overlap, index=functools.partial(index, **hyper))


def _plus(*terms):
    def total(logits, labels, **options):
        return sum(weight * loss(logits, labels, **options) for weight, loss in terms)

    return total


def _per_image(loss):
    return functools.partial(oracle.mean_over_images, loss)


_SQUARED = _overlap(oracle.dice_squared)

_DICE = _overlap(oracle.dice)

ORACLES = {
    "cross_entropy": oracle.cross_entropy,
    "region_cross_entropy": oracle.region_cross_entropy,
    "focal": oracle.focal,
    "topk": oracle.topk,
    "topk_threshold": oracle.topk_threshold,
    "focal_tversky": oracle.focal_tversky,
    "asymmetric": _overlap(oracle.f_beta),
    "generalized_dice": oracle.generalized_dice,
    "penalized_generalized_dice": oracle.penalized_generalized_dice,
    "sensitivity_specificity": oracle.sensitivity_specificity,
    "exponential_logarithmic": oracle.exponential_logarithmic,
    "dice_focal": _plus((1, _DICE), (1, oracle.focal)),
    "dice_topk": _plus((1, _DICE), (1, oracle.topk)),
    "dice_bias_ce": _plus((1, oracle.cross_entropy), (1, _per_image(oracle.dice_bias))),
    "dice": _overlap(oracle.dice),
    "dice_squared": _SQUARED,
    "log_dice": oracle.log_dice,
    "jaccard": _overlap(oracle.jaccard),
    "jaccard_squared": _overlap(oracle.jaccard_squared),
    "tversky": _overlap(oracle.tversky),
    "lovasz": oracle.lovasz,
    "marginal_l1": oracle.marginal_l1,
    "marginal_kl": oracle.marginal_kl,
    "dice_bias": oracle.dice_bias,
    "dice_ce": _plus((1, oracle.cross_entropy), (1, _overlap(oracle.dice))),
    "log_dice_ce": _plus((1, oracle.cross_entropy), (1, oracle.log_dice)),
    "ce_l1": _plus((1, oracle.cross_entropy), (1, _per_image(oracle.marginal_l1))),
    "ce_kl": _plus((1, oracle.cross_entropy), (0.1, _per_image(oracle.marginal_kl))),
    "distance_cross_entropy": _per_image(boundary_oracle.distance_ce),
    "boundary": _per_image(boundary_oracle.boundary),
    "hausdorff": _per_image(boundary_oracle.hausdorff),
    "hausdorff_erosion": _per_image(boundary_oracle.erosion),
    "topological": _per_image(lesion_oracle.topological),
    "adjacency": _per_image(lesion_oracle.adjacency),
    "dice_bd": _plus((0.505, _DICE), (0.495, _per_image(boundary_oracle.boundary))),
    "dice_hd": _plus((2, _per_image(boundary_oracle.hausdorff))),
    "dice_per_image": _per_image(_DICE),
    "dice_squared_per_image": _per_image(_SQUARED),
    "log_cosh_dice": oracle.log_cosh_dice,
    "dice_semimetric": _overlap(oracle.dice_semimetric),
    "jaccard_metric": _overlap(oracle.jaccard_metric),
    "matthews": _overlap(oracle.matthews),
    "wasserstein_dice": oracle.wasserstein_dice,
    "cldice": _per_image(oracle.cldice),
    "dice_cldice": _plus((0.5, _per_image(_DICE)), (0.5, _per_image(oracle.cldice))),
    "blob": _per_image(lesion_oracle.blob),
    "cc_dice_ce": _per_image(lesion_oracle.cc_dice_ce),
    "lovasz_hinge": oracle.lovasz_hinge,
    "unified_focal": oracle.unified_focal,
    "asymmetric_unified_focal": oracle.asymmetric_unified_focal,
    "ce_dice_per_image": _plus((1, oracle.cross_entropy), (1, _per_image(_SQUARED))),
    "ce_to_dice_linear": _plus(
        (0.5, oracle.cross_entropy), (0.5, _per_image(_SQUARED))
    ),
    "ce_to_dice_hard": oracle.cross_entropy,
    "mbls": margin_oracle.mbls,
    "nacl": _per_image(margin_oracle.nacl),
    "l1_ace": _per_image(calibration_oracle.hard_ace),
    "soft_l1_ace": _per_image(calibration_oracle.soft_ace),
}

# p = t is no minimiser for soft t, as the docstrings say: a temperature sharpens p, the
# loss is a bias, or it weighs a pixel by its own p or its class.
NOT_OPTIMAL_AT_SOFT_TARGETS = {
    "marginal_l1", "marginal_kl", "dice_bias", "ce_l1", "ce_kl", "dice_bias_ce",
    "region_cross_entropy", "focal", "topk_threshold", "dice_focal",
    "exponential_logarithmic", "unified_focal", "asymmetric_unified_focal",
    "adjacency", "topological", "wasserstein_dice", "lovasz_hinge", "boundary",
    "dice_bd", "distance_cross_entropy", "nacl",
}  # fmt: skip

# Pixels have neighbours, so their order matters.
SPATIAL = {
    "adjacency", "blob", "topological", "cc_dice_ce", "cldice", "dice_cldice",
    "distance_cross_entropy", "boundary",
    "hausdorff", "hausdorff_erosion", "dice_bd", "dice_hd", "nacl",
}  # fmt: skip

# A weight, or the bin of a pixel, follows the values, but has no gradient.
DETACHED = {"dice_hd", "l1_ace"}

# A score of -inf switches a class off and costs nothing, while one of -1e4 lowers the
# loss without bound (a bias) or raises it (a penalty on scores themselves).
FAR_SCORES_COUNT = {"dice_bias", "dice_bias_ce", "mbls", "nacl"}

# Class 0 is the background and no class like any other.
WITH_BACKGROUND = {"asymmetric_unified_focal", "unified_focal", "wasserstein_dice"}

# Classes exclude each other, so several under a sigmoid are refused.
EXCLUSIVE = {"wasserstein_dice"}


@functools.cache
def value_and_grad(name, link=links.softmax):
    """Compiled value and logit gradient of (logits, labels, where, class_weights)."""
    loss = CATALOG[name].loss

    def call(logits, labels, where, class_weights):
        return loss(logits, labels, link=link, where=where, class_weights=class_weights)

    return jax.jit(jax.value_and_grad(call))


def evaluate(name, logits, labels, where=None, class_weights=None, link=links.softmax):
    """Value and gradient; without a mask or weights all are ones, to compile once."""
    logits = jnp.asarray(logits)
    where = np.ones(logits.shape[:-1], bool) if where is None else where
    if class_weights is None:
        class_weights = np.ones(logits.shape[-1], np.float32)
    value, grad = value_and_grad(name, link)(
        logits, jnp.asarray(labels), jnp.asarray(where), jnp.asarray(class_weights)
    )
    return np.asarray(value), np.asarray(grad)


def batch(seed=0, shape=(4, 6, 5), classes=3, spread=2.0):
    """Random scores, ids of all classes, and a mask that hides about a third."""
    rng = np.random.default_rng(seed)
    logits = (spread * rng.standard_normal((*shape, classes))).astype(np.float32)
    labels = rng.integers(0, max(classes, 2), shape).astype(np.int32)
    return logits, labels, rng.random(shape) > 0.3
