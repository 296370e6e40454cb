"""N19: mean Dice and mean Jaccard over a set of images."""

import itertools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from jaxseg import counts
from theory.beyond import SOURCE
from theory.claim import Claim, Evidence, Verdict
from theory.engines import enumeration, examples, interval
from theory.engines.enumeration import for_each

N19 = Claim(
    id="N19",
    source=SOURCE,
    where="a question on Eelbode 2020, IV-B-1",
    statement=(
        "Given the mean Dice m, the mean Jaccard index lies in [m / (2 - m), m]; they "
        "are at most 3 - 2 root 2 = 0.172 apart. Mean Dice can put A before B and mean "
        "Jaccard B before A if and only if m_B < m_A < 2 m_B / (1 + m_B)."
    ),
    assumes=(
        "Means over images of the same class, D and J of the same masks; 'can' is for "
        "given means and sets of any size (with n images alone, n m_B whole for the "
        "extreme set)."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "J = D / (2 - D) is convex, so its mean is at least that of the mean, with "
        "equality where all images have one D, and at most the chord's, m, with "
        "equality where every image has D = 0 or 1. The width m - m / (2 - m) is "
        "largest at m = 2 - root 2, E18. If A is before B in Dice and behind in "
        "Jaccard, m_A / (2 - m_A) <= J_A < J_B <= m_B; conversely A with equal images "
        "and B all or nothing do it. So a lead of 0.172 or more in mean Dice is never "
        "turned, nor any lead if A is at least as good on every image, or if there is "
        "one image; the mean Jaccard rewards the method whose scores vary more."
    ),
    values=lambda: {
        "largest_distance": LARGEST,
        "at_mean_dice": 2 - math.sqrt(2),
        "least_mean_jaccard_at_mean_dice_0.8": 0.8 / 1.2,
        "largest_mean_jaccard_at_mean_dice_0.8": 0.8,
        "safe_mean_dice_over_0.6": 1.2 / 1.6,
    },
)

LARGEST = 3 - 2 * math.sqrt(2)
Scores = Sequence[Fraction]  # the Dice coefficient of each image


def jaccard_of(dice: Any) -> Any:
    """J of one image: D / (2 - D)."""
    return dice / (2 - dice)


def dice_of(jaccard: Any) -> Any:
    """D of one image: 2 J / (1 + J)."""
    return 2 * jaccard / (1 + jaccard)


def means(scores: Scores) -> tuple[Fraction, Fraction]:
    """Mean Dice and mean Jaccard."""
    number = len(scores)
    jaccard = sum(map(jaccard_of, scores), Fraction(0)) / number
    return sum(scores, Fraction(0)) / number, jaccard


def _sets(images: int, parts: int):
    levels = [Fraction(i, parts) for i in range(parts + 1)]
    return itertools.combinations_with_replacement(levels, images)


@N19.check("range")
@N19.twin("at most D of the mean", upper=lambda mean: jaccard_of(mean))
@for_each(lambda: itertools.chain.from_iterable(_sets(n, 10) for n in (1, 2, 3, 4)))
def mean_jaccard_is_between(
    scores: Scores, *, upper: Callable[[Fraction], Fraction] = lambda mean: mean
) -> Fraction:
    """In all sets of up to four images m / (2 - m) <= mean J <= m, both reached."""
    mean, jaccard = means(scores)
    room = min(jaccard - jaccard_of(mean), upper(mean) - jaccard)
    if len(set(scores)) == 1:
        return min(room, -abs(jaccard - jaccard_of(mean)))
    if set(scores) <= {0, 1}:
        return min(room, -abs(jaccard - mean))
    return room


@N19.check("largest distance")
@N19.twin("less by 1e-6", less=1e-6)
def largest_distance(*, less: float = 0.0) -> Evidence:
    """The supremum of m - m / (2 - m), certified: 3 - 2 root 2."""
    found = interval.supremum(
        lambda mean: mean - jaccard_of(mean), ((0.0, 1.0),), width=1e-12
    )
    value = LARGEST - less
    slack = min(found.upper - value, value - found.lower)
    witness = {"lower": found.lower, "upper": found.upper, "mean": found.at}
    return Evidence(slack, 1e-15, found.boxes, "interval", witness)


@N19.check("only if close")
@N19.twin("never", border=lambda mean: mean)
@for_each(lambda: itertools.permutations([means(scores) for scores in _sets(3, 8)], 2))
def flips_need_closeness(
    pair: tuple, *, border: Callable[[Fraction], Fraction] = dice_of
) -> Fraction:
    """Mean D larger and mean J smaller: only if m_A < 2 m_B / (1 + m_B), so by < 0.172.

    All pairs of sets of three images with D in eighths; exact.
    """
    (dice_a, jaccard_a), (dice_b, jaccard_b) = pair
    if not (dice_a > dice_b and jaccard_a < jaccard_b):
        return Fraction(1)
    gap = dice_a - dice_b  # gap < 3 - 2 root 2 iff (3 - gap)^2 > 8
    return min(border(dice_b) - dice_a, (3 - gap) ** 2 - 8) - Fraction(1, 10**9)


@N19.check("if close")
@N19.twin("also 5% beyond", stretch=Fraction(21, 20))
def closeness_allows_flips(*, stretch: Fraction = Fraction(1)) -> Evidence:
    """For m_B < m_A < 2 m_B / (1 + m_B) it does happen: A all equal, B all or nothing.

    `stretch` widens the range.
    """
    parts = 30
    levels = [Fraction(i, parts) for i in range(1, parts)]

    def slack(pair: tuple[Fraction, Fraction]) -> Fraction:
        mean_a, mean_b = pair
        if not mean_b < mean_a < stretch * dice_of(mean_b):
            return Fraction(1)
        whole = int(mean_b * parts)
        method_b = [Fraction(1)] * whole + [Fraction(0)] * (parts - whole)
        return means(method_b)[1] - jaccard_of(mean_a) - Fraction(1, 10**9)

    cases = itertools.permutations(levels, 2)
    return enumeration.worst_case(
        cases, slack, describe=lambda pair: {"mean A": pair[0], "mean B": pair[1]}
    )


@N19.check("by hand")
@N19.twin("A ahead in both", better=2)
def masks_by_hand(*, better: int = 1) -> Evidence:
    """Five images. A: TP = FP = 1 in all. B: three perfect, two missed."""
    half_right = enumeration.exact_counts(1, 1, 0, 4)
    perfect = enumeration.exact_counts(1, 0, 0, 4)
    missed = enumeration.exact_counts(0, 0, 1, 4)

    def mean(index: Callable, *masks: Any) -> Fraction:
        return sum((Fraction(index(m)) for m in masks), Fraction(0)) / len(masks)

    a, b = (half_right,) * 5, (perfect,) * 3 + (missed,) * 2
    found = {
        "mean Dice of A": mean(counts.dice_index, *a),
        "mean Dice of B": mean(counts.dice_index, *b),
        "mean Jaccard of A": mean(counts.jaccard_index, *a),
        "mean Jaccard of B": mean(counts.jaccard_index, *b),
    }
    hand = {
        "mean Dice of A": Fraction(2, 3),
        "mean Dice of B": Fraction(3, 5),
        "mean Jaccard of A": Fraction(better, 2),
        "mean Jaccard of B": Fraction(3, 5),
    }
    return examples.agree(found, hand)
