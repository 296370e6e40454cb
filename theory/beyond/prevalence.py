"""N27: how well H_gamma can follow Dice at a known share of foreground."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import sympy

from jaxseg import counts
from jaxseg.counts import SoftCounts
from theory.beyond import SOURCE
from theory.claim import Claim, Evidence, Verdict, worst_of
from theory.engines import enumeration, interval, symbolic

N27 = Claim(
    id="N27",
    source=SOURCE,
    where="sharpens Eelbode 2020, Prop. II.2",
    statement=(
        "At a fixed share r = |y| / d, inf_gamma sup |D - H_gamma| is (1 + sqrt(2r / "
        "(1 - r)))^-2 for r <= 1/3, (1 - r) / (2 (1 + r)) up to 7/11, 1/9 up to 8 / "
        "(19 - 6 sqrt 2) = 0.7609, and ((2 sqrt r - 1) / (1 + sqrt(2r)))^2 beyond. It "
        "is reached at gamma = 1 minus it, and in the last piece at gamma = ((1 + sqrt "
        "2) sqrt r / (1 + sqrt(2r)))^2."
    ),
    assumes=(
        "0 < r < 1, 0 <= gamma <= 1; all soft masks, or hard ones of all sizes with "
        "that share. At r = 1 (no background) gamma = 8/9 leaves 1/9, as there are no "
        "false positives: the limit 3 - 2 sqrt 2 is larger."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "With rates u = TPR and v = FPR, D = 2ru / (r + ru + (1 - r) v) and H = gamma "
        "u + g (1 - v), g = 1 - gamma. H - D is convex in u: at u = 0 it is at most g; "
        "at u = 1 its maximum over v is (1 - sqrt(2rg / (1 - r)))^2 inside and (1 - r) "
        "/ (1 + r) - g at v = 1. D - H is convex in v: at v = 0 its maximum over u is "
        "(sqrt 2 - sqrt gamma)^2 - g, at v = 1 it is (sqrt 2 - sqrt(gamma / r))^2. The "
        "first and the last rise with g, the others fall, so the best g is a crossing, "
        "and the error the largest of the crossings of one of each kind. As r tends to "
        "0 it is 1 - 2 sqrt(2r): E19 with gamma chosen by image."
    ),
    values=lambda: _values(),
)

Best = tuple[float, float]  # error, gamma

THIRD, PLATEAU = 1 / 3, 7 / 11
LAST = 8 / (19 - 6 * math.sqrt(2))
SHARES = (0.001, 0.01, 0.1, 0.25, 0.3125, 0.375, 0.5, 0.625, 0.6875, 0.75, 0.8125, 0.95)


def best(share: float) -> Best:
    """The least worst case over gamma, and the gamma that has it."""
    if share <= THIRD:
        error = (1 + math.sqrt(2 * share / (1 - share))) ** -2
    elif share <= PLATEAU:
        error = (1 - share) / (2 * (1 + share))
    elif share <= LAST:
        error = 1 / 9
    else:
        root = math.sqrt(share)
        scale = 1 + math.sqrt(2) * root
        return ((2 * root - 1) / scale) ** 2, ((1 + math.sqrt(2)) * root / scale) ** 2
    return error, 1 - error


def first_piece(share: float) -> Best:
    """False: the formula of small shares for all."""
    error = (1 + math.sqrt(2 * share / (1 - share))) ** -2
    return error, 1 - error


def gap(share: Any, gamma: Any, found: Any, false: Any) -> Any:
    """H_gamma - D at the rates TPR = `found` and FPR = `false`."""
    rest = 1 - share
    masks = SoftCounts.of_sets(share * found, rest * false, share - share * found, 1)
    weighted = gamma * found + (1 - gamma) * (1 - false)
    return weighted - counts.dice_index(masks)


def witnesses(share: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """Rates (TPR, FPR) where the error is reached, falling and rising with gamma."""
    _, gamma = best(share)
    if share > LAST:
        falling = (math.sqrt(2 * share / gamma) - 1) / share, 1.0
    else:
        falling = 0.0, 0.0
    if share <= THIRD:
        height = math.sqrt(2 * share * (1 - share) / (1 - gamma))
        return falling, (1.0, (height - 2 * share) / (1 - share))
    if share <= PLATEAU:
        return falling, (1.0, 1.0)
    return falling, (math.sqrt(2 / gamma) - 1, 0.0)


@N27.check("certified")
@N27.twin("first piece for all", of=first_piece)
@N27.twin("less by 1e-6", less=1e-6)
def supremum_is_certified(
    *, of: Callable[[float], Best] = best, less: float = 0.0
) -> Evidence:
    """Encloses sup |D - H_gamma| over all rates to 1e-7, at the stated gamma."""
    return worst_of(_enclosed(share, of, less) for share in SHARES[2:])


def _enclosed(share: float, of: Callable[[float], Best], less: float) -> Evidence:
    error, gamma = of(share)

    def size(found: Any, false: Any) -> Any:
        return abs(gap(share, gamma, found, false))

    found = interval.supremum(size, ((0.0, 1.0),) * 2, width=1e-7)
    value = error - less
    slack = min(found.upper - value, value - found.lower)
    witness = {"share": share, "lower": found.lower, "upper": found.upper}
    return Evidence(slack, 1e-12, found.boxes, "interval", witness)


def _error(share: float, gamma: float, rates: tuple[float, float]) -> float:
    return abs(float(gap(*map(Fraction, (share, gamma, *rates)))))


@N27.check("no better gamma")
@N27.twin("first piece, at its witnesses", of=first_piece)
def no_gamma_is_better(
    *, of: Callable[[float], Best] = best, step: float = 1e-3
) -> Evidence:
    """At two rates the error is reached; at one it rises with gamma, at one it falls.

    The error at fixed rates is a modulus of an affine function of gamma: any other
    gamma does worse at one of the two.
    """
    found = []
    for share in SHARES:
        error, gamma = of(share)
        ends = [_error(share, gamma, rates) for rates in witnesses(share)]
        below = [_error(share, gamma - step, rates) for rates in witnesses(share)]
        above = [_error(share, gamma + step, rates) for rates in witnesses(share)]
        slack = min(
            -max(abs(end - error) for end in ends),
            below[0] - error,
            above[1] - error,
        )
        witness = {"share": share, "gamma": gamma, "errors": ends}
        found.append(Evidence(slack, 1e-12, 1, "samples", witness))
    return worst_of(found)


@N27.check("hard masks")
@N27.twin("hard masks, less by 1e-2", less=1e-2)
def masks_keep_the_bound(*, less: float = 0.0) -> Evidence:
    """Hard masks of 10 and 16 pixels at every share of them keep the bound."""

    def room(masks: SoftCounts) -> Fraction:
        error, gamma = table[Fraction(masks.actual, masks.pixels)]
        weighted = counts.weighted_hamming_index(masks, gamma=gamma)
        return Fraction(error) - abs(weighted - Fraction(counts.dice_index(masks)))

    shares = {Fraction(k, d) for d in (10, 16) for k in range(1, d)}
    table = {}
    for share in shares:
        error, gamma = best(float(share))
        table[share] = (
            (Fraction(error) + Fraction(1, 10**12) - Fraction(less)),
            (Fraction(gamma)),
        )
    return worst_of(
        enumeration.over_counts(
            room, pixels=pixels, only=lambda masks: 0 < masks.actual < masks.pixels
        )
        for pixels in (10, 16)
    )


@N27.check("crossings")
@N27.twin("pieces do not meet", shift=1)
def four_crossings(*, shift: int = 0) -> Evidence:
    """Pieces: the errors of the two witnesses are equal at the stated gamma."""
    r, g = sympy.symbols("r g", positive=True)
    root = sympy.sqrt(2 * r / (1 - r))
    small = (1 + root) ** -2
    s = 1 / sympy.sqrt(r)
    x = (1 + sympy.sqrt(2)) / (sympy.sqrt(2) + s)
    large = ((2 - s) / (sympy.sqrt(2) + s)) ** 2
    quarter = sympy.Rational(1, 9)
    return symbolic.identities(
        [
            (
                (1 - sympy.sqrt(g * root**2)) ** 2 - g,
                (1 - root * sympy.sqrt(g)) ** 2 - g,
            ),
            ((1 - root / (1 + root)) ** 2 + shift, small),
            ((1 - r) / (1 + r) - (1 - r) / (2 * (1 + r)), (1 - r) / (2 * (1 + r))),
            ((sympy.sqrt(2) - sympy.sqrt(1 - quarter)) ** 2 - quarter, quarter),
            ((sympy.sqrt(2) - x * s) ** 2, large),
            ((sympy.sqrt(2) - x) ** 2 - (1 - x**2), large),
        ]
    )


def _values() -> dict[str, float]:
    values = {}
    for share in (0.001, 0.01, 0.1, 1 / 3, 0.5, 0.7, 0.9):
        error, gamma = best(share)
        values[f"error_at_{share:.4g}"], values[f"gamma_at_{share:.4g}"] = error, gamma
    values["limit_at_1"] = 3 - 2 * math.sqrt(2)
    values["last_change_at"] = LAST
    return values
