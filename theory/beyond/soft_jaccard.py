"""N29, N30: soft predictions that are best for the expected Jaccard, as masks."""

import itertools
from collections.abc import Sequence
from fractions import Fraction

from jaxseg.counts import SoftCounts, dice_index, jaccard_index
from theory.beyond import SOURCE
from theory.beyond.expected_overlap import UNCERTAIN, Truths, expected_index, scores
from theory.claim import Claim, Evidence, Verdict
from theory.engines import examples
from theory.engines.enumeration import for_all, for_each
from theory.ma.lovasz import extension

HALF = Fraction(1, 2)

# N29

N29 = Claim(
    id="N29",
    source=SOURCE,
    where="on Eelbode 2020, Eq. (13); left open in arXiv:2510.15362, Section 1",
    statement=(
        "A prediction of largest expected soft Jaccard (L1) becomes a mask of largest "
        "expected Jaccard at every threshold, for every law of the truth, however its "
        "pixels depend on each other."
    ),
    assumes=(
        "J of two empty masks is 1. The soft Jaccard is <p, y> / |p + y - p y|_1. For "
        "Dice it is not so (N28), for the Lovasz loss neither (N30). So whose truths "
        "are uncertain in ways that tie pixels together should train on soft Jaccard."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "In one pixel's p_i a truth with y_i = 1 has J = (a + p_i) / u with u free of "
        "p_i: linear; one with y_i = 0 has a / (u + p_i): convex. So E J is convex in "
        "each coordinate. Where a largest value is at 0 < p_i < 1, E J is constant in "
        "p_i, which may be set to 0 or 1 at will; then the next. (An empty p has J = "
        "1 at an empty truth, more than the limit: no harm.) Dice has 2 (a + p_i) / "
        "(v + p_i), concave."
    ),
    values={
        # truths (0,1,1), (1,0,0), (1,1,0) with 4/6, 1/6, 1/6: p = (x, 1, 1)
        "jaccard_at_0": 4 / 6 + 1 / 3 / 6,
        "jaccard_at_1/2": (4 / 2.5 + 0.5 / 3 + 1.5 / 3) / 6,
        "jaccard_at_1": (4 * 2 / 3 + 1 / 3 + 2 / 3) / 6,
    },
)


@N29.check("convex in a pixel")
@N29.twin("Dice is", index=dice_index)
@for_each(
    lambda: itertools.product(
        range(4), range(4), range(3), (0, 1), itertools.combinations(range(5), 3)
    )
)
def convex_in_a_pixel(
    hits: int,
    missed: int,
    false: int,
    holds: int,
    places: Sequence[int],
    *,
    index=jaccard_index,
) -> Fraction:
    """Three values of p_i in quarters: the middle one is on or below the chord."""

    def at(quarter: int) -> Fraction:
        x = Fraction(quarter, 4)
        tp, fn, fp = (
            hits + holds * x,
            missed + holds * (1 - x),
            false + (1 - holds) * x,
        )
        return Fraction(index(SoftCounts.of_sets(tp, fp, fn, Fraction(12))))

    low, middle, high = places
    share = Fraction(high - middle, high - low)
    return share * at(low) + (1 - share) * at(high) - at(middle)


@N29.check("every threshold")
@N29.twin("for Dice", index=dice_index)
@for_each(
    lambda: itertools.product(
        range(len(UNCERTAIN)), itertools.product(range(5), repeat=3)
    )
)
def thresholds_are_best(
    law: int, quarters: Sequence[int], *, index=jaccard_index
) -> Fraction:
    """No p in quarters beats the best mask; of one as good each cut is as good."""
    truths = UNCERTAIN[law]
    predicted = [Fraction(q, 4) for q in quarters]
    masks = scores(truths, index)
    room = max(masks.values()) - expected_index(predicted, truths, index)
    if room:
        return room
    levels = {t for t in (*predicted, Fraction(0)) if t < 1}
    cuts = [tuple(int(p > t) for p in predicted) for t in levels]
    return min(masks[cut] for cut in cuts) - max(masks.values())


# N30

N30 = Claim(
    id="N30",
    source=SOURCE,
    where="on Eelbode 2020, II-A, and Ma 2021, Eqs. (11)-(13)",
    statement=(
        "QUESTION. Has the prediction of least expected Lovasz loss, cut to a mask, "
        "the largest expected Jaccard?"
    ),
    assumes="The Lovasz extension of the Jaccard loss in p, as for softmax outputs.",
    verdict=Verdict.FAILS,
    counterexample=(
        "Three pixels, just one of them foreground, with 45, 40 and 15 percent: the "
        "least is at (1/2, 1/2, 1/2) and nowhere else. All errors are 1/2 there, so "
        "the loss is 1/2, at every truth. The best mask, the first pixel, has the loss "
        "55/100. Cut off, the three halves have no overlap at all; kept, J = 1/3; the "
        "first pixel has 45/100."
    ),
    correction=(
        "With soft Jaccard in its place it has (N29). The most that is lost is at "
        "least 1/2 - e for every e > 0: two pixels with 1/2 - e each, a third with 2 e."
    ),
    proof=(
        "The risk is convex, and linear on each cone from (1/2, 1/2, 1/2) in which the "
        "order of the errors is fixed: cones of the planes d_i = d_j and d_i = -d_j. "
        "Their rays are among the 26 directions in {-1, 0, 1}^3; as the risk rises in "
        "all of them, the point is the only minimum."
    ),
    values={
        "risk_at_halves": 0.5,
        "risk_of_best_mask": 0.55,
        "jaccard_of_best_mask": 0.45,
        "jaccard_of_halves_kept": 1 / 3,
    },
)


def one_of_three(*weights: Fraction) -> Truths:
    """Just one pixel is foreground, each with its weight."""
    places = range(len(weights))
    return {tuple(int(i == k) for i in places): w for k, w in enumerate(weights)}


def lovasz_risk(predicted: Sequence[int | Fraction], truths: Truths) -> Fraction:
    """Expected Lovasz extension of the Jaccard loss, exact."""
    return sum(
        (
            weight
            * extension(
                [abs(Fraction(p) - t) for p, t in zip(predicted, y, strict=True)], y
            )
            for y, weight in truths.items()
        ),
        Fraction(0),
    )


LAWS = tuple(
    one_of_three(*(Fraction(w, 100) for w in weights))
    for weights in ((45, 40, 15), (34, 33, 33), (49, 49, 2))
)


@N30.check("least at the halves alone")
@N30.twin("at a mask", at=(1, 0, 0))
@for_each(
    lambda: itertools.product(
        range(len(LAWS)), [d for d in itertools.product((-1, 0, 1), repeat=3) if any(d)]
    )
)
def least_at_halves(
    law: int, direction: Sequence[int], *, at: Sequence[Fraction] = (HALF,) * 3
) -> Fraction:
    """From (1/2, 1/2, 1/2) the risk rises in all directions that could be rays."""
    step = [HALF + Fraction(d, 4) for d in direction]
    gain = lovasz_risk(step, LAWS[law]) - lovasz_risk(at, LAWS[law])
    return gain - Fraction(1, 10**3)


@N30.check("by hand")
@N30.twin("the halves kept are best", kept=Fraction(45, 100))
def halves_by_hand(*, kept: Fraction = Fraction(1, 3)) -> Evidence:
    """45, 40 and 15 percent: risk 1/2 and 55/100; J = 0, 1/3 and 45/100."""
    law = LAWS[0]
    masks = scores(law, jaccard_index)
    found = {
        "risk at halves": lovasz_risk((HALF,) * 3, law),
        "risk of the first": lovasz_risk((1, 0, 0), law),
        "none": masks[0, 0, 0],
        "all": masks[1, 1, 1],
        "first": masks[1, 0, 0],
        "best": max(masks.values()),
    }
    hand = {
        "risk at halves": HALF,
        "risk of the first": Fraction(55, 100),
        "none": Fraction(0),
        "all": kept,
        "first": Fraction(45, 100),
        "best": Fraction(45, 100),
    }
    return examples.agree(found, hand)


@N30.check("nearly 1/2 is lost")
@N30.twin("1/2 is", short=0)
@for_all(power=range(2, 12))
def nearly_half_lost(power: int, *, short: int = 1) -> Fraction:
    """1/2 - e, 1/2 - e and 2 e: least at the halves; cut off they lose 1/2 - e."""
    small = Fraction(1, 10**power)
    law = one_of_three(HALF - small, HALF - small, 2 * small)
    risk = lovasz_risk((HALF,) * 3, law)
    rises = [
        lovasz_risk([HALF + Fraction(d, 4) for d in direction], law) - risk
        for direction in itertools.product((-1, 0, 1), repeat=3)
        if any(direction)
    ]
    masks = scores(law, jaccard_index)
    lost = max(masks.values()) - masks[0, 0, 0]
    return min(-abs(lost - (HALF - short * small)), min(rises) - small / 100)
