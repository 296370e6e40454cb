"""N22: batch Dice over random batches, between mean and pooled Dice."""

import functools
import itertools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from jaxseg import counts
from jaxseg.counts import SoftCounts
from theory.beyond import SOURCE
from theory.claim import Claim, Evidence, Verdict
from theory.engines import enumeration, examples

N22 = Claim(
    id="N22",
    source=SOURCE,
    where="on Ma 2021, 4.3",
    statement=(
        "The expected batch Dice over random batches of B of n images interpolates "
        "from the mean of the images' Dice (B = 1) to the pooled Dice (B = n)."
    ),
    assumes=(
        "Batches without replacement, uniform; one class; an image (or batch) that is "
        "empty in both masks has Dice 1 by rule."
    ),
    verdict=Verdict.CORRECTED,
    correction=(
        "The ends are as said, but what lies between need not: for 1 < B < n the "
        "expectation can leave the interval of both ends. It stays between the least "
        "and the largest Dice of an image, and is the same for all B where all images "
        "have the same |G| + |S|. With replacement it tends to the pooled Dice at the "
        "rate 1 / B and reaches it for no finite B."
    ),
    counterexample=(
        "Three images with (TP, FP + FN) = (0, 1), (1, 0), (1, 4): Dice 0, 1, 1/3, "
        "mean 4/9. Pairs: 2/3, 2/7, 1/2, mean 61/126 = 0.484. All: 4/9. The ends agree "
        "and the middle is larger."
    ),
    proof=(
        "A batch's Dice is the mean of its images' with weights V_i = |G_i| + |S_i|, "
        "M33, so it lies between theirs. In E_B the weight of an image, V_i over the "
        "volume of its batch, depends on its company, and E_(B+1) - E_B is a "
        "covariance of the volume left out and the Dice of the rest, of either sign."
    ),
    values={
        "expected_at_1_of_3": 4 / 9,
        "expected_at_2_of_3": 61 / 126,
        "expected_at_3_of_3": 4 / 9,
    },
)

Images = Sequence[tuple[int, ...]]  # (TP, FP + FN) of each


def _pooled(images: Images) -> Fraction:
    """Dice of all pixels of the images together."""
    masks = [enumeration.exact_counts(tp, wrong, 0, 99) for tp, wrong in images]
    return Fraction(counts.dice_index(functools.reduce(SoftCounts.__add__, masks)))


def expected_dice(images: Images, size: int) -> Fraction:
    """Mean over all batches of so many different images of the batch's Dice."""
    batches = list(itertools.combinations(images, size))
    return sum(map(_pooled, batches), Fraction(0)) / len(batches)


def _sets(images: int, most: int):
    kinds = list(itertools.product(range(most + 1), repeat=2))
    return itertools.combinations_with_replacement(kinds, images)


def _named(images: Images) -> dict[str, Any]:
    return {"TP and mistakes of each": images}


@N22.check("ends")
@N22.twin("mean at B = 2", size=2)
def ends(*, size: int = 1) -> Evidence:
    """Batches of one: mean of the images' Dice; of all n: pooled Dice."""

    def slack(images: Images) -> Fraction:
        each = [
            Fraction(2 * tp, 2 * tp + wrong) if tp + wrong else Fraction(1)
            for tp, wrong in images
        ]
        hits, wrong = (sum(x) for x in zip(*images, strict=True))
        pooled = Fraction(2 * hits, 2 * hits + wrong) if hits + wrong else Fraction(1)
        return -max(
            abs(expected_dice(images, size) - sum(each, Fraction(0)) / len(each)),
            abs(expected_dice(images, len(images)) - pooled),
        )

    return enumeration.worst_case(_sets(3, 3), slack, describe=_named)


@N22.check("between images")
@N22.twin("between the ends", ends_only=True)
def bounded_by_images(*, ends_only: bool = False) -> Evidence:
    """Every expected batch Dice lies between the least and the largest image's Dice.

    With `ends_only`: between the mean and the pooled Dice.
    """

    def slack(images: Images) -> Fraction:
        values = [expected_dice(images, size) for size in (1, 2, 3)]
        singles = [_pooled([image]) for image in images]
        bounds = [values[0], values[2]] if ends_only else singles
        return min(min(values) - min(bounds), max(bounds) - max(values))

    cases = [((0, 1), (1, 0), (1, 4)), *_sets(3, 2)]
    return enumeration.worst_case(cases, slack, describe=_named)


@N22.check("equal volumes")
@N22.twin("one larger volume", other=8)
def equal_volumes(*, volume: int = 6, other: int = 6) -> Evidence:
    """Where all images have one |G| + |S| every batch size gives the same."""

    def slack(images: Images) -> Fraction:
        values = [expected_dice(images, size) for size in (1, 2, 3)]
        return -(max(values) - min(values))

    def of(hits: int, volume: int) -> tuple[int, int]:
        return hits, volume - 2 * hits

    cases = (
        (of(a, volume), of(b, volume), of(c, other))
        for a, b, c in itertools.product(range(volume // 2 + 1), repeat=3)
    )
    return enumeration.worst_case(cases, slack, describe=_named)


@N22.check("by hand")
@N22.twin("flat", middle=Fraction(4, 9))
def two_sizes_by_hand(*, middle: Fraction = Fraction(61, 126)) -> Evidence:
    """(TP, mistakes) = (0, 1), (1, 0), (1, 4): 4/9, then 61/126, then 4/9 again.

    Images: 0, 1, 1/3. Pairs: 2/3, 2/7, 4/8. All: 4/9.
    """
    images = ((0, 1), (1, 0), (1, 4))
    found = {f"batches of {size}": expected_dice(images, size) for size in (1, 2, 3)}
    ninths = Fraction(4, 9)
    hand = {"batches of 1": ninths, "batches of 2": middle, "batches of 3": ninths}
    return examples.agree(found, hand)
