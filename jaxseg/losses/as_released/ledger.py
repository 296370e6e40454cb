"""The list of differences: each released loss beside the one that its paper prints."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxseg.links import Link, softmax
from jaxseg.losses.as_released import galdran, kervadec, liu, ma
from jaxseg.losses.as_released.common import weighted_cross_entropy_loss
from jaxseg.losses.catalog import CATALOG
from jaxseg.losses.exponential import exponential_logarithmic_loss
from jaxseg.losses.images import per_image
from jaxseg.losses.lovasz import lovasz_loss
from jaxseg.losses.marginal import dice_bias_loss, marginal_kl_loss, marginal_l1_loss
from jaxseg.losses.pixel import (
    cross_entropy_loss,
    focal_loss,
    region_cross_entropy_loss,
    topk_loss,
    topk_threshold_loss,
)
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
from jaxseg.numerics import pooled_sum
from jaxseg.targets import as_pixels

SEG_LOSS_BIAS = "SegLossBias 5678f4d"
LESION_LOSSES_OOD = "lesion_losses_ood 0abbc8a"
SEG_LOSS_ODYSSEY = "SegLossOdyssey 76ff3d4"
BOUNDARY_LOSS = "boundary-loss"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Released:
    """One loss that released code computes otherwise than its paper prints.

    Attributes:
      name: the author and what the code calls it.
      project: the repository and its commit.
      paper: where the formula is printed.
      equation: which equation there.
      difference: in one sentence.
      function: what the code computes, a loss; with `at`, what builds a `LossAt`.
      printed: what the paper prints, in the same form, in jaxseg's own functions.
      binary: whether it is of one class, with `links.sigmoid`.
      maps: names of further arrays that both take, keyword-only.
      at: the progress of training at which the two differ; None if neither is
        scheduled.
    """

    name: str
    project: str
    paper: str
    equation: str
    difference: str
    function: Callable[..., Any]
    printed: Callable[..., Any]
    binary: bool = False
    maps: tuple[str, ...] = ()
    at: float | None = None

    @property
    def released_loss(self) -> Callable[..., Array]:
        """The released loss with its defaults."""
        return self.function if self.at is None else self.function()(self.at)

    @property
    def printed_loss(self) -> Callable[..., Array]:
        """The printed loss with the hyper-parameters of the released one."""
        return self.printed if self.at is None else self.printed()(self.at)


_SQUARED_DICE = per_image(functools.partial(dice_loss, squared=True))


def _log_dice_sum(logits: Array, labels: Array, **options: Any) -> Array:
    """Liu 2022, eq. (1): the sum over classes."""
    return logits.shape[-1] * log_dice_loss(logits, labels, **options)


def _ce_l1(logits: Array, labels: Array, **options: Any) -> Array:
    """Liu 2022, eq. (5) with the cross-entropy of Table 1."""
    penalty = per_image(marginal_l1_loss)(logits, labels, **options)
    return region_cross_entropy_loss(logits, labels, **options) + penalty


def _ce_kl(logits: Array, labels: Array, **options: Any) -> Array:
    """Liu 2022, eq. (5) with the cross-entropy of Table 1."""
    penalty = per_image(marginal_kl_loss)(logits, labels, **options)
    return region_cross_entropy_loss(logits, labels, **options) + 0.1 * penalty


def _focal_log_dice(logits: Array, labels: Array, **options: Any) -> Array:
    """The sum that the released name promises."""
    return focal_loss(logits, labels, **options) + log_dice_loss(
        logits, labels, **options
    )


def _bce_plus_dice(logits: Array, labels: Array, **options: Any) -> Array:
    """Galdran 2022, eq. (6)."""
    dice = _SQUARED_DICE(logits, labels, **options)
    return cross_entropy_loss(logits, labels, **options) + dice


def _distance_cross_entropy(
    logits: Array, labels: Array, *, distance: Array, **options: Any
) -> Array:
    """Ma 2021, eq. (6)."""
    return cross_entropy_loss(logits, labels, pixel_weights=1 + distance, **options)


def _boundary(
    logits: Array,
    labels: Array,
    *,
    signed_distance: Array,
    link: Link = softmax,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    """Ma 2021, eq. (20), of the foreground classes."""
    scores, _ = as_pixels(logits, labels, link=link, where=where)
    sums = pooled_sum(signed_distance * link(scores), where, axis_name)
    return jnp.sum(sums[1:])


def _hausdorff(
    logits: Array,
    labels: Array,
    *,
    actual_distance: Array,
    predicted_distance: Array,
    link: Link = softmax,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    """Ma 2021, eq. (21), of the foreground classes, all pixels counting."""
    scores, targets = as_pixels(logits, labels, link=link, where=where)
    weights = jnp.square(actual_distance) + jnp.square(predicted_distance)
    sums = pooled_sum((link(scores) - targets) * weights, where, axis_name)
    return jnp.sum(sums[1:]) / targets[..., 0].size


def _dice_at_first(
    logits: Array, labels: Array, *, signed_distance: Array, **options: Any
) -> Array:
    """Ma 2021, section 3.2, in the first epoch."""
    del signed_distance
    return dice_loss(logits, labels, **options)


def _kervadec_boundary(
    logits: Array, labels: Array, *, inside: Array, outside: Array, **options: Any
) -> Array:
    """The mean of released phi times p."""
    phi = kervadec.level_set(inside, outside)
    return ma.boundary_loss(logits, labels, signed_distance=phi, **options)


def _boundary_mean(
    logits: Array, labels: Array, *, inside: Array, outside: Array, **options: Any
) -> Array:
    """The mean of printed phi times p."""
    phi = outside - inside
    return ma.boundary_loss(logits, labels, signed_distance=phi, **options)


_LIU = functools.partial(Released, project=SEG_LOSS_BIAS, paper="Liu 2022")
_GALDRAN = functools.partial(
    Released, project=LESION_LOSSES_OOD, paper="Galdran 2022", binary=True
)
_MA = functools.partial(Released, project=SEG_LOSS_ODYSSEY, paper="Ma 2021")

_WEIGHTS = np.array([0.2, 0.8, 0.8])

_ENTRIES = (
    _LIU(
        name="liu_marginal_l1",
        equation="Table 1",
        difference="averages over classes: the weight is lambda / K",
        function=liu.marginal_l1_loss,
        printed=per_image(marginal_l1_loss),
    ),
    _LIU(
        name="liu_marginal_kl",
        equation="Table 1",
        difference="adds 1e-10 to the sizes: a missed class costs no more than "
        "log(N / 1e-10), without gradient",
        function=liu.marginal_kl_loss,
        printed=per_image(marginal_kl_loss),
    ),
    _LIU(
        name="liu_marginal_kl_binary",
        equation="Table 1",
        difference="the same with two outcomes; nan where an image is all foreground",
        function=liu.marginal_kl_loss,
        printed=per_image(marginal_kl_loss),
        binary=True,
    ),
    _LIU(
        name="liu_dice_bias",
        equation="(1)",
        difference="averages over classes and adds 1e-10 inside the log",
        function=liu.dice_bias_loss,
        printed=per_image(dice_bias_loss),
    ),
    _LIU(
        name="liu_ce_l1",
        equation="(5), Table 1",
        difference="cross-entropy is a plain mean, L1 averages over classes",
        function=liu.ce_l1_loss,
        printed=_ce_l1,
    ),
    _LIU(
        name="liu_ce_kl",
        equation="(5), Table 1",
        difference="cross-entropy is a plain mean, not one over each region",
        function=liu.ce_kl_loss,
        printed=_ce_kl,
    ),
    _LIU(
        name="liu_dice",
        equation="2.1",
        difference="an absent class costs 0 and counts in the mean over classes",
        function=liu.dice_loss,
        printed=dice_loss,
    ),
    _LIU(
        name="liu_log_dice",
        equation="(1)",
        difference="averages over classes, cuts Dice at 1e-7",
        function=liu.log_dice_loss,
        printed=_log_dice_sum,
    ),
    _LIU(
        name="liu_generalized_dice",
        equation="compared method",
        difference="sigmoids in the place of the softmax; an absent class weighs 1e7",
        function=liu.generalized_dice_loss,
        printed=generalized_dice_loss,
    ),
    _LIU(
        name="liu_focal_log_dice",
        equation="none: by its name",
        difference="Dice without its log, focal loss of sigmoids",
        function=liu.focal_log_dice_loss,
        printed=_focal_log_dice,
    ),
    _GALDRAN(
        name="galdran_dice",
        equation="(5)",
        difference="no squares in the denominator",
        function=galdran.dice_loss,
        printed=_SQUARED_DICE,
    ),
    _GALDRAN(
        name="galdran_bce_dice",
        equation="(6)",
        difference="half of each term, Dice without squares",
        function=galdran.bce_dice_loss,
        printed=_bce_plus_dice,
    ),
    _GALDRAN(
        name="galdran_ce_to_dice_linear",
        equation="(7)",
        difference="1 - epoch / (epochs - 1) anew in each cycle of epochs "
        "(at 0.95 of 12 epochs: 0, not 0.05)",
        function=galdran.ce_to_dice_linear,
        printed=CATALOG["ce_to_dice_linear"].build,
        at=0.95,
    ),
    _GALDRAN(
        name="galdran_ce_to_dice_hard",
        equation="(8)",
        difference="Dice from the first epoch past 0.9 of a cycle "
        "(at 0.91 of 12 epochs: still cross-entropy)",
        function=galdran.ce_to_dice_hard,
        printed=CATALOG["ce_to_dice_hard"].build,
        at=0.91,
    ),
    _MA(
        name="ma_weighted_cross_entropy",
        equation="(2)",
        difference="divides by the sum of weights, not by N",
        function=functools.partial(weighted_cross_entropy_loss, class_weights=_WEIGHTS),
        printed=functools.partial(cross_entropy_loss, class_weights=_WEIGHTS),
    ),
    _MA(
        name="ma_topk_threshold",
        equation="(3)",
        difference="keeps pixels whose largest p is below the threshold, not the "
        "target's; nan if there is none",
        function=ma.topk_threshold_loss,
        printed=topk_threshold_loss,
    ),
    _MA(
        name="ma_topk",
        equation="(4)",
        difference="divides by the number K of chosen pixels, not by N",
        function=ma.topk_loss,
        printed=topk_loss,
    ),
    _MA(
        name="ma_focal",
        equation="(5)",
        difference="times 1/2, of labels smoothed by 1e-5",
        function=ma.focal_loss,
        printed=focal_loss,
    ),
    _MA(
        name="ma_distance_penalized_cross_entropy",
        equation="(6)",
        difference="returns plain cross-entropy, the weighted one is thrown away",
        function=ma.distance_penalized_cross_entropy_loss,
        printed=_distance_cross_entropy,
        maps=("distance",),
    ),
    _MA(
        name="ma_sensitivity_specificity",
        equation="(7)",
        difference="foreground alone; names of the two terms swapped",
        function=ma.sensitivity_specificity_loss,
        printed=sensitivity_specificity_loss,
    ),
    _MA(
        name="ma_squared_dice",
        equation="(8)",
        difference="squares the products of true and false positives and of false "
        "negatives, foreground alone, minus the score",
        function=ma.squared_dice_loss,
        printed=functools.partial(dice_loss, squared=True),
    ),
    _MA(
        name="ma_dice",
        equation="(9)",
        difference="minus the score of foreground classes",
        function=ma.dice_loss,
        printed=dice_loss,
    ),
    _MA(
        name="ma_jaccard",
        equation="(10)",
        difference="minus the score of foreground classes",
        function=ma.jaccard_loss,
        printed=jaccard_loss,
    ),
    _MA(
        name="ma_lovasz",
        equation="(11)-(13)",
        difference="takes raw scores for probabilities",
        function=ma.lovasz_loss,
        printed=lovasz_loss,
    ),
    _MA(
        name="ma_tversky",
        equation="(14)",
        difference="minus the score of foreground classes",
        function=ma.tversky_loss,
        printed=functools.partial(tversky_loss, alpha=0.3, beta=0.7),
    ),
    _MA(
        name="ma_generalized_dice",
        equation="(15)",
        difference="an absent class weighs 1e5 (1 / T^2 of others): nearly constant",
        function=ma.generalized_dice_loss,
        printed=generalized_dice_loss,
    ),
    _MA(
        name="ma_generalized_dice_v1",
        equation="(15)",
        difference="per image, an absent class weighs 1e20",
        function=ma.generalized_dice_v1_loss,
        printed=per_image(generalized_dice_loss),
    ),
    _MA(
        name="ma_focal_tversky",
        equation="(16)",
        difference="the power of the mean over foreground classes",
        function=ma.focal_tversky_loss,
        printed=focal_tversky_loss,
    ),
    _MA(
        name="ma_asymmetric",
        equation="(17)",
        difference="minus the score of foreground classes",
        function=ma.asymmetric_loss,
        printed=asymmetric_loss,
    ),
    _MA(
        name="ma_penalized_generalized_dice",
        equation="(18)",
        difference="the penalty is on the loss, not on the score: focus reversed",
        function=ma.penalized_generalized_dice_loss,
        printed=per_image(penalized_generalized_dice_loss),
    ),
    _MA(
        name="ma_boundary",
        equation="(20)",
        difference="the mean over pixels and classes, not the sum; phi 0 on the border",
        function=ma.boundary_loss,
        printed=_boundary,
        maps=("signed_distance",),
    ),
    _MA(
        name="ma_hausdorff",
        equation="(21)",
        difference="squares p - t; the mean over classes too",
        function=ma.hausdorff_loss,
        printed=_hausdorff,
        maps=("actual_distance", "predicted_distance"),
    ),
    _MA(
        name="ma_exponential_logarithmic",
        equation="(23)",
        difference="log of the mean Dice, cross-entropy without its power",
        function=ma.exponential_logarithmic_loss,
        printed=functools.partial(exponential_logarithmic_loss, smooth=ma.SMOOTH),
    ),
    _MA(
        name="ma_dice_boundary",
        equation="3.2",
        difference="0.01 Dice + 0.99 boundary in every epoch "
        "(compared in the first, which is all Dice)",
        function=ma.dice_boundary_loss,
        printed=_dice_at_first,
        maps=("signed_distance",),
    ),
    Released(
        name="kervadec_boundary",
        project=BOUNDARY_LOSS,
        paper="Ma 2021",
        equation="(19), (20)",
        difference="phi is 1 - D inside, not -D",
        function=_kervadec_boundary,
        printed=_boundary_mean,
        maps=("inside", "outside"),
    ),
)

AS_RELEASED: Mapping[str, Released] = MappingProxyType({e.name: e for e in _ENTRIES})
"""Every difference by name."""
