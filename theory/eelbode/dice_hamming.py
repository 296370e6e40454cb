"""E19-E21: no weighted Hamming similarity approximates Dice."""

import math
from collections.abc import Iterable
from fractions import Fraction

import sympy

from jaxseg import counts
from jaxseg.counts import SoftCounts
from theory.claim import Claim, Evidence, Verdict
from theory.eelbode import SOURCE
from theory.engines import enumeration, symbolic
from theory.engines.enumeration import for_all, for_each

E19 = Claim(
    id="E19",
    source=SOURCE,
    where="Prop. II.2, absolute; Eq. (24)",
    statement=(
        "D and H_gamma, gamma chosen to minimise the error, approximate each other "
        "absolutely with error 1 and no smaller one."
    ),
    assumes=(
        "0 <= gamma <= 1; the supremum is over images of all sizes. Where y is empty "
        "or full, H_gamma is 0/0 as printed; such images are not needed."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "Both are in [0, 1]. Let y be one pixel of d = m^2 and let the prediction "
        "cover it and m more: D = 2 / (2 + m), and H_gamma >= 1 - m / (d - 1) for "
        "every gamma, so the gap exceeds 1 - 3 / m. The same masks serve all gamma at "
        "once: it does not help to choose gamma by d and |y|, nor even by the "
        "prediction. At gamma = 0 the value 1 is reached (an empty prediction has D = "
        "0, H_0 = 1); for 0 < gamma <= 1 it is only approached where H_gamma is "
        "defined. On d pixels the best gamma leaves max_m m (d - 1) / ((m + 2) (d - 1 "
        "+ m)), which is (1 + sqrt(2 / (d - 1)))^-2 up to rounding of m: 1 is "
        "approached at the rate sqrt(8 / d)."
    ),
    values=lambda: _error_values(),
)

GAMMAS = tuple(map(Fraction, ("0", "1/4", "1/2", "3/4", "9/10", "1")))
ENDS = (Fraction(0), Fraction(1))
TIGHTER = Fraction(1, 10**6)


def dice(masks: SoftCounts) -> Fraction:
    """D, exact."""
    return Fraction(counts.dice_index(masks))


def weighted_hamming(masks: SoftCounts, gamma: Fraction) -> Fraction:
    """H_gamma, exact."""
    return Fraction(counts.weighted_hamming_index(masks, gamma=gamma))


def hamming(masks: SoftCounts) -> Fraction:
    """H, exact."""
    return Fraction(counts.hamming_index(masks))


def defined_as_printed(masks: SoftCounts) -> bool:
    """0 < |y| < d, where H_gamma is defined as printed."""
    return 0 < masks.actual < masks.pixels


def covered_pixel(size: int) -> SoftCounts:
    """One true pixel in a prediction of size + 1, on an image of size^2 pixels."""
    return enumeration.exact_counts(1, size, 0, size * size)


def _powers() -> list[int]:
    return [10**k for k in range(1, 8)]


@E19.check("approached")
@E19.twin("at the rate 2 / sqrt d", rate=2)
def one_is_approached(*, rate: int = 3) -> Evidence:
    """H_gamma - D >= 1 - rate / sqrt d on some masks of d pixels, whatever gamma is.

    H_gamma is affine in gamma, so its two ends suffice.
    """

    def slack(size: int) -> Fraction:
        masks = covered_pixel(size)
        gap = min(weighted_hamming(masks, gamma) for gamma in ENDS) - dice(masks)
        return gap - (1 - Fraction(rate, size))

    return enumeration.worst_case(
        _powers(), slack, describe=lambda m: {"tp": 1, "fp": m, "pixels": m * m}
    )


def largest_error(gamma: Fraction, pixels: int) -> Fraction:
    """Max |D - H_gamma| over masks of d >= 2 pixels with 0 < |y| < d."""
    covering = [
        1 - (1 - gamma) * Fraction(m, pixels - 1) - Fraction(2, 2 + m)
        for m in range(pixels)
    ]
    return max(1 - gamma, *covering)


@E19.check("maximum by size")
@E19.twin("maximum less by 1e-6", less=-TIGHTER)
@for_each(lambda: [(gamma, pixels) for gamma in GAMMAS for pixels in (2, 3, 5, 8)])
def error_by_size(
    gamma: Fraction, pixels: int, *, less: Fraction = Fraction(0)
) -> Evidence:
    """That maximum, by enumeration of all masks."""
    found = enumeration.over_counts(
        lambda masks: -abs(dice(masks) - weighted_hamming(masks, gamma)),
        pixels=pixels,
        only=defined_as_printed,
    )
    gap = -found.slack - largest_error(gamma, pixels) + less
    return found.with_slack(-abs(gap))


def best_error(pixels: int) -> Fraction:
    """Min over gamma of `largest_error`.

    1 - gamma falls and all other terms rise with gamma: the largest crossing.
    """
    rest = pixels - 1
    return max(Fraction(m * rest, (m + 2) * (rest + m)) for m in range(pixels))


@E19.check("no better gamma")
@E19.twin("best error less by 1e-6", shift=-TIGHTER)
@for_all(pixels=(3, 4, 9, 50, 1000))
def no_gamma_is_better(pixels: int, *, shift: Fraction = Fraction(0)) -> Fraction:
    """At gamma = 1 - best error the largest error is that, and more to either side."""
    best = best_error(pixels) + shift
    gamma, step = 1 - best, Fraction(1, 10**4)
    around = [largest_error(gamma + step, pixels), largest_error(gamma, pixels)]
    around.append(largest_error(gamma - step, pixels))
    return min(-abs(around[1] - best), around[0] - best, around[2] - best)


def _error_values() -> dict[str, float]:
    values = {"absolute_error": 1.0}
    for pixels in (10, 100, 10_000):
        values[f"best_error_at_{pixels}_pixels"] = float(best_error(pixels))
        values[f"large_d_formula_at_{pixels}_pixels"] = (
            1 + math.sqrt(2 / (pixels - 1))
        ) ** -2
    return values


# E20, relative error

E20 = Claim(
    id="E20",
    source=SOURCE,
    where="Prop. II.2, relative; Eqs. (22), (23)",
    statement="D and H_gamma do not relatively approximate each other.",
    assumes="0 <= gamma <= 1, chosen to minimise the error; Def. II.2.",
    verdict=Verdict.HOLDS,
    proof=(
        "For gamma < 1 an empty prediction of a non-empty y has D = 0 < H_gamma = 1 - "
        "gamma: no error suffices, on any image. Also where D > 0, and for all gamma "
        "at once: with y one pixel of d = 2m + 1 and a prediction that covers it and m "
        "more, H_gamma >= 1/2 and D = 2 / (2 + m), so H_gamma / D >= (d + 3) / 8, "
        "without bound. (D / H_gamma is unbounded too: at gamma = 0 and a prediction "
        "of all d pixels, H_0 = 0 < D.)"
    ),
    values={
        **{f"ratio_at_{d}_pixels": (d + 3) / 8 for d in (21, 2001)},
        "weighted_hamming_where_dice_is_0_at_gamma_1/2": 0.5,
    },
)


@E20.check("ratio grows")
@E20.twin("ratio more by 1e-6", more=TIGHTER)
def ratio_grows(*, more: Fraction = Fraction(0)) -> Evidence:
    """H_gamma / D >= (d + 3) / 8 for every gamma, at one pixel covered by half of d."""

    def slack(half: int) -> Fraction:
        masks = enumeration.exact_counts(1, half, 0, 2 * half + 1)
        least = min(weighted_hamming(masks, gamma) for gamma in ENDS)
        return least / dice(masks) - (masks.pixels + 3) * (1 + more) / 8

    return enumeration.worst_case(
        _powers(), slack, describe=lambda m: {"tp": 1, "fp": m, "pixels": 2 * m + 1}
    )


@E20.check("Dice alone is zero")
@E20.twin("also at gamma = 1", gammas=ENDS)
def dice_zero_alone(*, gammas: Iterable[Fraction] = GAMMAS[:-1]) -> Evidence:
    """An empty prediction of any y has D = 0 and H_gamma = 1 - gamma > 0."""

    def slack(case: tuple[Fraction, int, int]) -> Fraction:
        gamma, actual, pixels = case
        masks = enumeration.exact_counts(0, 0, actual, pixels)
        value = weighted_hamming(masks, gamma)
        exact = min(-abs(dice(masks)), -abs(value - (1 - gamma)))
        return min(exact, value - TIGHTER)

    cases = [(g, k, d) for g in gammas for d in (2, 9) for k in range(1, d)]
    return enumeration.worst_case(
        cases,
        slack,
        describe=lambda case: dict(zip(("gamma", "fn", "pixels"), case, strict=True)),
    )


# E21, the construction of the proof

E21 = Claim(
    id="E21",
    source=SOURCE,
    where="Proof of Prop. II.2, Eqs. (22)-(24)",
    statement=(
        "Masks with |y \\ yt| = 0, |yt \\ y| = alpha d, |y and yt| = alpha^2 d exist "
        "for 0 <= alpha < (sqrt 5 - 1) / 2; their gap tends to 1 and their ratio to "
        "infinity as alpha tends to 0."
    ),
    assumes=(
        "alpha d and alpha^2 d are integers, as for alpha = p / q and d = q^2: a "
        "sequence of images is meant. alpha = 0 is a pair of empty masks, where "
        "D and H_gamma are 0/0 as printed, and is not needed."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "alpha + alpha^2 < 1 exactly below (sqrt 5 - 1) / 2, where all d pixels are "
        "predicted and 1 - alpha / (1 - alpha^2) = 0. |y| = alpha^2 d, so H_gamma = 1 "
        "- (1 - gamma) alpha / (1 - alpha^2), least at gamma = 0, and D = 2 alpha / (1 "
        "+ 2 alpha). (23) follows from (22) because sup inf <= inf sup. It asks for 1 "
        "+ eps >= (1 - alpha - alpha^2) (1 + 2 alpha) / (2 alpha (1 - alpha^2)), which "
        "grows like 1 / (2 alpha)."
    ),
    values=lambda: {
        "largest_alpha": GOLDEN,
        "gap_at_alpha_1/10": 1 - 10 / 99 - 1 / 6,
        "gap_at_alpha_1/1000": 1 - 1000 / 999_999 - 2 / 1002,
    },
)


GOLDEN = (math.sqrt(5) - 1) / 2


@E21.check("exact")
@E21.twin("beyond the range", alphas=["62/100"])
def construction(
    *, alphas: Iterable[str] = ("1/2", "3/5", "61/100", "1/10", "1/1000")
) -> Evidence:
    """The masks exist and have the printed indices; gamma = 0 is the infimum."""

    def slack(alpha: Fraction) -> Fraction:
        pixels = alpha.denominator**2
        masks = enumeration.exact_counts(
            int(alpha**2 * pixels), int(alpha * pixels), 0, pixels
        )
        if masks.predicted > pixels:
            return Fraction(pixels - masks.predicted, pixels)
        printed = 1 - alpha / (1 - alpha**2)
        values = [weighted_hamming(masks, gamma) for gamma in GAMMAS]
        return -max(
            abs(dice(masks) - 2 * alpha / (1 + 2 * alpha)),
            abs(min(values) - printed),
            abs(values[0] - printed),
        )

    return enumeration.worst_case(
        map(Fraction, alphas), slack, describe=lambda alpha: {"alpha": alpha}
    )


@E21.check("limits")
@E21.twin("cubes for squares", power=3)
def limits(*, power: int = 2) -> Evidence:
    """Eq. (24) tends to 1, Eq. (23) needs 1 + eps >= (1 - a - a^2) (1 + 2a) / ...

    The least 1 + eps that (23) allows, times 2a, tends to 1: eps tends to infinity.
    """
    alpha = sympy.symbols("alpha", positive=True)
    hamming_term = 1 - alpha / (1 - alpha**power)
    dice_term = 2 * alpha**2 / (alpha + 2 * alpha**power)
    largest = (sympy.sqrt(5) - 1) / 2
    return symbolic.identities(
        [
            (sympy.limit(hamming_term - dice_term, alpha, 0), sympy.Integer(1)),
            (
                sympy.limit(2 * alpha * hamming_term / dice_term, alpha, 0),
                sympy.Integer(1),
            ),
            (hamming_term.subs(alpha, largest), sympy.Integer(0)),
        ]
    )
