"""E36: Cohen's kappa where the background is large."""

from fractions import Fraction

import sympy

from jaxseg import counts
from jaxseg.counts import SoftCounts
from theory.claim import Claim, Evidence, Verdict
from theory.eelbode import SOURCE
from theory.engines import enumeration, symbolic
from theory.engines.enumeration import over_masks

E36 = Claim(
    id="E36",
    source=SOURCE,
    where="I, citing its [6]",
    statement=(
        "The Dice score is a special case of the kappa statistic in case the "
        "background voxels greatly outnumber the foreground voxels."
    ),
    assumes=(
        "A limit is meant: true negatives without bound, the other counts fixed and "
        "not both masks empty."
    ),
    verdict=Verdict.HOLDS,
    readings={
        "A limit": (
            "Holds, and |y| / d = r -> 0 is enough, whatever is predicted: 0 <= D - "
            "kappa <= (1 - D) 2r / (1 - 2r)."
        ),
        "Equality on a finite image": (
            "Fails: kappa < D unless D = 1 or a mask is empty. TP = FP = FN = 1 on 10 "
            "pixels: D = 1/2, kappa = 3/8."
        ),
        "Relative error": (
            "Fails where D = 0: there kappa is negative unless a mask is empty."
        ),
    },
    proof=(
        "D - kappa = (1 - D) h / (d - h) with h = 2 |y| |yt| / (|y| + |yt|), the "
        "harmonic mean of the sizes, which is below 2 |y|; h / (d - h) rises with h."
    ),
    values={
        "dice_at_1_1_1": 0.5,
        "kappa_at_1_1_1_of_10": 0.375,
        "kappa_at_1_1_1_of_1000": 0.5 - 0.5 * 2 / 998,
    },
)


def _indices(masks: SoftCounts) -> tuple[Fraction, Fraction]:
    return Fraction(counts.dice_index(masks)), Fraction(counts.kappa_index(masks))


@E36.check("limit")
@E36.twin("FN left out", missed=0)
def limit_is_dice(*, missed: int = 1) -> Evidence:
    """Kappa tends to D as the number of true negatives tends to infinity."""
    tp, fp, fn, tn = sympy.symbols("tp fp fn tn", positive=True)
    masks = SoftCounts.of_sets(tp, fp, fn, tp + fp + fn + tn)
    limit = sympy.limit(sympy.together(counts.kappa_index(masks)), tn, sympy.oo)
    found = SoftCounts.of_sets(tp, fp, missed * fn, masks.pixels)
    return symbolic.identity(limit, counts.dice_index(found))


@E36.check("bound")
@E36.twin("half the bound", factor=1)
@over_masks(pixels=16, only=lambda masks: 2 * masks.actual < masks.pixels)
def share_bounds_kappa(masks: SoftCounts, *, factor: int = 2) -> Fraction:
    """0 <= D - kappa <= (1 - D) factor r / (1 - 2r) where r = |y| / d < 1/2.

    The prediction may be as large as the image.
    """
    dice, kappa = _indices(masks)
    share = Fraction(masks.actual, masks.pixels)
    room = (1 - dice) * factor * share / (1 - 2 * share)
    return min(dice - kappa, room - (dice - kappa))


@E36.check("equality")
@E36.twin("never equal", ends=False)
def equal_only_at_the_ends(*, ends: bool = True) -> Evidence:
    """On finite images kappa = D only where D = 1 or one mask is empty."""

    def trivial(masks: SoftCounts) -> bool:
        return ends and (
            masks.false_positives + masks.false_negatives == 0
            or masks.predicted * masks.actual == 0
        )

    def slack(masks: SoftCounts) -> Fraction:
        dice, kappa = _indices(masks)
        return dice - kappa - Fraction(1, 10**9)

    return enumeration.over_counts(
        slack, pixels=16, only=lambda masks: not trivial(masks)
    )
