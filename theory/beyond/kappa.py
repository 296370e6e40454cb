"""N18: Cohen's kappa is the Dice coefficient less a term of the image's size."""

from collections.abc import Callable
from fractions import Fraction

import sympy

from jaxseg import counts
from jaxseg.counts import SoftCounts
from theory.beyond import SOURCE
from theory.claim import Claim, Evidence, Verdict, worst_of
from theory.engines import enumeration, symbolic
from theory.engines.enumeration import over_masks

N18 = Claim(
    id="N18",
    source=SOURCE,
    where="on Eelbode 2020, I",
    statement=(
        "kappa <= D, and D - kappa = (1 - D) 2 |S| |G| / (d (|S| + |G|) - 2 |S| |G|)."
    ),
    assumes=(
        "Hard masks of d pixels, one class against the rest. By rule D = 1 of two "
        "empty masks and kappa = 1 of two empty or two full ones, where the gap is 0."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "kappa's denominator K = |S| (d - |G|) + |G| (d - |S|) is d (|S| + |G|) - 2 "
        "|S| |G|, and TP K - (TP TN - FP FN) (|S| + |G|) factors as (FP + FN) |S| |G|. "
        "The gap is 0 if and only if the masks agree or one is empty; for given |S| "
        "and |G| it is (1 - D) 2 |S| |G| / (d (|S| + |G|)) + O(1 / d^2): kappa tends "
        "to D as background grows. With V = |S| + |G| and d >= V - TP, gap <= 1 is 4 "
        "|S| |G| (V - TP) <= d V^2, which follows from 4 |S| |G| <= V^2; equality "
        "needs TN = 0 and |S| = |G|, so that FP = FN, and some mistake."
    ),
    values=lambda: {
        "gap_at_1_1_1_of_4_pixels": _example(4),
        "gap_at_1_1_1_of_10_pixels": _example(10),
        "gap_at_1_1_1_of_1000_pixels": _example(1000),
        "largest_gap": 1.0,
    },
)


def stated_gap(masks: SoftCounts, sign: int = -1) -> Fraction:
    """(1 - D) 2 |S| |G| / (d (|S| + |G|) - 2 |S| |G|); 0 where that is 0/0."""
    product = 2 * masks.predicted * masks.actual
    below = masks.pixels * (masks.predicted + masks.actual) + sign * product
    share = product / below if below else Fraction(0)
    return (1 - counts.dice_index(masks)) * share


@N18.check("exact")
@N18.twin("plus below", sign=1)
@over_masks(pixels=18, only=lambda masks: masks.pixels > 0)
def exact_gap(masks: SoftCounts, *, sign: int = -1) -> Fraction:
    """D - kappa is the stated gap, and >= 0, on all masks, empty and full ones too."""
    gap = Fraction(counts.dice_index(masks)) - Fraction(counts.kappa_index(masks))
    return min(gap, -abs(gap - stated_gap(masks, sign)))


@N18.check("algebra")
@N18.twin("half the gap", factor=1)
def gap_algebra(*, factor: int = 2) -> Evidence:
    """D - kappa = factor (FP + FN) |S| |G| / ((|S| + |G|) K), K kappa's denominator."""
    tp, fp, fn, tn = sympy.symbols("tp fp fn tn", positive=True)
    pixels = tp + fp + fn + tn
    masks = SoftCounts.of_sets(tp, fp, fn, pixels)
    gap = counts.dice_index(masks) - counts.kappa_index(masks)
    volume, product = masks.predicted + masks.actual, masks.predicted * masks.actual
    below = volume * (pixels * volume - 2 * product)
    return symbolic.identity(gap, factor * (fp + fn) * product / below)


@N18.check("at most 1")
@N18.twin("reached wherever TN = 0", reached=lambda m: m.true_negatives == 0)
def gap_is_at_most_one(
    *, reached: Callable[[SoftCounts], bool] | None = None, pixels: int = 14
) -> Evidence:
    """The gap is at most 1, reached if and only if TN = 0 and FP = FN > 0."""

    def stated(masks: SoftCounts) -> bool:
        wrong = masks.false_positives
        return masks.true_negatives == 0 and wrong == masks.false_negatives > 0

    def slack(masks: SoftCounts) -> Fraction:
        room = 1 - stated_gap(masks)
        return -abs(room) if (reached or stated)(masks) else room - Fraction(1, 10**6)

    def sized(size: int) -> Evidence:
        triples = list(enumeration.confusion_counts(size))
        return enumeration.over_counts(slack, pixels=size, triples=triples)

    return worst_of(sized(size) for size in range(1, pixels + 1))


def _example(pixels: int) -> float:
    """Gap at TP = FP = FN = 1, so that D = 1/2."""
    return float(stated_gap(enumeration.exact_counts(1, 1, 1, pixels)))
