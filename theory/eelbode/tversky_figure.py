"""E31, E32: what makes the Tversky-to-Dice error grow, and how Fig. 1 plots it."""

import math
from collections.abc import Callable
from fractions import Fraction

from theory.claim import Claim, Evidence, Verdict
from theory.eelbode import SOURCE
from theory.eelbode.tversky_proof import error
from theory.engines import enumeration
from theory.engines.enumeration import for_all, for_each

E31 = Claim(
    id="E31",
    source=SOURCE,
    where="Abstract; II-B, after Prop. II.3; V",
    statement=(
        "The approximation of Dice by Tversky gets monotonically worse as alpha and "
        "beta deviate from 0.5."
    ),
    assumes=(
        "The errors are those of Prop. II.3, suprema over all masks. What training "
        "with Tversky losses does to the Dice score is another matter: in Table III "
        "alpha = beta = 3/4 does better than 1/2 on BR18 and IS17."
    ),
    verdict=Verdict.DEPENDS,
    readings={
        "Each weight moves away from 1/2 on its own side": (
            "Holds: neither error falls, and both rise if both weights move. If one "
            "moves alone they may stay."
        ),
        "On alpha + beta = 1, as in the experiments": (
            "Holds strictly, in |alpha - 1/2|."
        ),
        "In |alpha - 1/2| and |beta - 1/2|": (
            "Fails: alpha = beta = 9/8 deviates by 5/8 and has errors 1/5 and 5/4, "
            "alpha = beta = 1/8 deviates by 3/8 and has errors 1/3 and 3."
        ),
        "In delta = max(|log 2 alpha|, |log 2 beta|)": (
            "Holds strictly: the errors are tanh(delta / 4) and exp(delta) - 1."
        ),
    },
    proof=(
        "|sqrt(2w) - 1| / (sqrt(2w) + 1) = tanh(|log 2w| / 4) and max(2w, 1 / (2w)) = "
        "exp |log 2w|; both rise with |log 2w|, which rises as w moves away from 1/2 "
        "on either side, but faster below. On alpha + beta = 1 the smaller weight "
        "decides."
    ),
    values={
        "absolute_at_1/8_1/8": 1 / 3,
        "absolute_at_9/8_9/8": 1 / 5,
        "relative_at_1/8_1/8": 3.0,
        "relative_at_9/8_9/8": 1.25,
        "absolute_at_2_1/2": 1 / 3,
        "absolute_at_2_9/8": 1 / 3,
    },
)

Weights = tuple[Fraction, Fraction]  # (alpha, beta)
HALF = Fraction(1, 2)
ROOTS = tuple(map(Fraction, ("1/5", "1/2", "2/3", "1", "4/3", "3/2", "2", "5")))
"""sqrt(2 w): the weights are w = q^2 / 2, 1/50 to 25/2, from below 1/2 to above."""

WEIGHTS = tuple(q * q / 2 for q in ROOTS)


def edge_errors(weights: Weights) -> tuple[Fraction, Fraction]:
    """|D - T| at the worst share of TP, with false positives or negatives alone.

    The share is 1 / (1 + 2 / sqrt(2 w)), exact for weights of `ROOTS`.
    """
    ends = []
    for weight, place in zip(weights, (0, 2), strict=True):
        root = Fraction(
            math.isqrt((2 * weight).numerator), math.isqrt((2 * weight).denominator)
        )
        point = [Fraction(0)] * 3
        point[1] = 1 / (1 + 2 / root)
        point[place] = 1 - point[1]
        ends.append(abs(error((point[0], point[1], point[2]), *weights)))
    return ends[0], ends[1]


def absolute(weights: Weights) -> Fraction:
    """The absolute error of Prop. II.3, reached."""
    return max(edge_errors(weights))


def relative(weights: Weights) -> Fraction:
    """The relative error of Prop. II.3."""
    return max(max(2 * w, 1 / (2 * w)) for w in weights) - 1


def log_distance(weight: Fraction) -> Fraction:
    """Exp |log 2w|: how far a weight is from 1/2 as a ratio."""
    return max(2 * weight, 1 / (2 * weight))


def plain_distance(weight: Fraction) -> Fraction:
    """|w - 1/2|."""
    return abs(weight - HALF)


def _pairs() -> list[Weights]:
    return [(a, b) for a in WEIGHTS for b in WEIGHTS]


def outward(inner: Weights, outer: Weights) -> bool:
    """Whether no weight comes nearer to 1/2 or changes sides."""
    return all(
        HALF <= old <= new or new <= old <= HALF
        for old, new in zip(inner, outer, strict=True)
    )


def _errors() -> dict[Weights, tuple[Fraction, Fraction]]:
    """Absolute and relative error of each pair of weights."""
    return {pair: (absolute(pair), relative(pair)) for pair in _pairs()}


def _rises(errors, first: Weights, second: Weights) -> tuple[Fraction, Fraction]:
    return errors[second][0] - errors[first][0], errors[second][1] - errors[first][1]


@E31.check("outward")
@E31.twin("strictly", strict=True)
@E31.twin("in any direction", allowed=lambda *_: True)
def never_falls_outward(
    *, strict: bool = False, allowed: Callable[[Weights, Weights], bool] = outward
) -> Evidence:
    """Neither error falls as weights move outward; with `strict` both must rise."""
    errors = _errors()

    def slack(case: tuple[Weights, Weights]) -> Fraction:
        inner, outer = case
        rise = min(_rises(errors, inner, outer))
        return rise - Fraction(1, 10**9) if strict and inner != outer else rise

    cases = [(x, y) for x in _pairs() for y in _pairs() if allowed(x, y)]
    return enumeration.worst_case(
        cases, slack, describe=lambda c: {"inner": list(c[0]), "outer": list(c[1])}
    )


@E31.check("by ratio")
@E31.twin("by difference", distance=plain_distance)
def errors_rise_with_distance(
    *, distance: Callable[[Fraction], Fraction] = log_distance
) -> Evidence:
    """Both errors are functions of the larger distance of the two weights, rising."""
    errors = _errors()
    far = {pair: max(map(distance, pair)) for pair in errors}

    def slack(case: tuple[Weights, Weights]) -> Fraction:
        first, second = case
        rises = _rises(errors, first, second)
        if far[first] == far[second]:
            return -max(map(abs, rises))
        return min(rises)

    cases = [(x, y) for x in errors for y in errors if far[x] <= far[y]]
    return enumeration.worst_case(
        cases, slack, describe=lambda c: {"nearer": list(c[0]), "farther": list(c[1])}
    )


@E31.check("alpha + beta = 1")
@E31.twin("alpha + beta = 3/2", total=Fraction(3, 2))
def complementary(*, total: Fraction = Fraction(1)) -> Evidence:
    """On alpha + beta = 1 the relative error rises strictly with |alpha - 1/2|."""

    def slack(k: int) -> Fraction:
        alphas = [
            HALF + Fraction(sign * j, 100) for j in (k, k + 1) for sign in (1, -1)
        ]
        errors = [relative((alpha, total - alpha)) for alpha in alphas]
        return min(errors[2:]) - max(errors[:2]) - Fraction(1, 10**9)

    return enumeration.worst_case(
        range(49), slack, describe=lambda k: {"alpha": HALF + Fraction(k, 100)}
    )


# E32, the figure

E32 = Claim(
    id="E32",
    source=SOURCE,
    where="Fig. 1 and its caption",
    statement=(
        "Errors as a function of the Tversky parameter that maximally deviates from "
        "0.5; right panel: max(2 alpha, 0.5 / alpha)."
    ),
    assumes="Deviation is |alpha - 0.5|; the right panel is the relative error.",
    verdict=Verdict.CORRECTED,
    correction=(
        "The parameter that decides is the one of largest |log(2 alpha)|, and the "
        "right panel shows 1 + the relative error, that is max(2 alpha, 0.5 / alpha), "
        "which is 1 and not 0 at alpha = 0.5."
    ),
    counterexample=(
        "alpha = 8/9 deviates by 7/18 and beta = 2/9 by 5/18. At alpha the left panel "
        "shows 1/7; but TP = 1, FN = 3 has D = 2/5 and T = 1 / (1 + 2/3) = 3/5, an "
        "error of 1/5, the panel's value at beta. Right panel: at alpha = beta = 0.5 "
        "the indices are equal, and it shows 1."
    ),
    proof=(
        "Prop. II.3 takes the maximum over the two of functions of |log 2w|, which is "
        "larger for 1/2 - x than for 1/2 + x. On alpha + beta = 1 both deviate "
        "equally, and the smaller one decides."
    ),
    values={
        "left_at_8/9": 1 / 7,
        "left_at_2/9": 1 / 5,
        "error_at_8/9_2/9": 1 / 5,
        "right_at_1/2": 1.0,
        "relative_error_at_1/2": 0.0,
    },
)


@E32.check("deciding parameter")
@E32.twin("by difference", distance=plain_distance)
@for_each(_pairs)
def farther_weight_decides(
    weights: Weights, *, distance: Callable[[Fraction], Fraction] = log_distance
) -> Fraction:
    """The error at the weight of largest `distance` alone is the error of the pair."""
    largest = max(weights, key=distance)
    alone = (largest, largest)
    return -max(
        abs(absolute(alone) - absolute(weights)),
        abs(relative(alone) - relative(weights)),
    )


@E32.check("label")
@E32.twin("label as printed", subtracted=0)
@for_all(weight=WEIGHTS)
def label(weight: Fraction, *, subtracted: int = 1) -> Fraction:
    """max(2 alpha, 1 / (2 alpha)) is the relative error plus 1."""
    return -abs(log_distance(weight) - subtracted - relative((weight, weight)))
