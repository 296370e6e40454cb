"""N07, N08: masks of largest expected Dice, or Jaccard, of one uncertain image."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from jaxseg.counts import SoftCounts, dice_index, jaccard_index
from theory.beyond import SOURCE
from theory.claim import Claim, Evidence, Verdict
from theory.engines import enumeration, examples
from theory.engines.enumeration import for_each

Mask = tuple[int, ...]
Truths = Mapping[Mask, Fraction]
"""Probability of each possible ground truth."""


def independent(eta: Sequence[Fraction]) -> Truths:
    """Pixels that are foreground independently."""
    truths = {}
    for y in itertools.product((0, 1), repeat=len(eta)):
        weight = math.prod(
            (x if t else 1 - x for x, t in zip(eta, y, strict=True)), start=Fraction(1)
        )
        if weight:
            truths[y] = weight
    return truths


def expected_index(predicted: Sequence[Any], truths: Truths, index: Any) -> Fraction:
    """Mean index over the truths, exact; L1 soft counts, 1 for 0/0."""
    total = Fraction(0)
    for y, weight in truths.items():
        hits = sum((p * t for p, t in zip(predicted, y, strict=True)), Fraction(0))
        masks = SoftCounts.of_sets(hits, sum(predicted) - hits, sum(y) - hits, len(y))
        total += weight * Fraction(index(masks))
    return total


def scores(truths: Truths, index: Any) -> dict[Mask, Fraction]:
    """Expected index of every mask."""
    size = len(next(iter(truths)))
    masks = itertools.product((0, 1), repeat=size)
    return {mask: expected_index(mask, truths, index) for mask in masks}


def best(truths: Truths, index: Any) -> set[Mask]:
    """The masks of largest expected index."""
    found = scores(truths, index)
    return {mask for mask, score in found.items() if score == max(found.values())}


def _independent_pixels(*, parts: int = 6) -> Iterator[tuple[Fraction, ...]]:
    """Posteriors in falling order."""
    grid = [Fraction(n, parts) for n in range(parts, -1, -1)]
    for size in (1, 2, 3):
        yield from itertools.combinations_with_replacement(grid, size)


def _named(eta) -> dict[str, list]:
    return {"posterior": list(eta)}


# N07

N07 = Claim(
    id="N07",
    source=SOURCE,
    where="on Eelbode 2020, Eqs. (26)-(28)",
    statement=(
        "For the expected Dice of one image with independent pixels the best mask is "
        "a set of the k largest posteriors. The L1 soft Dice risk has a minimiser with "
        "at most one fractional pixel, and it can be strictly fractional."
    ),
    assumes="Dice of two empty masks is 1. Ties of posteriors aside.",
    verdict=Verdict.DEPENDS,
    readings={
        "best masks of independent pixels": (
            "Holds. k is not that of any fixed threshold."
        ),
        "at most one fractional pixel": "Holds, for dependent pixels too.",
        "strictly fractional, dependent pixels": "Holds: see the counterexample.",
        "strictly fractional, independent pixels": (
            "Fails: there some mask is always among the minimisers."
        ),
    },
    counterexample=(
        "Truths (0,1,1), (1,0,0), (1,1,0) with 4/6, 1/6, 1/6: p = (x, 1, 1) has ((9 + "
        "x)/(4 + x) + x/(3 + x))/3, 3/4 at x = 0 and 1 and 559/744 > 558/744 at x = "
        "4/9; largest, 2/3 + (sqrt(5/3) - 1)^2, at 3 + x = 1/(sqrt(5/3) - 1). No mask "
        "has more than 3/4."
    ),
    proof=(
        "Given its sum P the score sum_i p_i w_i(P), w_i = 2 E[y_i/(P + |y|)], is "
        "linear in p: fill the pixels of largest w_i, the last one in part. For "
        "independent pixels w_i = 2 eta_i E[1/(P + 1 + |y| - y_i)], and swapping two "
        "shows that it falls in order with eta_i. On a segment, pixel j filled to x, "
        "the score's slope is q G(x) - (1 - q) L(x) up to a factor, with q = eta_j, Z "
        "the number of other foreground pixels, A those among the k filled, R the "
        "rest, u = k + x: G = E[(k + 1 + R)/(u + 1 + Z)^2], L = sum_i a_i E[1/(u + 1 + "
        "Z_i)^2], Z_i being Z without the filled pixel i. Z = Z_i + y_i is above Z_i "
        "in likelihood ratio, as sums of independent bits are log-concave, and E[R | "
        "Z] rises (Efron). So -G'/G <= -L'/L: G/L rises, the slope changes sign from "
        "- to + at most, and an end of the segment is best."
    ),
    values=lambda: {
        "best_mask": 0.75,
        "best_soft": 2 / 3 + (ROOT - 1) ** 2,
        "best_fraction": 1 / (ROOT - 1) - 3,
    },
)


@N07.check("top sets")
@N07.twin("eta > 1/2", cut=Fraction(1, 2))
def top_sets(*, cut: Fraction | None = None) -> Evidence:
    """Best masks hold no pixel of less eta than one that they leave out.

    `cut` claims that they hold just those of eta > `cut`.
    """

    def slack(eta) -> Fraction:
        slacks = []
        for mask in best(independent(eta), dice_index):
            chosen = [x for x, m in zip(eta, mask, strict=True) if m]
            left = [x for x, m in zip(eta, mask, strict=True) if not m]
            low, high = min(chosen, default=Fraction(1)), max(left, default=Fraction(0))
            slacks.append(low - high if cut is None else min(low - cut, cut - high))
        return min(slacks)

    cases = _independent_pixels()
    return enumeration.worst_case(cases, slack, describe=_named)


BIMODAL: Truths = {
    (0, 1, 1): Fraction(4, 6),
    (1, 0, 0): Fraction(1, 6),
    (1, 1, 0): Fraction(1, 6),
}
"""Three dependent pixels for which a fraction of the first is best."""

UNCERTAIN: tuple[Truths, ...] = (
    BIMODAL,
    {(1, 0, 0): Fraction(1, 2), (0, 1, 1): Fraction(1, 2)},
    {(1, 1, 1): Fraction(1, 3), (0, 0, 1): Fraction(1, 3), (0, 1, 0): Fraction(1, 3)},
    {(0, 0, 0): Fraction(1, 4), (1, 0, 1): Fraction(1, 4), (0, 1, 1): Fraction(1, 2)},
    independent((Fraction(3, 4), Fraction(1, 2), Fraction(1, 5))),
)


def best_of_size(truths: Truths, total: Fraction) -> tuple[Fraction, ...]:
    """The best prediction of sum `total`: whole pixels by their gain, then a part."""
    size = len(next(iter(truths)))
    if not total:
        return (Fraction(0),) * size
    gains = [
        sum(w * y[i] / (total + sum(y)) for y, w in truths.items()) for i in range(size)
    ]
    order = sorted(range(size), key=lambda i: -gains[i])
    predicted = [Fraction(0)] * size
    for rank, i in enumerate(order):
        predicted[i] = min(Fraction(1), max(Fraction(0), total - rank))
    return tuple(predicted)


@N07.check("one fraction")
@N07.twin("rounded down", whole=True)
@for_each(
    lambda: (
        (truths, predicted)
        for truths in UNCERTAIN
        for predicted in itertools.product([Fraction(n, 4) for n in range(5)], repeat=3)
    )
)
def one_fraction(truths, predicted, *, whole: bool = False) -> Fraction:
    """No p on a grid beats the filled one of its sum, which has one fraction at most.

    With `whole` the filled one is rounded down to a mask.
    """
    other = best_of_size(truths, sum(predicted, Fraction(0)))
    if whole:
        other = tuple(Fraction(int(p)) for p in other)
    gain = expected_index(other, truths, dice_index)
    return gain - expected_index(predicted, truths, dice_index)


@N07.check("masks suffice if independent")
@N07.twin("masks suffice", dependent=True)
def masks_suffice(*, dependent: bool = False) -> Evidence:
    """Independent pixels: no soft prediction on the segments beats the best mask.

    `dependent` adds the truths that are not independent.
    """
    parts = [Fraction(n, 9) for n in range(28)]

    def slack(truths: Truths) -> Fraction:
        size = len(next(iter(truths)))
        top = max(scores(truths, dice_index).values())
        return top - max(
            expected_index(best_of_size(truths, total), truths, dice_index)
            for total in parts
            if 0 < total <= size
        )

    cases = [independent(eta) for eta in _independent_pixels(parts=5) if any(eta)]
    if dependent:
        cases += UNCERTAIN
    return enumeration.worst_case(
        cases, slack, describe=lambda truths: {"truths": str(dict(truths))}
    )


@N07.check("fraction by hand")
@N07.twin("fraction 1/2", share=Fraction(1, 2))
def fraction_by_hand(*, share: Fraction = Fraction(4, 9)) -> Evidence:
    """P = (4/9, 1, 1) has 559/744, every mask at most 558/744 = 3/4."""
    found = {
        "fraction": expected_index((share, 1, 1), BIMODAL, dice_index),
        "best mask": max(scores(BIMODAL, dice_index).values()),
    }
    by_hand = {"fraction": Fraction(559, 744), "best mask": Fraction(3, 4)}
    return examples.agree(found, by_hand)


ROOT = math.sqrt(5 / 3)


# N08

N08 = Claim(
    id="N08",
    source=SOURCE,
    where="a question on Eelbode 2020, IV-B-1",
    statement=(
        "QUESTION. Do the masks that maximise the expected Dice and the expected "
        "Jaccard of an uncertain image always coincide?"
    ),
    assumes="Both indices of two empty masks are 1.",
    verdict=Verdict.FAILS,
    counterexample=(
        "Two pixels, just one of them foreground, the first with 3/5. Both pixels: D = "
        "2/3, J = 1/2; the first alone: 3/5 and 3/5; so Dice takes both, Jaccard one. "
        "Independent pixels: eta = (2/3, 1/3, 1/3) has D = 76/135 at all three, J = "
        "38/81 at the first; eta = (3/7, 2/7) has D = 64/147 at both, J = 20/49 at "
        "none."
    ),
    correction=(
        "They coincide for one pixel, for a certain truth, and for the indices of "
        "expected counts (N05). A mask best for Dice keeps at least half of the best "
        "expected Jaccard, and the other way round."
    ),
    proof=(
        "J = D/(2 - D) is convex in D, so an expected J prefers a chance of a high D "
        "to the same D for sure. Half: D/2 <= J <= D, so E J(m) >= E D(m)/2 >= E "
        "D(m')/2 >= E J(m')/2 for m best in Dice."
    ),
    values={
        "dice_of_both": 2 / 3,
        "jaccard_of_both": 1 / 2,
        "dice_of_three_independent": 76 / 135,
        "jaccard_of_first_of_three": 38 / 81,
    },
)


@N08.check("three examples")
@N08.twin("also at (9/10, 1/10)", eta=(Fraction(9, 10), Fraction(1, 10)))
def masks_differ(*, eta: tuple[Fraction, ...] | None = None) -> Evidence:
    """No mask is best for both: two exclusive pixels, then independent ones.

    The slack is the least regret in Jaccard of a mask that is best for Dice.
    """
    third = Fraction(1, 3)
    cases: list[Truths] = [
        {(1, 0): Fraction(3, 5), (0, 1): Fraction(2, 5)},
        independent((Fraction(3, 7), Fraction(2, 7))),
        independent((2 * third, third, third)),
    ]
    if eta is not None:
        cases.append(independent(eta))

    def slack(truths: Truths) -> Fraction:
        jaccard = scores(truths, jaccard_index)
        kept = max(jaccard[mask] for mask in best(truths, dice_index))
        return max(jaccard.values()) - kept - Fraction(1, 10**6)

    return enumeration.worst_case(
        cases, slack, describe=lambda truths: {"truths": str(dict(truths))}
    )


@N08.check("by hand")
@N08.twin("Jaccard of both 2/3", exclusive=Fraction(2, 3))
def exclusive_pixels_by_hand(*, exclusive: Fraction = Fraction(1, 2)) -> Evidence:
    """Two exclusive pixels, 3/5 and 2/5: both have D 2/3 and J 1/2, the first 3/5."""
    truths = {(1, 0): Fraction(3, 5), (0, 1): Fraction(2, 5)}
    dice, jaccard = scores(truths, dice_index), scores(truths, jaccard_index)
    found = {
        "dice both": dice[1, 1],
        "dice first": dice[1, 0],
        "jaccard both": jaccard[1, 1],
        "jaccard first": jaccard[1, 0],
    }
    wanted = {
        "dice both": Fraction(2, 3),
        "dice first": Fraction(3, 5),
        "jaccard both": exclusive,
        "jaccard first": Fraction(3, 5),
    }
    return examples.agree(found, wanted)


@N08.check("half is kept")
@N08.twin("all is kept", kept=Fraction(1))
def half_is_kept(*, kept: Fraction = Fraction(1, 2)) -> Evidence:
    """A mask that is best for Dice has at least half of the best expected Jaccard."""

    def slack(truths: Truths) -> Fraction:
        jaccard = scores(truths, jaccard_index)
        worst = min(jaccard[mask] for mask in best(truths, dice_index))
        return worst - kept * max(jaccard.values())

    cases = [independent(eta) for eta in _independent_pixels(parts=7)]
    return enumeration.worst_case(
        [*cases, *UNCERTAIN],
        slack,
        describe=lambda truths: {"truths": str(dict(truths))},
    )
