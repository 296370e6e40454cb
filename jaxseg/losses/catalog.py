"""Every named loss, with its source: what the command line, tests and pictures list."""

import dataclasses
import difflib
import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal

from jaxseg.losses.compound import LossAt, scheduled, weighted_sum
from jaxseg.losses.exponential import exponential_logarithmic_loss
from jaxseg.losses.lovasz import lovasz_loss
from jaxseg.losses.marginal import dice_bias_loss, marginal_kl_loss, marginal_l1_loss
from jaxseg.losses.per_image import per_image
from jaxseg.losses.pixel import (
    cross_entropy_loss,
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

Family = Literal["pixel", "region", "marginal", "compound"]

_OPTIONS = ("link", "class_weights", "pixel_weights", "where", "axis_name")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """One named loss.

    Attributes:
      name: what ``--loss`` takes.
      family: which kind of quantity it measures.
      formula: one line of plain text.
      paper: where it is printed.
      equation: which equation there.
      function: how to call it in Python.
      build: hyper-parameters as keywords to a `LossAt`.
      defaults: the hyper-parameters that `build` takes, with their defaults.
      perfect: the value at a certain and right prediction, None if it varies.
    """

    name: str
    family: Family
    formula: str
    paper: str
    equation: str
    function: str
    build: Callable[..., LossAt]
    defaults: Mapping[str, Any]
    perfect: float | None = 0.0

    @property
    def loss(self) -> Loss:
        """The loss with its defaults, in the middle of training if it is scheduled."""
        return self.build()(0.5)


def _defaults(function: Callable[..., object]) -> Mapping[str, Any]:
    found = {
        name: parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is not inspect.Parameter.empty and name not in _OPTIONS
    }
    return MappingProxyType(found)


def _single(
    name: str, loss: Callable[..., Any], family: Family, *, fixed=None, **facts: Any
) -> Entry:
    """Entry of one loss function, with the hyper-parameters `fixed` not on offer."""
    fixed = fixed or {}

    def build(**hyper: Any) -> LossAt:
        return scheduled(loss, **{**fixed, **hyper})

    build.__doc__ = loss.__doc__
    free = {k: v for k, v in _defaults(loss).items() if k not in fixed}
    bound = ", ".join(f"{k}={v}" for k, v in fixed.items() if v is not False)
    return Entry(
        name=name,
        family=family,
        function=f"{loss.__name__}({bound})" if bound else loss.__name__,
        build=build,
        defaults=MappingProxyType(free),
        **facts,
    )


def _compound(build: Callable[..., LossAt], **facts: Any) -> Entry:
    """Entry of a compound, named like the function that builds it."""
    name = build.__name__
    return Entry(
        name=name,
        family="compound",
        function=f'CATALOG["{name}"].build',
        build=build,
        defaults=_defaults(build),
        **facts,
    )


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


def _hand_over(dice_weight: Schedule) -> LossAt:
    def ce_weight(progress):
        return 1 - dice_weight(progress)

    dice = scheduled(per_image(dice_loss), squared=True)
    return weighted_sum((ce_weight, cross_entropy_loss), (dice_weight, dice))


def ce_to_dice_linear() -> LossAt:
    """Soft fine-tuning: cross-entropy at the start, Dice at the end, linear between."""
    return _hand_over(linear(0.0, 1.0))


def ce_to_dice_hard(*, at: float = 0.9) -> LossAt:
    """Hard fine-tuning: cross-entropy, then Dice alone for the last tenth."""
    return _hand_over(switch(0.0, 1.0, at=at))


_ENTRIES = (
    _single(
        "cross_entropy",
        cross_entropy_loss,
        "pixel",
        formula="-mean_i sum_c t log p",
        paper="Ma 2021; Galdran 2022",
        equation="(1), (2); (1), (2)",
    ),
    _single(
        "region_cross_entropy",
        region_cross_entropy_loss,
        "pixel",
        formula="-sum_c mean of log p over the pixels of c",
        paper="Liu 2022",
        equation="Table 1, (20)",
    ),
    _single(
        "focal",
        focal_loss,
        "pixel",
        formula="-mean_i sum_c (1 - p)^gamma t log p",
        paper="Ma 2021",
        equation="(5)",
    ),
    _single(
        "topk",
        topk_loss,
        "pixel",
        formula="-(1/N) sum over the worst fraction of pixels of log p",
        paper="Ma 2021",
        equation="(4)",
    ),
    _single(
        "topk_threshold",
        topk_threshold_loss,
        "pixel",
        formula="-mean of log p over pixels with p < threshold",
        paper="Ma 2021",
        equation="(3)",
    ),
    _single(
        "dice",
        dice_loss,
        "region",
        fixed={"squared": False},
        formula="1 - mean_c 2 sum min(p, t) / (sum p + sum t)",
        paper="Ma 2021",
        equation="(9)",
    ),
    _single(
        "dice_squared",
        dice_loss,
        "region",
        fixed={"squared": True},
        formula="1 - mean_c 2 sum p t / (sum p^2 + sum t^2)",
        paper="Galdran 2022; Eelbode 2020; Ma 2021",
        equation="(5); (12); (8)",
    ),
    _single(
        "log_dice",
        log_dice_loss,
        "region",
        formula="-mean_c log Dice_c",
        paper="Liu 2022",
        equation="(1)",
    ),
    _single(
        "jaccard",
        jaccard_loss,
        "region",
        fixed={"squared": False},
        formula="1 - mean_c sum min(p, t) / sum max(p, t)",
        paper="Eelbode 2020; Ma 2021",
        equation="(13); (10)",
    ),
    _single(
        "jaccard_squared",
        jaccard_loss,
        "region",
        fixed={"squared": True},
        formula="1 - mean_c sum p t / (sum p^2 + sum t^2 - sum p t)",
        paper="Eelbode 2020",
        equation="after (13)",
    ),
    _single(
        "tversky",
        tversky_loss,
        "region",
        formula="1 - mean_c TP / (TP + alpha FP + beta FN)",
        paper="Eelbode 2020; Ma 2021",
        equation="(14); (14)",
    ),
    _single(
        "focal_tversky",
        focal_tversky_loss,
        "region",
        formula="mean_c (1 - Tversky_c)^(1/gamma)",
        paper="Ma 2021",
        equation="(16)",
    ),
    _single(
        "asymmetric",
        asymmetric_loss,
        "region",
        formula="1 - mean_c F-beta_c",
        paper="Ma 2021",
        equation="(17)",
    ),
    _single(
        "generalized_dice",
        generalized_dice_loss,
        "region",
        formula="1 - 2 sum_c w_c sum min(p, t) / sum_c w_c sum (p + t), w = 1 / T^2",
        paper="Ma 2021",
        equation="(15)",
    ),
    _single(
        "penalized_generalized_dice",
        penalized_generalized_dice_loss,
        "region",
        formula="1 - GD / (1 + k (1 - GD))",
        paper="Ma 2021",
        equation="(18)",
    ),
    _single(
        "sensitivity_specificity",
        sensitivity_specificity_loss,
        "region",
        formula="mean_c w sum (t-p)^2 t / sum t + (1-w) sum (t-p)^2 (1-t) / sum (1-t)",
        paper="Ma 2021",
        equation="(7)",
    ),
    _single(
        "lovasz",
        lovasz_loss,
        "region",
        formula="mean_c of the Lovász extension of 1 - Jaccard at |t - p|",
        paper="Ma 2021; Eelbode 2020",
        equation="(11)-(13); II-A",
    ),
    _single(
        "marginal_l1",
        marginal_l1_loss,
        "marginal",
        formula="sum_k |y_k - p_k|, p = mean softmax(tau z)",
        paper="Liu 2022",
        equation="(5), (22)",
    ),
    _single(
        "marginal_kl",
        marginal_kl_loss,
        "marginal",
        formula="sum_k y_k log(y_k / p_k), p = mean softmax(tau z)",
        paper="Liu 2022",
        equation="(5), (22)",
    ),
    _single(
        "dice_bias",
        dice_bias_loss,
        "marginal",
        formula="sum_k log(p_k + y_k)",
        paper="Liu 2022",
        equation="(1), (21)",
        perfect=None,
    ),
    _compound(dice_ce, formula="ce CE + dice Dice", paper="Ma 2021", equation="(22)"),
    _compound(
        dice_focal, formula="dice Dice + focal Focal", paper="Ma 2021", equation="(24)"
    ),
    _compound(
        dice_topk, formula="dice Dice + topk TopK", paper="Ma 2021", equation="(25)"
    ),
    _single(
        "exponential_logarithmic",
        exponential_logarithmic_loss,
        "compound",
        formula="dice mean_c (-log Dice_c)^gamma + ce mean_i (-log p)^gamma",
        paper="Ma 2021",
        equation="(23)",
        perfect=0.0,
    ),
    _compound(
        dice_bias_ce,
        formula="CE + weight sum_k log(p_k + y_k), per image",
        paper="Liu 2022",
        equation="Table 2",
        perfect=None,
    ),
    _compound(
        log_dice_ce,
        formula="ce CE + log_dice logDice",
        paper="Liu 2022",
        equation="Table 2",
    ),
    _compound(
        ce_l1,
        formula="CE + weight sum_k |y_k - p_k|, per image",
        paper="Liu 2022",
        equation="(5)",
    ),
    _compound(
        ce_kl,
        formula="CE + weight KL(y || p), per image",
        paper="Liu 2022",
        equation="(5)",
    ),
    _compound(
        ce_to_dice_linear,
        formula="(1 - progress) CE + progress Dice",
        paper="Galdran 2022",
        equation="(7)",
    ),
    _compound(
        ce_to_dice_hard,
        formula="CE while progress < at, then Dice",
        paper="Galdran 2022",
        equation="(8)",
    ),
)

CATALOG: Mapping[str, Entry] = MappingProxyType({e.name: e for e in _ENTRIES})
"""Every named loss by name."""


def nearest_names(name: str) -> list[str]:
    """Catalog names that resemble `name`, best first; all of them if none does."""
    plain = name.lower().replace("-", "_").removesuffix("_loss")
    found = difflib.get_close_matches(plain, CATALOG, n=3, cutoff=0.5)
    return found or [n for n in CATALOG if plain[:3] in n] or list(CATALOG)
