"""E09-E12: soft losses, and which of them are the set functions on binary masks."""

import functools
import math
from collections.abc import Sequence
from fractions import Fraction

import sympy

from jaxseg import counts, links
from jaxseg.counts import SoftCounts
from jaxseg.losses import dice_loss, jaccard_loss
from theory.claim import Claim, Evidence, Verdict
from theory.eelbode import SOURCE
from theory.engines import enumeration, masks, symbolic

E09 = Claim(
    id="E09",
    source=SOURCE,
    where="Eqs. (11), (12)",
    statement=(
        "1 - 2 |y and yt| / (|y| + |yt|) = 1 - 2 <y, yt> / (<y, y> + <yt, yt>)."
    ),
    assumes=(
        "y and yt binary, not both empty (0/0 on both sides). For yt in [0, 1]^d the "
        "right side is the definition of a loss and the left has no meaning; with sums "
        "for sizes they differ."
    ),
    verdict=Verdict.HOLDS,
    proof="b^2 = b for b in {0, 1}, so <yt, yt> = |yt|; 1/2 is not its own square.",
    values={"one_pixel_at_1/2_plain": 1 / 3, "one_pixel_at_1/2_squared": 0.2},
)

Mask = Sequence[Fraction]
Pair = tuple[Mask, Mask]

HALF = Fraction(1, 2)


def inner(first: Mask, second: Mask) -> Fraction:
    """<a, b>."""
    return sum((a * b for a, b in zip(first, second, strict=True)), Fraction(0))


def grid_pairs(pixels: int, levels: Sequence[Fraction]) -> list[Pair]:
    """All binary y with all predictions of these levels, two empty masks left out."""
    hard = [Fraction(0), Fraction(1)]

    def points(values: Sequence[Fraction]) -> list[tuple[Fraction, ...]]:
        found: list[tuple[Fraction, ...]] = [()]
        for _ in range(pixels):
            found = [(*point, value) for point in found for value in values]
        return found

    pairs = [(y, p) for y in points(hard) for p in points(levels)]
    return [(y, p) for y, p in pairs if any(y) or any(p)]


def _named(pair: Pair) -> dict[str, list[Fraction]]:
    return {"actual": list(pair[0]), "predicted": list(pair[1])}


@E09.check("binary")
@E09.twin("with pixels at 1/2", levels=(Fraction(0), HALF))
def squares_are_sizes(
    *, levels: Sequence[Fraction] = (Fraction(0), Fraction(1))
) -> Evidence:
    """(11) = (12) on predictions of these levels, with sums for sizes in (11)."""

    def slack(pair: Pair) -> Fraction:
        y, p = pair
        sets = 1 - 2 * inner(y, p) / (sum(y) + sum(p))
        products = 1 - 2 * inner(y, p) / (inner(y, y) + inner(p, p))
        return -abs(sets - products)

    return enumeration.worst_case(grid_pairs(3, levels), slack, describe=_named)


@E09.check("loss")
@E09.twin("against Jaccard", index=counts.jaccard_index)
def squared_loss(*, index=counts.dice_index) -> Evidence:
    """The library's squared Dice loss is 1 - D on all pairs of binary masks."""
    loss = functools.partial(dice_loss, squared=True, link=links.identity)
    return masks.agrees_on_all_masks(loss, lambda c: 1 - Fraction(index(c)), pixels=4)


# E10, other norms

E10 = Claim(
    id="E10",
    source=SOURCE,
    where="II-A, after Eq. (12)",
    statement="<yt, yt> = ||yt||_2^2 may be replaced with ||yt||_p^p for any L_p norm.",
    assumes=(
        "yt in [0, 1]^d. The paper adds that properties of the surrogate depend on p, "
        "without saying which."
    ),
    verdict=Verdict.DEPENDS,
    readings={
        "The result is the Dice loss on binary masks": (
            "Holds for all finite p, fails for p = infinity, where the norm of every "
            "non-empty mask is 1."
        ),
        "The result is a loss in [0, 1] whose minimum is at yt = y": (
            "Holds if and only if p <= 2. For p > 2 the loss is negative at yt = (p - "
            "1)^(-1/p) y, and smallest there: at p = 3 it is -0.058 with all true "
            "pixels at 0.794."
        ),
    },
    proof=(
        "0^p = 0 and 1^p = 1. On the pixels of y the best levels are equal, by "
        "concavity, and elsewhere 0 is best: so the index is 2c / (1 + c^p) at level "
        "c, whose slope has the sign of 1 - (p - 1) c^p. That is positive on [0, 1) "
        "for p <= 2, with 2c <= 1 + c^2 <= 1 + c^p; for p > 2 it changes at c^p = 1 / "
        "(p - 1), where the index is 2 (p - 1)^(1 - 1/p) / p > 1. At p = 2 the slope "
        "at the truth is 0 (E34)."
    ),
    values=lambda: {
        "best_level_at_p_3": best_prob(3),
        "index_at_p_3": largest_index(3),
        "index_at_p_4": largest_index(4),
        "index_at_p_100": largest_index(100),
    },
)


POWERS = tuple(map(Fraction, ("1", "5/4", "3/2", "2", "5/2", "3", "4", "10")))


def power_index(prob: float, power: float) -> float:
    """2 <y, yt> / (|y| + ||yt||_p^p) with yt = prob on y and 0 elsewhere."""
    return 2 * prob / (1 + prob**power)


def best_prob(power: float) -> float:
    """The prob in [0, 1] at which that is largest."""
    return 1.0 if power <= 2 else (power - 1) ** (-1 / power)


def largest_index(power: float) -> float:
    """Its largest value."""
    return power_index(best_prob(power), power)


@E10.check("binary masks")
@E10.twin("largest norm", largest=True)
def binary_norms(*, largest: bool = False) -> Evidence:
    """||yt||_p^p = |yt| on binary masks for finite p; with `largest`, p = infinity."""

    def slack(case: tuple[Pair, Fraction]) -> Fraction:
        (_, p), power = case
        size = max(p) if largest else sum(x**power if x else x for x in p)
        return -abs(Fraction(size) - sum(p))

    cases = [
        (pair, power)
        for pair in grid_pairs(3, (Fraction(0), Fraction(1)))
        for power in POWERS
    ]
    return enumeration.worst_case(
        cases, slack, describe=lambda c: {**_named(c[0]), "power": c[1]}
    )


@E10.check("best at the truth")
@E10.twin("any finite p", limit=math.inf)
@E10.twin("p < 2 only", limit=1.9)
def best_at_truth(*, limit: float = 2.0) -> Evidence:
    """Yt = y is best, with index 1, for p <= `limit`; for larger p it is not.

    By scanning the level of the pixels of y; on others a positive level only costs.
    """
    levels = [k / 1000 for k in range(1001)]

    def slack(power: Fraction) -> Fraction:
        above = max(power_index(level, float(power)) for level in levels) - 1
        return Fraction(-above if power <= limit else above - 1e-3)

    return enumeration.worst_case(POWERS, slack, describe=lambda p: {"power": p})


@E10.check("slope")
@E10.twin("slope with p", shift=0)
def stationary_level(*, shift: int = 1) -> Evidence:
    """The slope of 2c / (1 + c^p) has the sign of 1 - (p - 1) c^p."""
    c, p = sympy.symbols("c p", positive=True)
    index = 2 * c / (1 + c**p)
    slope = 2 * (1 - (p - shift) * c**p) / (1 + c**p) ** 2
    return symbolic.identity(sympy.diff(index, c), slope)


# E11, Jaccard

E11 = Claim(
    id="E11",
    source=SOURCE,
    where="Eq. (13) and the text after it",
    statement="The soft Jaccard loss (13) is 1 - J on binary masks.",
    assumes=(
        "Not both masks empty, where (13) is 0/0 and jaxseg's loss 0. The same is true "
        "of the other relaxation named, with squared L2 norms."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "On binary masks the L1 norms are sizes and the inner product is that of the "
        "intersection, so the denominator is the size of the union."
    ),
    values={"one_of_two_pixels_right": 0.5, "two_empty_masks": 0.0},
)


@E11.check("loss")
@E11.twin("against Dice", index=counts.dice_index)
def jaccard_on_binaries(
    *, squared: bool = False, index=counts.jaccard_index
) -> Evidence:
    """The soft Jaccard loss is 1 - J on all pairs of binary masks."""
    loss = functools.partial(jaccard_loss, squared=squared, link=links.identity)
    return masks.agrees_on_all_masks(loss, lambda c: 1 - Fraction(index(c)), pixels=4)


@E11.check("squared loss")
@E11.twin("squared, against Dice", index=counts.dice_index)
def squared_jaccard_on_binaries(*, index=counts.jaccard_index) -> Evidence:
    """So is the other relaxation, with squared norms."""
    return jaccard_on_binaries(squared=True, index=index)


@E11.check("formula")
@E11.twin("with pixels at 1/2", levels=(Fraction(0), HALF))
def printed_jaccard(
    *, levels: Sequence[Fraction] = (Fraction(0), Fraction(1))
) -> Evidence:
    """Eq. (13) is one minus |y and yt| / |y or yt| of where they are positive."""

    def slack(pair: Pair) -> Fraction:
        y, p = pair
        union = sum(a > 0 or b > 0 for a, b in zip(y, p, strict=True))
        both = sum(a > 0 and b > 0 for a, b in zip(y, p, strict=True))
        soft = inner(y, p) / (sum(y) + sum(p) - inner(y, p))
        return -abs(soft - Fraction(both, union))

    return enumeration.worst_case(grid_pairs(3, levels), slack, describe=_named)


# E12, Tversky

E12 = Claim(
    id="E12",
    source=SOURCE,
    where="Eq. (14)",
    statement="The two forms of the soft Tversky loss are equal.",
    assumes=(
        "Entries not negative, so that the L1 norm is the sum; y may be soft. Where y "
        "and yt are empty both forms are 0/0."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "<1 - y, yt> = ||yt||_1 - <y, yt> and <y, 1 - yt> = ||y||_1 - <y, yt>: the "
        "inner product is left with the factor 1 - alpha - beta."
    ),
    values={"one_pixel_at_1/2_at_0.3_0.7": 0.5 / (0.5 + 0.7 * 0.5)},
)


@E12.check("algebra")
@E12.twin("1 + alpha + beta", sign=1)
def two_forms(*, sign: int = -1) -> Evidence:
    """Both denominators of (14), for any soft y and yt, as sums over three pixels."""
    alpha, beta = sympy.symbols("alpha beta", positive=True)
    y, p = (sympy.symbols(f"{name}1:4", positive=True) for name in "yp")

    def dot(first, second):
        return sum(a * b for a, b in zip(first, second, strict=True))

    ones = (1,) * 3
    top = dot(y, p)
    rest_of = [[1 - value for value in values] for values in (y, p)]
    first = top + alpha * dot(rest_of[0], p) + beta * dot(y, rest_of[1])
    second = (
        (1 + sign * (alpha + beta)) * top + alpha * dot(ones, p) + beta * dot(ones, y)
    )
    return symbolic.identity(top / first, top / second)


@E12.check("grid")
@E12.twin("negative entries", levels=(Fraction(-1), Fraction(1)))
def forms_on_a_grid(
    *, levels: Sequence[Fraction] = (Fraction(0), Fraction(1, 3), Fraction(1))
) -> Evidence:
    """Both forms with ||.||_1 as a sum of moduli, exact."""
    alpha, beta = Fraction(3, 10), Fraction(7, 10)

    def slack(pair: Pair) -> Fraction:
        y, p = pair
        first = inner(y, p) + alpha * inner([1 - a for a in y], p)
        first += beta * inner(y, [1 - b for b in p])
        second = (1 - alpha - beta) * inner(y, p)
        second += alpha * sum(map(abs, p)) + beta * sum(map(abs, y))
        return -abs(first - second)

    return enumeration.worst_case(grid_pairs(3, levels), slack, describe=_named)


@E12.check("counts")
@E12.twin("beta more by 1e-6", weight=1 + Fraction(1, 10**6))
def forms_of_counts(*, weight: Fraction = Fraction(1)) -> Evidence:
    """The library's index, by FP and FN, is the second form in |yt| and |y|."""
    alpha, beta = Fraction(3, 10), Fraction(7, 10)

    def slack(found: SoftCounts) -> Fraction:
        index = counts.tversky_index(found, alpha=alpha, beta=beta)
        total = (1 - alpha - beta) * found.intersection + alpha * found.predicted
        total += weight * beta * found.actual
        return -abs(index * total - found.intersection)

    return enumeration.over_counts(slack, pixels=12)
