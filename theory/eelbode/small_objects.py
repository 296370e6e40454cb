"""E23, E24: plain Hamming against Dice, and what small objects do to both."""

import math
from fractions import Fraction

from theory.claim import Claim, Evidence, Verdict, worst_of
from theory.eelbode import SOURCE
from theory.eelbode.dice_hamming import (
    TIGHTER,
    dice,
    hamming,
    one_is_approached,
    ratio_grows,
    weighted_hamming,
)
from theory.eelbode.dice_jaccard import gap_within, ratio_within
from theory.engines import enumeration
from theory.engines.enumeration import for_all

# E23, the unweighted Hamming similarity

E23 = Claim(
    id="E23",
    source=SOURCE,
    where="Cor. II.1",
    statement=(
        "D and H do not relatively approximate each other, and absolutely with error 1."
    ),
    assumes="Defs. II.1 and II.2, images of all sizes; D = 1 for two empty masks.",
    verdict=Verdict.HOLDS,
    proof=(
        "It does not follow from Prop. II.2 at once, as H is H_gamma with a gamma that "
        "changes with |y| / d; but one missed pixel suffices: D = 0 and H = 1 - 1/d. "
        "That is the largest gap on d pixels, since H > 1 - 1/d only for equal masks, "
        "where D = 1: the value 1 is approached, never reached. Where TP > 0 the "
        "largest H / D on an even number d of pixels is (d + 2)^2 / (8 d), at TP = 1 "
        "and (d - 2) / 2 mistakes of any kind."
    ),
    values={
        **{f"largest_gap_at_{d}_pixels": 1 - 1 / d for d in (2, 10, 1000)},
        **{f"largest_ratio_at_{d}_pixels": (d + 2) ** 2 / (8 * d) for d in (2, 100)},
    },
)


@E23.check("absolute, by size")
@E23.twin("less by 1e-6", less=TIGHTER)
@for_all(pixels=(1, 2, 3, 5, 8, 12, 16))
def hamming_error_by_size(pixels: int, *, less: Fraction = Fraction(0)) -> Evidence:
    """Max |D - H| on d pixels is 1 - 1 / d, by enumeration of all masks."""
    found = enumeration.over_counts(
        lambda masks: -abs(dice(masks) - hamming(masks)), pixels=pixels
    )
    return found.with_slack(-abs(-found.slack - (1 - Fraction(1, pixels)) + less))


@E23.check("relative, by size")
@E23.twin("with two pixels right", least=2)
@for_all(pixels=(2, 4, 8, 14))
def hamming_ratio_by_size(pixels: int, *, least: int = 1) -> Evidence:
    """Max H / D on d pixels, d even, TP >= `least`, is (d + 2)^2 / (8 d)."""
    found = enumeration.over_counts(
        lambda masks: -hamming(masks) / dice(masks),
        pixels=pixels,
        only=lambda masks: masks.intersection >= least,
    )
    value = Fraction((pixels + 2) ** 2, 8 * pixels)
    return found.with_slack(-abs(-found.slack - value))


# E24, small objects

E24 = Claim(
    id="E24",
    source=SOURCE,
    where="II-B, after Cor. II.1",
    statement=(
        "A (weighted) binary loss can be an arbitrarily bad approximation for Dice "
        "when segmenting small objects, while the Jaccard loss gives multiplicative "
        "and additive approximation guarantees."
    ),
    assumes=(
        "Arbitrarily bad: for each gamma the error of H_gamma tends to 1, and H_gamma "
        "/ D to infinity, over images whose |y| / d tends to 0."
    ),
    verdict=Verdict.HOLDS,
    readings={
        "Absolute error": (
            "Holds, and small objects are needed: at |y| = d/2, gamma = 5/6 leaves an "
            "error of 1/6 for all predictions (N27 has all prevalences)."
        ),
        "Relative error": (
            "Holds, but small objects are not what breaks it: an empty prediction has "
            "D = 0 < H_gamma at every size of object, unless gamma = 1."
        ),
        "Guarantees of Jaccard": (
            "Hold at every size: J <= D <= 2 J and D - J <= 3 - 2 sqrt 2."
        ),
    },
    proof=(
        "One true pixel of d = m^2 and m more predicted (E19, E20) is a small object. "
        "E17 and E18 are the guarantees of Jaccard."
    ),
    values={
        "least_gap_at_10000_pixels": 1 - 100 / 9999 - 2 / 102,
        "error_at_half_the_image": 1 / 6,
        "jaccard_gap": 3 - 2 * math.sqrt(2),
        "jaccard_ratio": 2.0,
    },
)


E24.check("absolute, small object")(one_is_approached)
E24.twin("at the rate 2 / sqrt d", rate=2)(one_is_approached)


E24.check("relative, small object")(ratio_grows)
E24.twin("ratio more by 1e-6", more=TIGHTER)(ratio_grows)


@E24.check("large object")
@E24.twin("1/6 less by 1e-6", less=TIGHTER)
def half_the_image(*, less: Fraction = Fraction(0)) -> Evidence:
    """Where |y| = d / 2 some gamma does well: 5/6 leaves an error of 1/6."""
    gamma, bound = Fraction(5, 6), Fraction(1, 6) - less
    return worst_of(
        enumeration.over_counts(
            lambda masks: bound - abs(dice(masks) - weighted_hamming(masks, gamma)),
            pixels=pixels,
            only=lambda masks: 2 * masks.actual == masks.pixels,
        )
        for pixels in (2, 6, 10, 16)
    )


E24.check("Jaccard, additive")(gap_within)
E24.twin("Jaccard, gap less by 1e-6", less=TIGHTER)(gap_within)


E24.check("Jaccard, multiplicative")(ratio_within)
E24.twin("Jaccard, error less by 1e-6", error=1 - TIGHTER)(ratio_within)
