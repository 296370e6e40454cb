"""M34: the Dice coefficient and the normalised surface distance as scores."""

import itertools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from jaxseg import counts
from theory.claim import Claim, Evidence, Verdict
from theory.engines import enumeration, examples, grids
from theory.engines.grids import Mask
from theory.ma import SOURCE

M34 = Claim(
    id="M34",
    source=SOURCE,
    where="Section 3.3",
    statement=(
        "DSC = 2 |G and S| / (|G| + |S|); NSD = (|dG in B_dS| + |dS in B_dG|) / (|dG| "
        "+ |dS|) with B the points within the tolerance tau of a boundary."
    ),
    assumes=(
        "Boundaries are finite sets of points, not both empty (0/0); released code "
        "weighs them by the area of surface they stand for. If one alone is empty NSD "
        "is 0."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "Definitions; what they imply: NSD is in [0, 1], symmetric and grows with tau, "
        "is the Dice coefficient of the boundaries at tau = 0, and 1 if and only if "
        "tau is at least the Hausdorff distance of the boundaries. It is 1 for masks "
        "that differ, as soon as tau > 0, where DSC is not."
    ),
    values={"dsc_of_shifted_line": 2 / 3, "nsd_of_shifted_line_at_1": 1.0},
)

GRID = grids.pixels(2, 3)
TOLERANCES = (0, 1, 2, 5)  # squared, all distances of the grid
Score = Callable[[Mask, Mask, int], Fraction]


def near(points: Mask, others: Mask, square: int) -> int:
    """How many points are within the root of `square` of some of the others."""
    return sum(any(grids.squared(p, q) <= square for q in others) for p in points)


def surface_distance(first: Mask, second: Mask, square: int) -> Fraction:
    """NSD of two sets of boundary points at the tolerance root(`square`)."""
    close = near(first, second, square) + near(second, first, square)
    return Fraction(close, len(first) + len(second))


def strictly_within(first: Mask, second: Mask, square: int) -> Fraction:
    """False: < for <= in the border region."""
    return surface_distance(first, second, square - 1)


def nsd_of_union(first: Mask, second: Mask, square: int) -> Fraction:
    """False: the points of the union below."""
    close = near(first, second, square) + near(second, first, square)
    return Fraction(close, len(first | second))


def farthest(first: Mask, second: Mask) -> int:
    """Squared Hausdorff distance."""
    return max(
        min(grids.squared(p, q) for q in other)
        for here, other in ((first, second), (second, first))
        for p in here
    )


def _pairs():
    some = [mask for mask in grids.masks(2, 3) if mask]
    return itertools.product(some, some)


def _named(pair: tuple[Mask, Mask]) -> dict[str, Any]:
    return grids.sketch_witness(GRID, first=pair[0], second=pair[1])


@M34.check("properties")
@M34.twin("< tau", score=strictly_within)
def properties(*, score: Score = surface_distance) -> Evidence:
    """In [0, 1], symmetric, growing with tau, 1 iff tau is at least Hausdorff's."""

    def slack(pair: tuple[Mask, Mask]) -> Fraction:
        values = [score(pair[0], pair[1], square) for square in TOLERANCES]
        back = [score(pair[1], pair[0], square) for square in TOLERANCES]
        rises = [b - a for a, b in itertools.pairwise(values)]
        reached = [
            Fraction(0 if (value == 1) == (farthest(*pair) <= square) else -1)
            for square, value in zip(TOLERANCES, values, strict=True)
        ]
        differs = max(abs(a - b) for a, b in zip(values, back, strict=True))
        return min(min(values), 1 - max(values), *rises, *reached, -differs)

    return enumeration.worst_case(_pairs(), slack, describe=_named)


@M34.check("tolerance 0")
@M34.twin("union below", score=nsd_of_union)
def dice_of_boundaries(*, score: Score = surface_distance) -> Evidence:
    """At tolerance 0 it is the Dice coefficient of the two boundaries."""

    def slack(pair: tuple[Mask, Mask]) -> Fraction:
        first, second = pair
        common = len(first & second)
        masks = enumeration.exact_counts(
            common, len(first) - common, len(second) - common, len(GRID)
        )
        return -abs(score(first, second, 0) - Fraction(counts.dice_index(masks)))

    return enumeration.worst_case(_pairs(), slack, describe=_named)


@M34.check("by hand")
@M34.twin("NSD 0 at 1", nsd=Fraction(0))
def shifted_line(*, nsd: Fraction = Fraction(1)) -> Evidence:
    """A line of three pixels shifted along itself by one: DSC 2/3, NSD 1 at tau = 1.

    The boundary of a line three pixels thin is its two ends: 0 and 2, 1 and 3.
    """
    first, second = frozenset([(0,), (2,)]), frozenset([(1,), (3,)])
    masks = enumeration.exact_counts(2, 1, 1, 4)
    found = {
        "DSC": Fraction(counts.dice_index(masks)),
        "NSD at 0": surface_distance(first, second, 0),
        "NSD at 1": surface_distance(first, second, 1),
    }
    hand = {"DSC": Fraction(2, 3), "NSD at 0": Fraction(0), "NSD at 1": nsd}
    return examples.agree(found, hand)
