"""N28: what is lost when the best soft prediction for Dice is cut to a mask."""

import itertools
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import sympy

from jaxseg.counts import SoftCounts, dice_index
from theory.beyond import SOURCE
from theory.beyond.expected_overlap import Truths, expected_index, scores
from theory.claim import Claim, Evidence, Verdict, worst_of
from theory.engines import examples, symbolic
from theory.engines.enumeration import for_all, for_each

HALF = Fraction(1, 2)
WORST = Fraction(2, 369)
TIGHTER = Fraction(1, 10**6)
Soft = tuple[int | Fraction, ...]
Pair = tuple[int, int, int, int, int]  # k, size and hits of one truth, of the other

N28 = Claim(
    id="N28",
    source=SOURCE,
    where="on Galdran 2022, Eq. (5); left open in arXiv:2510.15362, Section 1",
    statement=(
        "A prediction of largest expected soft Dice (L1), cut at 1/2, has at most "
        "2/369 = 0.00542 less expected Dice than the best prediction, soft or hard, "
        "for every law of the truth, however its pixels depend on each other and "
        "however many they are; five pixels suffice to lose that much. Cut at 21/50 "
        "the most is 294/73123 = 0.00402. No threshold is always right."
    ),
    assumes=(
        "The prediction has at most one fractional pixel; such a one is always among "
        "the best (N07). p at the threshold is cut off. For the Dice of expected "
        "counts nothing is lost (N05; Nordstrom 2023). What to do: cut at 1/2 and "
        "forget it; who wants the rest compares the expected Dice of both roundings."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "Let k pixels be 1 and one be x. A truth of n pixels, h of them among the k, "
        "scores g(z) = 2 (h + y z) / (N + z) at x = z, N = k + n, y = 1 if it holds "
        "the fractional pixel. So g(x) - g(0) = g'(x) x (N + x) / N and g(1) - g(x) = "
        "g'(x) (1 - x)(N + x) / (N + 1). At the best x the mean of g' is 0, so what "
        "rounding loses is a mean of g'(x) x^2 / N, or of -g'(x) (1 - x)^2 / (N + 1), "
        "over laws with mean slope 0: a linear programme with two constraints, best "
        "with two truths, one that rises (A: y = 1, slope 2 (N - h) / (N + x)^2) and "
        "one that falls (B: y = 0, slope -2 h / (N + x)^2). Rounding down loses x^2 "
        "(1/N_A - 1/N_B) / (1/slope_A + 1/slope_B), rounding up (1 - x)^2 (1/(N_A + "
        "1) - 1/(N_B + 1)) over the same; the first rises, the second falls with x. "
        "With h_B <= min(k, N_B / 2) and k < N_A < N_B both are below 2 s / (3 N_A^2) "
        "and 2 s / N_B^2, s the square of the step, so N_A < 8 and N_B < 14 hold the "
        "worst. It is k = 1, A the fractional pixel alone, B of two pixels. With no "
        "pixel at 1 the score rises in x. Rounding up is "
        "better just if (x / (1 - x))^2 > N_A N_B / ((N_A + 1)(N_B + 1)): 1/2 for "
        "those truths, and 3/5 for k = 2, A the fractional pixel, B the two alone. So "
        "each threshold is on the wrong side of some x."
    ),
    values={
        "largest_loss_at_1/2": 2 / 369,
        "largest_loss_at_21/50": 294 / 73123,
        "best_of_five_pixels": 22 / 41,
        "rounded_of_five_pixels": 392 / 738,
        "best_soft_of_four_pixels": 0.684699737,
        "best_mask_of_four_pixels": 0.682759,
    },
)


def term(x: sympy.Expr, both: sympy.Expr, hits: sympy.Expr, holds: sympy.Expr):
    """Soft Dice at x of a truth; `both` = k + n, `holds` it the fractional pixel."""
    predicted_and_actual = both + x
    masks = SoftCounts.of_sets(
        hits + holds * x, predicted_and_actual - 2 * (hits + holds * x), 0, both
    )
    return dice_index(masks)


@N28.check("algebra of one truth")
@N28.twin("rounding up over N", more=0)
def slopes_of_one_truth(*, more: int = 1) -> Evidence:
    """Both roundings as multiples of the slope at x, with N and N + `more` below."""
    x, both, hits, holds = sympy.symbols("x N h y", positive=True)
    score = term(x, both, hits, holds)
    slope = sympy.diff(score, x)
    down = score - score.subs(x, 0)
    up = score.subs(x, 1) - score
    return symbolic.identities(
        [
            (slope, 2 * (holds * both - hits) / (both + x) ** 2),
            (down, slope * x * (both + x) / both),
            (up, slope * (1 - x) * (both + x) / (both + more)),
            (down - slope * x, slope * x**2 / both),
            (up - slope * (1 - x), -slope * (1 - x) ** 2 / (both + 1)),
        ]
    )


def losses(x: Fraction, pair: Pair) -> tuple[Fraction, Fraction]:
    """What rounding down and rounding up lose, for two truths that make x the best."""
    k, size_a, hits_a, size_b, hits_b = pair
    first, second = k + size_a, k + size_b
    flat = (first + x) ** 2 / Fraction(2 * (first - hits_a))
    flat += (second + x) ** 2 / Fraction(2 * hits_b)
    down = x**2 * (Fraction(1, first) - Fraction(1, second))
    up = (1 - x) ** 2 * (Fraction(1, first + 1) - Fraction(1, second + 1))
    return down / flat, up / flat


def pairs(*, most: int = 7, larger: int = 13) -> Iterator[Pair]:
    """Truths A, with the fractional pixel, and B, without: N_A and N_B up to these."""
    for k in range(1, most):
        for size_a, size_b in itertools.product(
            range(1, most + 1 - k), range(1, larger + 1 - k)
        ):
            for hits_a in range(min(k, size_a - 1) + 1):
                for hits_b in range(1, min(k, size_b) + 1):
                    yield k, size_a, hits_a, size_b, hits_b


CUTS = {HALF: WORST, Fraction(21, 50): Fraction(294, 73123)}
"""The most that is lost at a threshold: the larger of what the roundings lose there."""


@N28.check("worst pair of truths")
@N28.twin("less by 1e-6", less=TIGHTER)
@for_each(lambda: itertools.product(CUTS, pairs()))
def no_pair_is_worse(
    cut: Fraction, pair: Pair, *, less: Fraction = Fraction(0)
) -> Fraction:
    """Rounding loses no more than stated, at x on its side of the threshold."""
    return CUTS[cut] - less - max(losses(cut, pair))


@N28.check("larger truths")
@N28.twin("from N_A = 5 on", first=5)
@for_all(cut=tuple(CUTS))
def tails(cut: Fraction, *, first: int = 8, second: int = 14) -> Fraction:
    """The proof's bounds for N_A >= 8, and for N_B >= 14, are below what is stated."""
    step = max(cut, 1 - cut) ** 2
    return CUTS[cut] - max(2 * step / (3 * first**2), 2 * step / Fraction(second) ** 2)


FIVE: Truths = {
    (0, 1, 0, 0, 0): Fraction(50, 246),
    (1, 0, 1, 0, 0): Fraction(67, 246),
    (1, 0, 0, 1, 0): Fraction(67, 246),
    (1, 0, 0, 0, 1): Fraction(62, 246),
}
"""Cut at 1/2 the best prediction (1, 1/2, 0, 0, 0) loses 2/369."""

FOUR: Truths = {
    (0, 0, 0, 1): Fraction(700, 2701),
    (1, 0, 1, 0): Fraction(1201, 2701),
    (1, 1, 1, 0): Fraction(800, 2701),
}
"""Neither rounding of the best prediction (1, 0, 1, 0.49688) is as good as it."""


def room_above(truths: Truths, value: Fraction) -> Evidence:
    """`value` less the largest expected Dice of any soft prediction: >= 0, or a case.

    By N07 some best prediction has one fraction x at most. On such a segment the room
    times the denominators is a polynomial in x, negative somewhere just if it is so at
    an end or between two neighbouring roots: exact.
    """
    size = len(next(iter(truths)))
    found = []
    for mask in itertools.product((0, 1), repeat=size):
        for j in (j for j in range(size) if not mask[j]):
            for x in _decisive(truths, mask, j, value):
                predicted = (*mask[:j], x, *mask[j + 1 :])
                room = value - expected_index(predicted, truths, dice_index)
                case = {"predicted": predicted, "value": value}
                found.append(Evidence(room, 0.0, 1, "enumeration", case))
    return worst_of(found)


def _decisive(
    truths: Truths, mask: Sequence[int], j: int, value: Fraction
) -> list[Fraction]:
    """0, 1, and points between the roots; none but the ends where a bound is enough."""
    ends = [Fraction(0), Fraction(1)]
    k = sum(mask)
    parts = [
        (w, sum(map(min, mask, y)), k + sum(y), y[j])
        for y, w in truths.items()
        if k + sum(y)
    ]
    highest = sum(
        w * max(Fraction(2 * h, n), Fraction(2 * (h + t), n + 1))
        for w, h, n, t in parts
    )
    if highest < value or not k:  # without a whole pixel the score rises
        return ends
    x = sympy.symbols("x")
    score = sum(
        sympy.Rational(w.numerator, w.denominator) * 2 * (h + t * x) / (n + x)
        for w, h, n, t in parts
    )
    wanted = sympy.Rational(value.numerator, value.denominator)
    top = sympy.Poly(sympy.numer(sympy.together(wanted - score)), x)
    if top.is_zero:
        return ends
    roots: Any = top.intervals(inf=0, sup=1)
    places = [0, *(end for interval, _ in roots for end in interval), 1]
    points = [Fraction(str(place)) for place in places]
    return ends + [(a + b) / 2 for a, b in itertools.pairwise(points) if a < b]


@N28.check("five pixels, none better")
@N28.twin("five pixels, less by 1e-6", less=TIGHTER)
def five_at_most(*, less: Fraction = Fraction(0)) -> Evidence:
    """With the law FIVE no soft prediction has more than 22/41."""
    return room_above(FIVE, Fraction(22, 41) - less)


@N28.check("five pixels, by hand")
@N28.twin("2/3 for the first pixel alone", alone=Fraction(2, 3))
def five_by_hand(*, alone: Fraction = Fraction(392, 738)) -> Evidence:
    """50 (1 / 2.5) + 196 (2 / 3.5) = 132 of 246, as 134 (4 / 5) + 62 (2 / 5) = 132.

    The first pixel alone has 196 (2 / 3) of 246.
    """
    found = {
        "(1, 1/2, 0, 0, 0)": expected_index((1, HALF, 0, 0, 0), FIVE, dice_index),
        "1, 3 and 4": expected_index((1, 0, 1, 1, 0), FIVE, dice_index),
        "first alone": expected_index((1, 0, 0, 0, 0), FIVE, dice_index),
    }
    hand = {
        "(1, 1/2, 0, 0, 0)": Fraction(132, 246),
        "1, 3 and 4": Fraction(132, 246),
        "first alone": alone,
    }
    found["loss"] = found["1, 3 and 4"] - found["first alone"]
    hand["loss"] = WORST
    return examples.agree(found, hand)


@N28.check("four pixels")
@N28.twin("a mask is best", soft=Fraction(682760, 10**6))
def four_pixels(*, soft: Fraction = Fraction(684699738, 10**9)) -> Evidence:
    """No prediction has more than `soft`; (1, 0, 1, 0.49688) nearly, all masks less."""
    reached = expected_index((1, 0, 1, Fraction(49688, 10**5)), FOUR, dice_index)
    masks = scores(FOUR, dice_index)
    room = room_above(FOUR, soft)
    others = {
        "reached": reached - (soft - Fraction(2, 10**9)),
        "best mask is 1011": masks[1, 0, 1, 1] - max(masks.values()),
        "cut at 1/2 is worse": masks[1, 0, 1, 1]
        - masks[1, 0, 1, 0]
        - Fraction(1, 10**3),
        "no mask reaches it": reached - max(masks.values()) - Fraction(1, 10**3),
    }
    return worst_of(
        [room]
        + [
            Evidence(slack, 0.0, 1, "enumeration", {"which": which})
            for which, slack in others.items()
        ]
    )


def spread(x: Fraction, *, others: int = 4) -> Truths:
    """A law whose best prediction is pixel 1, and x of pixel 2.

    Truths: pixel 2 alone; pixel 1 with one of `others` more.
    """
    rises, falls = 4 / (2 + x) ** 2, 2 / (3 + x) ** 2
    first = falls / (rises + falls)
    one_more = (tuple(int(i == j) for i in range(others)) for j in range(others))
    return {
        (0, 1, *(0,) * others): first,
        **{(1, 0, *more): (1 - first) / others for more in one_more},
    }


def two_alone(x: Fraction) -> Truths:
    """A law whose best prediction is pixels 1 and 2, and x of the third.

    Truths: pixel 3 alone; pixels 1 and 2.
    """
    rises, falls = 6 / (3 + x) ** 2, 4 / (4 + x) ** 2
    first = falls / (rises + falls)
    return {(0, 0, 1): first, (1, 1, 0): 1 - first}


BELOW, ABOVE = Fraction(2, 5), Fraction(21, 50)  # of root 2 - 1

WRONG: dict[str, tuple[Truths, Soft, bool]] = {
    "kept below root 2 - 1": (spread(BELOW), (1, BELOW, 0, 0, 0, 0), False),
    "cut off above": (spread(ABOVE), (1, ABOVE, 0, 0, 0, 0), True),
    "kept above": (two_alone(ABOVE), (1, 1, ABOVE), False),
    "cut off at 1/2": (two_alone(HALF), (1, 1, HALF), True),
}
"""The law, its best prediction, and whether rounding up is better."""


@N28.check("no threshold is right")
@N28.twin("not at 1/2", wrong={"kept": (two_alone(HALF), (1, 1, HALF), False)})
def thresholds_are_wrong(
    *, wrong: dict[str, tuple[Truths, Soft, bool]] = WRONG
) -> Evidence:
    """The same x = 21/50 is to be kept or cut off, as the law is.

    For each law the prediction is the best of all, and the better rounding is as
    stated, by 1e-6 or more.
    """
    found = []
    for which, (law, predicted, up) in wrong.items():
        found.append(room_above(law, expected_index(predicted, law, dice_index)))
        low, high = (
            expected_index([rounding(p) for p in predicted], law, dice_index)
            for rounding in (math.floor, math.ceil)
        )
        better = (high - low if up else low - high) - TIGHTER
        found.append(Evidence(better, 0.0, 1, "enumeration", {"which": which}))
    return worst_of(found)
