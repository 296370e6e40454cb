"""M06: cross-entropy weighed by distance maps."""

import itertools
from collections.abc import Callable, Sequence
from fractions import Fraction

from theory.claim import Claim, Evidence, Verdict
from theory.engines import enumeration, grids
from theory.engines.grids import Mask, Pixel
from theory.ma import SOURCE, library_maps

M06 = Claim(
    id="M06",
    source=SOURCE,
    where="Section 2.1.4, Eq. (6)",
    statement=(
        "L_DPCE = -(1/N) sum_c (1 + D^c) o sum_i g_i^c log s_i^c, with D^c the inverse "
        "of the distance transform of the ground truth, assigns larger weights to the "
        "pixels on the boundary."
    ),
    assumes=(
        "Distance of a pixel of class c to the nearest pixel of another class, unit "
        "spacing; D^c counts at pixels of class c alone, as elsewhere g_i^c = 0 (where "
        "the transform is 0 and its inverse 1/0). An image of one class has no "
        "boundary and D = 0."
    ),
    verdict=Verdict.CORRECTED,
    correction=(
        "L_DPCE = -(1/N) sum_i sum_c (1 + D_i^c) g_i^c log s_i^c. As printed a map is "
        "multiplied by a number, the sum over pixels, and the result is a map. Its "
        "mean or sum is cross-entropy with one weight per class, which grows with the "
        "class, and gives pixels on the boundary no larger weight than others."
    ),
    counterexample=(
        "Seven pixels, class 1 at the first six, one wrong pixel of class 1 with cost "
        "1. As printed the cost is the same wherever it is: (6 + 1 + 1/2 + ... + 1/6) "
        "/ 7. Corrected it is 2/7 at the boundary and (7/6)/7 at the far end."
    ),
    proof=(
        "With 1 + D_i inside the sum over i, a pixel's term has the factor 1 + 1 / "
        "d_i, 2 at d_i = 1 and falling to 1 with the distance. As printed the factor "
        "multiplies a sum from which the pixel cannot be told any more."
    ),
    values=lambda: {
        "weight_at_the_boundary": 2.0,
        "weight_at_distance_4": 1.25,
        "printed_cost_of_one_of_six": float(
            printed_loss(frozenset(LINE[:6]), [Fraction(1), *[Fraction(0)] * 6])
        ),
        "corrected_cost_at_distance_6": float(
            pixel_by_pixel(frozenset(LINE[:6]), [Fraction(1), *[Fraction(0)] * 6])
        ),
    },
)

LINE = grids.pixels(7)

Costs = Sequence[Fraction]  # -log2 of the probability of each pixel's own class


def penalties(mask: Mask, grid: list[Pixel]) -> dict[Pixel, Fraction]:
    """D at each pixel of its own class: the inverse distance to the other class.

    0 where the image has one class: no boundary, no penalty.
    """
    distances = grids.boundary_distances(mask, grid)
    return {p: 1 / distances[p] if distances else Fraction(0) for p in grid}


def pixel_by_pixel(mask: Mask, costs: Costs) -> Fraction:
    """(1 / N) sum_i (1 + D_i) cost_i: the map inside the sum over pixels."""
    weights = penalties(mask, LINE)
    total = sum((1 + weights[p]) * c for p, c in zip(LINE, costs, strict=True))
    return Fraction(total) / len(LINE)


def printed_loss(mask: Mask, costs: Costs) -> Fraction:
    """Eq. (6) to the letter: a map times the finished sum; then its mean over pixels.

    Each class has its own map, with weight at its own pixels alone.
    """
    weights = penalties(mask, LINE)
    total = Fraction(0)
    for is_class in (lambda p: p in mask, lambda p: p not in mask):
        inside = [p for p in LINE if is_class(p)]
        cost = sum(c for p, c in zip(LINE, costs, strict=True) if is_class(p))
        total += Fraction(sum(1 + weights[p] for p in inside)) * cost / len(LINE)
    return total


def _masks():
    return (mask for mask in grids.masks(7) if 0 < len(mask) < 7)


@M06.check("boundary first")
@M06.twin("as printed", loss=printed_loss)
def boundary_first(
    *, loss: Callable[[Mask, Costs], Fraction] = pixel_by_pixel
) -> Evidence:
    """One wrong pixel costs more the nearer it is to the boundary of its class."""

    def slack(case: tuple[Mask, tuple[Pixel, Pixel]]) -> Fraction:
        mask, (near, far) = case
        distances = grids.boundary_distances(mask, LINE)
        if (near in mask) != (far in mask) or distances[near] >= distances[far]:
            return Fraction(1)

        def of_wrong(pixel: Pixel) -> Fraction:
            return loss(mask, [Fraction(p == pixel) for p in LINE])

        return of_wrong(near) - of_wrong(far) - Fraction(1, 10**6)

    return enumeration.worst_case(
        itertools.product(_masks(), itertools.permutations(LINE, 2)),
        slack,
        describe=lambda case: {
            **grids.sketch_witness(LINE, truth=case[0]),
            "near": case[1][0],
            "far": case[1][1],
        },
    )


@M06.check("weights")
@M06.twin("at most 3", most=3)
def weights_bounded(*, most: int = 2) -> Evidence:
    """1 < 1 + D <= 2 on a grid of unit spacing, 2 exactly at the boundary pixels."""

    def slack(mask: Mask) -> Fraction:
        squares = grids.boundary_squares(mask, LINE)
        weights = {p: 1 + d for p, d in penalties(mask, LINE).items()}
        at_edge = [most - weights[p] for p in LINE if squares[p] == 1]
        return min(
            min(weights.values()) - 1,
            most - max(weights.values()),
            -max(map(abs, at_edge)),
        )

    return enumeration.worst_case(
        _masks(), slack, describe=lambda mask: grids.sketch_witness(LINE, truth=mask)
    )


@M06.check("losses")
@M06.twin("as printed, losses", loss=printed_loss)
def library_is_the_correction(
    *, loss: Callable[[Mask, Costs], Fraction] = pixel_by_pixel
) -> Evidence:
    """The library's loss with D = 1 / d is the corrected formula, on all masks."""
    return library_maps.distance_weighted(loss)
