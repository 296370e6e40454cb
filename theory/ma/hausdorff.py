"""M26, M29, M30: the Hausdorff loss, and three losses as weights of the mismatch."""

import functools
import itertools
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from theory.claim import Claim, Evidence, Verdict, worst_of
from theory.engines import enumeration, examples, grids
from theory.engines.grids import Mask
from theory.ma import SOURCE, library_maps

M26 = Claim(
    id="M26",
    source=SOURCE,
    where="Section 2.3.2, Eq. (21)",
    statement=(
        "L_HD = (1/N) sum_c sum_i (s - g) o (d_G^2 + d_S^2); the network can be "
        "trained with it to reduce the Hausdorff distance."
    ),
    assumes=(
        "d is the distance to the boundary on either side of it; neither mask is empty "
        "or full. For a soft s, d_S is of the mask where s > 1/2, without slope."
    ),
    verdict=Verdict.CORRECTED,
    correction=(
        "L_HD = (1/N) sum (s - g)^2 o (d_G^2 + d_S^2), as in the cited work: at least "
        "0, and 0 at s = g alone. As printed a missed pixel has a negative term, so "
        "that missing pays: the truth is no minimiser."
    ),
    counterexample=(
        "Six pixels, G the second and third, S the second. The third is missed and has "
        "d_G = d_S = 1: as printed L = -(1 + 1) / 6 = -1/3 < 0 = L at S = G."
    ),
    proof="Every term of the corrected sum is positive where s and g differ, as d > 0.",
    values={"one_missed_of_two_printed": -1 / 3, "one_missed_of_two_squared": 1 / 3},
)

LINE = grids.pixels(6)
Loss = Callable[[Mask, Mask], Fraction]  # of truth and prediction


@functools.cache
def _distances(mask: Mask) -> Mapping[Any, Fraction]:
    return grids.boundary_distances(mask, LINE)


def weigh_mismatch(truth: Mask, found: Mask, *, power: int, signed: bool) -> Fraction:
    """(1/N) sum of the mismatch times d_G^power + d_S^power; `signed` keeps s - g."""
    total = Fraction(0)
    for p in truth ^ found:
        weight = _distances(truth)[p] ** power + _distances(found)[p] ** power
        total += -weight if signed and p in truth else weight
    return total / len(LINE)


def printed(truth: Mask, found: Mask) -> Fraction:
    """Eq. (21) of hard masks: s - g as it stands."""
    return weigh_mismatch(truth, found, power=2, signed=True)


def squared(truth: Mask, found: Mask) -> Fraction:
    """The corrected (21): (s - g)^2, for hard masks the mismatch."""
    return weigh_mismatch(truth, found, power=2, signed=False)


def loss_of_section_2_6(truth: Mask, found: Mask) -> Fraction:
    """Section 2.6: the mismatch times D_G + D_S."""
    return weigh_mismatch(truth, found, power=1, signed=False)


def dice(truth: Mask, found: Mask) -> Fraction:
    """|Delta M| / (|G| + |S|)."""
    return Fraction(len(truth ^ found), len(truth) + len(found))


def boundary(truth: Mask, found: Mask) -> Fraction:
    """Sum of D_G over the mismatch: the boundary loss less its least value."""
    return sum((_distances(truth)[p] for p in truth ^ found), Fraction(0))


def _pairs():
    """All pairs of masks that have a boundary."""
    some = [mask for mask in grids.masks(6) if 0 < len(mask) < 6]
    return itertools.product(some, some)


def _named(pair: tuple[Mask, Mask]) -> dict[str, Any]:
    return grids.sketch_witness(LINE, truth=pair[0], prediction=pair[1])


@M26.check("least at the truth")
@M26.twin("as printed", loss=printed)
def truth_is_least(*, loss: Loss = squared) -> Evidence:
    """The loss is 0 at S = G and positive elsewhere."""

    def slack(pair: tuple[Mask, Mask]) -> Fraction:
        value = loss(*pair)
        return -abs(value) if pair[0] == pair[1] else value - Fraction(1, 10**6)

    return enumeration.worst_case(_pairs(), slack, describe=_named)


@M26.check("by hand")
@M26.twin("positive", value=Fraction(1, 3))
def missed_by_hand(*, value: Fraction = Fraction(-1, 3)) -> Evidence:
    """Six pixels, G the second and third, S the second: one missed pixel, d = 1, 1."""
    truth, found = frozenset([(1,), (2,)]), frozenset([(1,)])
    numbers = {"printed": printed(truth, found), "squared": squared(truth, found)}
    return examples.agree(numbers, {"printed": value, "squared": Fraction(1, 3)})


M26.check("library")(library_maps.hausdorff_is_weighed)
M26.twin("errors without squares", error=1)(library_maps.hausdorff_is_weighed)

M29 = Claim(
    id="M29",
    source=SOURCE,
    where="Section 2.6, third item",
    statement="L_HD is approximately (1/|Omega|) sum Delta M o (D_G + D_S).",
    assumes=(
        "Hard masks with a boundary; L_HD of (21) with (s - g)^2, see M26; D is the "
        "distance map, as in (19) and as d in (21)."
    ),
    verdict=Verdict.CORRECTED,
    correction=(
        "L_HD = (1/|Omega|) sum Delta M o (D_G^2 + D_S^2), exactly. Without the "
        "squares the two agree only where all distances in the mismatch are 1; "
        "elsewhere their ratio, a mean of those distances, has no bound."
    ),
    counterexample=(
        "Six pixels, G the first, S the first and the last: (5^2 + 1^2) / 6 = 13/3 "
        "against (5 + 1) / 6 = 1."
    ),
    proof="For hard masks (s - g)^2 is the indicator of Delta M.",
    values={
        "one_far_pixel_with_squares": 26 / 6,
        "one_far_pixel_without": 1.0,
    },
)


@M29.check("exact")
@M29.twin("without squares", form=loss_of_section_2_6)
def mismatch_form(*, form: Loss = squared) -> Evidence:
    """Sum of the soft formula at hard masks, term by term, equals the mismatch form."""

    def direct(truth: Mask, found: Mask) -> Fraction:
        total = Fraction(0)
        for p in LINE:
            error = Fraction(int(p in found) - int(p in truth)) ** 2
            total += error * (_distances(truth)[p] ** 2 + _distances(found)[p] ** 2)
        return total / len(LINE)

    def slack(pair: tuple[Mask, Mask]) -> Fraction:
        return -abs(direct(*pair) - form(*pair))

    return enumeration.worst_case(_pairs(), slack, describe=_named)


@M29.check("by hand")
@M29.twin("with squares", second=squared)
def order_differs(*, second: Loss = loss_of_section_2_6) -> Evidence:
    """With and without squares the losses even rank predictions differently."""
    truth = frozenset([(0,)])
    one_far = frozenset([(0,), (5,)])  # one false pixel, d_G = 5, d_S = 1
    three_near = frozenset([(0,), (1,), (2,), (3,), (4,)])
    numbers = {
        "squares: far less near": squared(truth, one_far) - squared(truth, three_near),
        "without: far less near": second(truth, one_far) - second(truth, three_near),
    }
    hand = {
        # (25 + 1) - (1 + 16 + 4 + 9 + 9 + 4 + 16 + 1)
        "squares: far less near": Fraction(26 - 60, 6),
        # (5 + 1) - (1 + 4 + 2 + 3 + 3 + 2 + 4 + 1)
        "without: far less near": Fraction(6 - 20, 6),
    }
    return examples.agree(numbers, hand)


M29.check("library, first power")(library_maps.first_power)
M29.twin("library, squares", power=2)(library_maps.first_power)


# M30

M30 = Claim(
    id="M30",
    source=SOURCE,
    where="Section 2.6, after the items",
    statement=(
        "The Dice, boundary and Hausdorff losses can all be used to minimise the "
        "mismatched region Delta M; they weigh it differently."
    ),
    assumes=(
        "One class, hard masks, neither empty nor full where distances are needed; "
        "distances are positive everywhere."
    ),
    verdict=Verdict.DEPENDS,
    readings={
        "smallest where Delta M is empty, and there alone": (
            "Holds for the Dice loss, for the boundary loss less its constant (M28) "
            "and for the Hausdorff loss with (s - g)^2; fails for (21) as printed, M26."
        ),
        "every pixel that is set right lowers the loss": (
            "Holds for the boundary loss, and for the Dice loss once TP > 0 (before, "
            "removing a false pixel leaves it at 1); fails for the Hausdorff loss, "
            "whose weights D_S change with S."
        ),
    },
    counterexample=(
        "Six pixels, G the last two, S the first and the fourth: N L_HD = 29. Without "
        "the false fourth pixel, 63: the missed ones are now farther from S."
    ),
    proof=(
        "Dice: (m - 1) / (t - 1) <= m / t for a false pixel less, as m <= t, and (m - "
        "1) / (t + 1) < m / t for a missed one less. Boundary: the term D_G of the "
        "pixel goes. Hausdorff: enumeration."
    ),
    values={"loss_before_repair": 29 / 6, "loss_after_repair": 63 / 6},
)


@M30.check("least at the truth")
@M30.twin("Hausdorff as printed", losses=(dice, printed))
def losses_are_least_at_truth(
    *, losses: tuple[Loss, ...] = (dice, boundary, squared, loss_of_section_2_6)
) -> Evidence:
    """Each loss is 0 where the mismatch is empty, and positive elsewhere."""
    return worst_of(truth_is_least(loss=loss) for loss in losses)


@M30.check("repairs")
@M30.twin("repairs under Hausdorff", losses=(squared,))
def repair_never_hurts(*, losses: tuple[Loss, ...] = (dice, boundary)) -> Evidence:
    """Setting one mismatched pixel right never raises the loss."""

    def slack(case: tuple[tuple[Mask, Mask], Any, Loss]) -> Fraction:
        (truth, found), pixel, loss = case
        return loss(truth, found) - loss(truth, found ^ {pixel})

    cases = (
        ((truth, found), pixel, loss)
        for truth, found in _pairs()
        for pixel in sorted(truth ^ found)
        if 0 < len(found ^ {pixel}) < 6
        for loss in losses
    )
    return enumeration.worst_case(
        cases, slack, describe=lambda c: {**_named(c[0]), "repaired": c[1]}
    )


@M30.check("a repair that hurts")
@M30.twin("no harm", after=Fraction(29, 6))
def repair_by_hand(*, after: Fraction = Fraction(63, 6)) -> Evidence:
    """G the last two of six, S the first and the fourth: then without the fourth.

    Before: pixels 0, 3, 4, 5 differ; after: 0, 4, 5, farther from what is left of S.
    """
    truth = frozenset([(4,), (5,)])
    before, repaired = frozenset([(0,), (3,)]), frozenset([(0,)])
    numbers = {
        "before": squared(truth, before),
        "after": squared(truth, repaired),
    }
    # before: (16 + 1) + (1 + 1) + (1 + 1) + (4 + 4) = 29
    # after: (16 + 1) + (1 + 16) + (4 + 25) = 63
    hand = {"before": Fraction(29, 6), "after": after}
    return examples.agree(numbers, hand)


M30.check("library")(library_maps.repairs)
M30.twin("library, repairs under Hausdorff", losses=(library_maps.hausdorff_loss,))(
    library_maps.repairs
)
