"""E13, E14: submodularity of the Jaccard and Dice losses in the mispredicted set."""

from collections.abc import Callable
from fractions import Fraction

from jaxseg import counts
from jaxseg.counts import SoftCounts
from theory.claim import Claim, Evidence, Verdict
from theory.eelbode import SOURCE
from theory.engines import enumeration
from theory.engines.submodular import diamonds

E13 = Claim(
    id="E13",
    source=SOURCE,
    where="II-A, after Eq. (13), citing its [22, Prop. 11]",
    statement="The Jaccard loss is submodular.",
    assumes=(
        "For a fixed y, as a function of the set of wrong pixels, which is what the "
        "Lovasz extension takes; the paper does not say so. J = 1 for two empty masks."
    ),
    verdict=Verdict.HOLDS,
    readings={
        "In the set of wrong pixels, y fixed": "Holds for every y, empty ones too.",
        "In the predicted set, y fixed": (
            "Fails as soon as y is not empty: y = {1}, two pixels. The losses of {}, "
            "{1}, {2}, {1, 2} are 1, 0, 1, 1/2, and 0 + 1 < 1 + 1/2."
        ),
    },
    proof=(
        "With a pixels of y and b others wrong, f = (a + b) / (|y| + b). A further "
        "pixel of y adds 1 / (|y| + b), which does not depend on a and falls with b; a "
        "further other pixel adds (|y| - a) / ((|y| + b) (|y| + b + 1)), which falls "
        "with b and with a. For empty y, f = 1 for every non-empty set."
    ),
    values={
        "excess_of_two_missed_pixels": 0.0,
        "excess_of_one_missed_one_false_at_y_1": 0.5,
        "excess_in_predicted_sets_at_y_1": -0.5,
    },
)

Index = Callable[[SoftCounts], Fraction]
Case = tuple[Fraction, int, int, int, int, str]

TIGHTER = Fraction(1, 10**6)


def jaccard(masks: SoftCounts) -> Fraction:
    """J, exact."""
    return Fraction(counts.jaccard_index(masks))


def dice(masks: SoftCounts) -> Fraction:
    """D, exact."""
    return Fraction(counts.dice_index(masks))


def loss_of_mistakes(index: Index, actual: int) -> Callable[[int, int], Fraction]:
    """1 - index as a function of how many pixels of y and of the rest are wrong."""

    def loss(missed: int, false: int) -> Fraction:
        return 1 - index(enumeration.exact_counts(actual - missed, false, missed, 99))

    return loss


def loss_of_predicted(index: Index, actual: int) -> Callable[[int, int], Fraction]:
    """1 - index as a function of how many pixels of y and of the rest are predicted."""

    def loss(hits: int, false: int) -> Fraction:
        return 1 - index(enumeration.exact_counts(hits, false, actual - hits, 99))

    return loss


@E13.check("wrong pixels")
@E13.twin("predicted pixels", of=loss_of_predicted)
@E13.twin("Dice for Jaccard", index=dice)
@E13.twin("strictly", less=TIGHTER)
def least_excess(
    *,
    index: Index = jaccard,
    of: Callable = loss_of_mistakes,
    sizes: tuple[int, ...] = tuple(range(7)),
    others: int = 6,
    less: Fraction = Fraction(0),
) -> Evidence:
    """Least f(A + x) + f(A + y) - f(A) - f(A + x + y), complete for masks this large.

    Args:
      index: whose loss f is.
      of: which set f is a function of.
      sizes: of the true mask y.
      others: pixels outside of y.
      less: taken off the excess.
    """
    cases = [
        (diamond, actual)
        for actual in sizes
        for diamond in diamonds(of(index, actual), actual, others)
    ]
    return enumeration.worst_case(
        cases,
        lambda case: case[0].excess - less,
        describe=lambda case: {"actual": case[1], **case[0]._asdict()},
    )


# E14, Dice

E14 = Claim(
    id="E14",
    source=SOURCE,
    where="II-A, after Eq. (13), citing its [23, Prop. 6]",
    statement="The Dice loss is not submodular.",
    assumes=(
        "For a fixed y with at least two pixels, in the set of wrong pixels. For |y| "
        "<= 1 the Dice loss is submodular (N02)."
    ),
    verdict=Verdict.HOLDS,
    readings={
        "In the set of wrong pixels": (
            "Holds, that is submodularity fails, for every y of two pixels or more."
        ),
        "In the predicted set": "Holds for every non-empty y.",
    },
    proof=(
        "With a pixels of y missed and nothing else wrong, f = a / (2 |y| - a), which "
        "is convex: the second missed pixel costs more than the first. y of two "
        "pixels: f = 0, 1/3, 1, and 1/3 + 1/3 < 0 + 1. In the predicted set with y = "
        "{1} and two pixels: {}, {1}, {2}, {1, 2} cost 1, 0, 1, 1/3."
    ),
    values={
        "excess_of_two_missed_pixels_at_y_2": 2 / 3 - 1,
        "excess_in_predicted_sets_at_y_1": 1 - 4 / 3,
    },
)


@E14.check("refuted for each size")
@E14.twin("with one true pixel", sizes=(1,))
def diamonds_refute_dice(
    *, sizes: tuple[int, ...] = (2, 3, 4, 5, 6), of: Callable = loss_of_mistakes
) -> Evidence:
    """For each size of y some diamond of the Dice loss has a negative excess."""

    def slack(actual: int) -> Fraction:
        found = diamonds(of(dice, actual), actual, 6)
        return -min(diamond.excess for diamond in found) - TIGHTER

    return enumeration.worst_case(sizes, slack, describe=lambda k: {"actual": k})


@E14.check("smallest case")
@E14.twin("half missed costs 1/2", middle=Fraction(1, 2))
def smallest_case(*, middle: Fraction = Fraction(1, 3)) -> Evidence:
    """Two true pixels: none, one, two missed cost 0, 1/3, 1."""
    loss = loss_of_mistakes(dice, 2)
    hand = (Fraction(0), middle, Fraction(1))
    gaps = [abs(loss(missed, 0) - value) for missed, value in enumerate(hand)]
    witness = {"losses": [loss(missed, 0) for missed in range(3)]}
    return Evidence(-max(gaps), 0.0, 3, "enumeration", witness)


@E14.check("predicted set")
@E14.twin("of an empty y", sizes=(0,))
def predictions_refute_dice(*, sizes: tuple[int, ...] = (1, 2, 3, 4, 5, 6)) -> Evidence:
    """The same in the predicted set, where one true pixel is enough."""
    return diamonds_refute_dice(sizes=sizes, of=loss_of_predicted)
