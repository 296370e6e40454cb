"""N23, N24: what a smoothing constant does to Dice, and to its bond with Jaccard."""

import math
from fractions import Fraction
from typing import Any

import jax.numpy as jnp
import sympy

from jaxseg import counts, links
from jaxseg.counts import SoftCounts
from jaxseg.losses import dice_loss, jaccard_loss
from theory.beyond import SOURCE
from theory.claim import Claim, Evidence, Verdict
from theory.engines import enumeration, examples, interval, symbolic
from theory.engines.enumeration import over_masks

SMOOTH = tuple(Fraction(x) for x in ("1/1000", "1/2", "1", "10"))
LARGEST = 3 - 2 * math.sqrt(2)


def _symbols() -> tuple[SoftCounts, Any]:
    tp, fp, fn, eps = sympy.symbols("tp fp fn eps", positive=True)
    return SoftCounts.of_sets(tp, fp, fn, 1), eps


# N23

N23 = Claim(
    id="N23",
    source=SOURCE,
    where="on Galdran 2022, after Eq. (5)",
    statement=(
        "The smoothed Dice coefficient (2 s + eps) / (V + eps) is lam D + (1 - lam) "
        "with lam = V / (V + eps); its bias is eps (1 - D) / (V + eps)."
    ),
    assumes="eps > 0, V = |G| + |S|. At V = 0 lam = 0 and the value is 1, whatever D.",
    verdict=Verdict.HOLDS,
    proof=(
        "2 s = V D. The bias is >= 0, 0 at D = 1 alone, largest at D = 0, where it is "
        "eps / (V + eps): an object of V <= eps pixels that is missed still scores 1/2 "
        "or more. The bias falls in V, so at a given D small objects gain most, and "
        "over images of both sizes the smoothed mean ranks methods differently. On an "
        "image without foreground the value is eps / (|S| + eps), with a slope."
    ),
    values={
        "one_pixel_missed_eps_1": 0.5,
        "one_pixel_missed_eps_1e-5": 1e-5 / (1 + 1e-5),
        "bias_at_dice_1/2_volume_4_eps_1": 0.5 / 5,
    },
)


@N23.check("exact")
@N23.twin("lam more by 1e-6", more=Fraction(1, 10**6))
@over_masks(pixels=12)
def smoothed_is_a_mixture(
    masks: SoftCounts, *, more: Fraction = Fraction(0)
) -> Fraction:
    """(2 s + eps) / (V + eps) = lam D + 1 - lam, and its bias, on all masks."""
    dice = Fraction(counts.dice_index(masks))
    volume = masks.predicted + masks.actual
    gaps = []
    for eps in SMOOTH:
        smoothed = Fraction(counts.dice_index(masks, smooth=eps))
        lam = volume / (volume + eps) + more
        gaps.append(abs(smoothed - (lam * dice + 1 - lam)))
        gaps.append(abs(smoothed - dice - eps * (1 - dice) / (volume + eps)))
    return -max(gaps)


@N23.check("algebra")
@N23.twin("twice the bias", factor=2)
def mixture_algebra(*, factor: int = 1) -> Evidence:
    """The bias eps (1 - D) / (V + eps), of soft counts too."""
    masks, eps = _symbols()
    dice = counts.dice_index(masks)
    bias = counts.dice_index(masks, smooth=eps) - dice
    volume = masks.predicted + masks.actual
    return symbolic.identity(bias, factor * eps * (1 - dice) / (volume + eps))


@N23.check("small objects")
@N23.twin("no bias", missed=Fraction(0))
def small_objects(*, missed: Fraction = Fraction(1, 2)) -> Evidence:
    """With eps = 1 a missed pixel scores 1/2, 99 of them 1/100, a false alarm 1/4."""
    one, large, false = (
        enumeration.exact_counts(0, fp, fn, 100) for fp, fn in ((0, 1), (0, 99), (3, 0))
    )
    found = {
        "one pixel missed": counts.dice_index(one, smooth=Fraction(1)),
        "99 pixels missed": counts.dice_index(large, smooth=Fraction(1)),
        "three false, nothing to find": counts.dice_index(false, smooth=Fraction(1)),
        "loss of jaxseg": Fraction(
            float(
                dice_loss(
                    jnp.zeros((1, 1)), jnp.ones(1, int), smooth=1.0, link=links.identity
                )
            )
        ),
    }
    hand = {
        "one pixel missed": missed,
        "99 pixels missed": Fraction(1, 100),
        "three false, nothing to find": Fraction(1, 4),
        "loss of jaxseg": Fraction(1, 2),
    }
    return examples.agree(found, hand)


# N24

N24 = Claim(
    id="N24",
    source=SOURCE,
    where="a question on Eelbode 2020, Eq. (7)",
    statement=(
        "With smoothing constants, D = (2 s + e) / (V + e) and J = (s + a) / (U + a), "
        "J = D / (2 - D) survives if and only if a = e / 2, or s = U."
    ),
    assumes=(
        "e, a > 0, U = V - s; s = U is a perfect prediction, two empty masks included, "
        "where both are 1. Soft masks through their sums."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "D / (2 - D) = (2 s + e) / (2 U + e) = (s + e / 2) / (U + e / 2), and J minus "
        "that is (a - e / 2) (U - s) / ((U + a) (U + e / 2)). With the same constant "
        "in both, as in most code, J is too large: by at most 3 - 2 root 2, reached at "
        "s = 0, U = e / root 2, whatever e is, and for hard masks with e = 1 by at "
        "most 1/6, at one missed pixel; by O(e / U) on large objects."
    ),
    values={
        "largest_error_of_one_constant": LARGEST,
        "error_at_one_missed_pixel_eps_1": 1 / 2 - 1 / 3,
        "at_union_over_eps": 1 / math.sqrt(2),
    },
)


@N24.check("half")
@N24.twin("the same constant", share=Fraction(1))
@over_masks(pixels=12)
def half_smoothing(masks: SoftCounts, *, share: Fraction = Fraction(1, 2)) -> Fraction:
    """D_eps / (2 - D_eps) is J smoothed by eps / 2, on all masks."""
    gaps = []
    for eps in SMOOTH:
        dice = Fraction(counts.dice_index(masks, smooth=eps))
        jaccard = Fraction(counts.jaccard_index(masks, smooth=share * eps))
        gaps.append(abs(jaccard - dice / (2 - dice)))
    return -max(gaps)


@N24.check("only half")
@N24.twin("a = e", of_jaccard=1)
def survives_only(*, of_jaccard: int = 2) -> Evidence:
    """J_a - D_e / (2 - D_e) = (a - e / 2) (U - s) / ((U + a) (U + e / 2))."""
    masks, eps = _symbols()
    other = sympy.symbols("a", positive=True)
    dice = counts.dice_index(masks, smooth=eps)
    gap = counts.jaccard_index(masks, smooth=other) - dice / (2 - dice)
    hits = masks.intersection
    union = masks.predicted + masks.actual - hits
    stated = (other - eps / of_jaccard) * (union - hits)
    return symbolic.identity(gap, stated / ((union + other) * (union + eps / 2)))


@N24.check("one constant")
@N24.twin("less by 1e-6", less=1e-6)
def same_smoothing(*, less: float = 0.0) -> Evidence:
    """With one eps in both, sup of J_eps - D_eps / (2 - D_eps) is 3 - 2 root 2.

    Certified for eps = 1, s in [0, 4] and up to 16 wrong pixels.
    """

    def gap(hits: Any, wrong: Any) -> Any:
        masks = SoftCounts.of_sets(hits, wrong, 0, 1)
        dice = counts.dice_index(masks, smooth=1)
        return counts.jaccard_index(masks, smooth=1) - dice / (2 - dice)

    found = interval.supremum(gap, ((0.0, 4.0), (0.0, 16.0)), width=1e-9)
    value = LARGEST - less
    slack = min(found.upper - value, value - found.lower)
    witness = {"lower": found.lower, "upper": found.upper, "at": found.at}
    return Evidence(slack, 1e-13, found.boxes, "interval", witness)


@N24.check("losses")
@N24.twin("the same constant, losses", smooth=1.0)
def losses_are_the_mixture(*, smooth: float = 0.5) -> Evidence:
    """The losses of a soft prediction, Dice smoothed by 1, Jaccard by one half."""
    probs, labels = jnp.array([[0.9], [0.4], [0.2], [0.0]]), jnp.array([1, 1, 0, 0])
    dice = 1 - float(dice_loss(probs, labels, smooth=1.0, link=links.identity))
    jaccard = 1 - float(jaccard_loss(probs, labels, smooth=smooth, link=links.identity))
    found = {"jaccard": jaccard, "from dice": dice / (2 - dice)}
    hand = {"jaccard": 1.8 / 2.7, "from dice": 1.8 / 2.7}  # s = 1.3, U = 2.2
    return examples.agree(found, hand, tolerance=1e-12)
