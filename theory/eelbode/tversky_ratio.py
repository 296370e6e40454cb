"""E30: how far the Tversky index is from the Dice coefficient, relatively."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import sympy

from jaxseg import counts
from jaxseg.counts import SoftCounts
from theory.claim import Claim, Evidence, Verdict, worst_of
from theory.eelbode import SOURCE
from theory.engines import enumeration, interval, symbolic

E30 = Claim(
    id="E30",
    source=SOURCE,
    where="Prop. II.3, relative; end of its proof",
    statement=(
        "T_ab approximates D with relative error max(2 alpha, 2 beta, 1 / (2 alpha), 1 "
        "/ (2 beta)) - 1."
    ),
    assumes=(
        "alpha, beta > 0; Def. II.2, least error over all sizes of image. Where TP = 0 "
        "both indices are 0 (or both 1, on empty masks) and it asks nothing."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "For TP > 0, D / T = (TP + alpha FP + beta FN) / (TP + FP / 2 + FN / 2) is a "
        "mean of 1, 2 alpha and 2 beta with weights TP, FP / 2, FN / 2, so it lies "
        "between the least and the greatest of them; T / D likewise with the inverses. "
        "The largest M of 2 alpha, 2 beta and their inverses is at least 1, so M - 1 "
        "suffices; it is approached as the share of TP tends to 0 with one kind of "
        "mistake, and, unless alpha = beta = 1/2, never reached while TP > 0. On d "
        "pixels the shortfall at TP = 1 is (4 alpha - 2) / (d + 1) where M = 2 alpha, "
        "and (1 - 2 alpha) / (2 alpha (1 + alpha (d - 1))) where M = 1 / (2 alpha)."
    ),
    values=lambda: _values(),
)

Weights = tuple[Fraction, Fraction]  # (alpha, beta)

GRID = tuple(
    (Fraction(a), Fraction(b))
    for a, b in (
        ("1", "1"),
        ("3/10", "7/10"),
        ("7/10", "3/10"),
        ("1/10", "9/10"),
        ("2", "1/8"),
        ("1/2", "5"),
        ("1/5", "1/2"),
        ("1/4", "1/3"),
    )
)
CERTIFIED = GRID[:2] + GRID[4:6]
LOG_MISTAKES = (-9.0, 9.0)  # log of (FP + FN) / TP


def all_terms(alpha: Any, beta: Any) -> Any:
    """1 + the printed relative error."""
    return max(2 * alpha, 2 * beta, 1 / (2 * alpha), 1 / (2 * beta))


def smallest_term(alpha: Any, beta: Any) -> Any:
    """False: the minimum for the maximum."""
    return min(2 * alpha, 2 * beta, 1 / (2 * alpha), 1 / (2 * beta))


def no_inverses(alpha: Any, beta: Any) -> Any:
    """False: the two inverses left out."""
    return max(2 * alpha, 2 * beta, Fraction(1))


def _indices(masks: SoftCounts, alpha: Any, beta: Any) -> tuple[Any, Any]:
    tversky = counts.tversky_index(masks, alpha=alpha, beta=beta)
    return counts.dice_index(masks), tversky


def _worse_ratio(masks: SoftCounts, weights: Weights) -> Fraction:
    """The larger of D / T and T / D."""
    dice, tversky = map(Fraction, _indices(masks, *weights))
    return max(dice / tversky, tversky / dice)


def _overlap(masks: SoftCounts) -> bool:
    return masks.intersection > 0


def _named(weights: Weights) -> dict[str, Fraction]:
    return {"alpha": weights[0], "beta": weights[1]}


@E30.check("never exceeded")
@E30.twin("less by 1e-6", less=Fraction(1, 10**6))
@E30.twin("min for max", bound=smallest_term)
@E30.twin("without inverses", bound=no_inverses)
def never_exceeded(
    *, bound: Callable = all_terms, less: Fraction = Fraction(0), pixels: int = 10
) -> Evidence:
    """No hard masks with TP > 0 reach the bound, also far out where they come close."""
    far = [triple for k in range(2, 9) for triple in ((1, 10**k, 0), (1, 0, 10**k))]

    def slack(weights: Weights) -> Evidence:
        value = bound(*weights) - less

        def room(masks: SoftCounts) -> Fraction:
            return value - _worse_ratio(masks, weights)

        return worst_of(
            (
                enumeration.over_counts(room, pixels=pixels, only=_overlap),
                enumeration.over_counts(room, pixels=10**9, triples=far),
            )
        )

    return enumeration.worst_case(GRID, slack, describe=_named)


def largest_by_size(weights: Weights, pixels: int) -> Fraction:
    """The largest of D / T and T / D on so many pixels: TP = 1, one kind of mistake."""
    half, wrong = Fraction(1, 2), pixels - 1
    ratios = [(1 + w * wrong) / (1 + half * wrong) for w in weights]
    return max(max(r, 1 / r) for r in ratios)


@E30.check("maximum by size")
@E30.twin("reached by hard masks", largest=lambda weights, _: all_terms(*weights))
def maximum_by_size(*, largest: Callable = largest_by_size) -> Evidence:
    """The exact maximum for each size, by enumeration of all masks with TP > 0."""

    def slack(case: tuple[Weights, int]) -> Evidence:
        weights, pixels = case
        found = enumeration.over_counts(
            lambda masks: -_worse_ratio(masks, weights), pixels=pixels, only=_overlap
        )
        return found.with_slack(-abs(-found.slack - largest(weights, pixels)))

    cases = [(weights, pixels) for weights in GRID for pixels in (1, 2, 5, 9)]
    return enumeration.worst_case(
        cases, slack, describe=lambda case: {**_named(case[0]), "pixels": case[1]}
    )


@E30.check("algebra")
@E30.twin("overlap counted twice", weight_of_overlap=2)
def ratio_is_a_weighted_mean(*, weight_of_overlap: int = 1) -> Evidence:
    """D / T is a mean of 1, 2 alpha, 2 beta with weights TP, FP / 2, FN / 2."""
    tp, fp, fn, alpha, beta = sympy.symbols("tp fp fn alpha beta", positive=True)
    dice, tversky = _indices(SoftCounts.of_sets(tp, fp, fn, 1), alpha, beta)
    total = tp + fp / 2 + fn / 2
    mean = weight_of_overlap * tp + 2 * alpha * fp / 2 + 2 * beta * fn / 2
    ratio = dice / tversky
    at_no_overlap = [
        (sympy.limit(ratio.subs(fn, 0), tp, 0), 2 * alpha),
        (sympy.limit(ratio.subs(fp, 0), tp, 0), 2 * beta),
    ]
    return symbolic.identities([(ratio, mean / total), *at_no_overlap])


@E30.check("certified")
@E30.twin("less by 1e-2, certified", less=1e-2)
@E30.twin("without inverses, certified", bound=no_inverses)
def supremum_is_certified(
    *, bound: Callable = all_terms, less: float = 0.0
) -> Evidence:
    """Encloses sup |log D - log T| where |log((FP + FN) / TP)| <= 9.

    Its exponential is 1 + the least relative error there; it must stay below the bound,
    and come within 1e-2 of its logarithm.
    """
    found = []
    for weights in CERTIFIED:
        lower, upper, boxes = enclose(weights)
        value = math.log(bound(*weights) - less)
        witness = {**_named(weights), "lower": lower, "upper": upper}
        slack = min(value - upper, lower - (value - 1e-2))
        found.append(Evidence(slack, 1e-13, boxes, "interval", witness))
    return worst_of(found)


def enclose(weights: Weights) -> tuple[float, float, int]:
    """Enclosure of that supremum, and the boxes it took."""

    def error(log_wrong: Any, share: Any) -> Any:
        wrong = log_wrong.exp()
        masks = SoftCounts.of_sets(1, wrong * share, wrong * (1 - share), 1 + wrong)
        dice, tversky = _indices(masks, *weights)
        return abs((dice / tversky).log())

    alpha, beta = weights
    shares = (1.0, 1.0) if alpha == beta else (0.0, 1.0)
    found = interval.supremum(error, (LOG_MISTAKES, shares), width=1e-6)
    return found.lower, found.upper, found.boxes


def _values() -> dict[str, float]:
    values = {
        f"relative_error_at_{float(a):g}_{float(b):g}": float(all_terms(a, b)) - 1
        for a, b in GRID
    }
    for pixels in (2, 10, 100, 10_000):
        largest = largest_by_size((Fraction(1), Fraction(1)), pixels)
        values[f"largest_ratio_at_1_1_with_{pixels}_pixels"] = float(largest)
    return values
