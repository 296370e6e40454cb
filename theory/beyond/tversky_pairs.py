"""N01: how far any two Tversky indices are from each other."""

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

N01 = Claim(
    id="N01",
    source=SOURCE,
    where="extends Eelbode 2020, Props. II.1 and II.3",
    statement=(
        "sup |T_ab - T_a'b'| = max(tanh(|ln(a / a')| / 4), tanh(|ln(b / b')| / 4)); "
        "the relative error is max(a / a', a' / a, b / b', b' / b) - 1; hence absolute "
        "= tanh(ln(1 + relative) / 4)."
    ),
    assumes=(
        "All four weights > 0; suprema over masks of all sizes, or soft masks; the "
        "relative error asks nothing where TP = 0."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "T = 1 / (1 + u) with u = (a FP + b FN) / TP. The ratio q = u / u' is a "
        "weighted mean of a / a' and b / b'. At a fixed q the gap |1 / (1 + u) - 1 / "
        "(1 + u')| is largest at u u' = 1, where it is (sqrt q - 1) / (sqrt q + 1) = "
        "tanh(|ln q| / 4), which rises with |ln q|; so the best q is at an end, with "
        "one kind of mistake alone and FP / TP = 1 / sqrt(a a'). T' / T = (1 + u) / (1 "
        "+ u') tends to q as u grows, never reached while TP > 0. E18 is a = b = 1, "
        "E27 and E30 a' = b' = 1/2. The indices may cross; the proof does not need "
        "E29's monotone difference, which fails here."
    ),
    values=lambda: {
        "jaccard_dice": bound(_pair("1 1", "1/2 1/2")),
        "tversky_0.3_0.7_and_0.7_0.3": bound(PLAIN[0]),
        "relative_0.3_0.7_and_0.7_0.3": 7 / 3 - 1,
        "f2_and_f0.5": bound(_pair("1/5 4/5", "4/5 1/5")),
        "fp_per_tp_of_jaccard_dice": math.sqrt(2),
    },
)

Weights = tuple[Fraction, Fraction]  # (alpha, beta)
Pair = tuple[Weights, Weights]
TIGHTER = Fraction(1, 10**6)


def _pair(first: str, second: str) -> Pair:
    weights = [tuple(map(Fraction, text.split())) for text in (first, second)]
    return (weights[0][0], weights[0][1]), (weights[1][0], weights[1][1])


ROOTED = (
    _pair("2 1/2", "1/2 9/8"),
    _pair("1 1", "1/4 4"),
    _pair("1/2 9/2", "2 1/2"),
    _pair("1/4 1", "1 1"),
)
"""Pairs whose a / a', a a', b / b', b b' are squares: hard masks reach the supremum."""

PLAIN = (
    _pair("3/10 7/10", "7/10 3/10"),
    _pair("1/10 9/10", "2 3"),
    _pair("1 1", "3/10 7/10"),
)
"""The first index is above the second on one kind of mistake and below on the other."""


def _gap(masks: SoftCounts, pair: Pair) -> Any:
    first, second = (
        counts.tversky_index(masks, alpha=alpha, beta=beta) for alpha, beta in pair
    )
    return first - second


def factors(pair: Pair) -> tuple[Fraction, Fraction]:
    """max(a / a', a' / a), and the same for b."""
    a, b = (max(x / y, y / x) for x, y in zip(pair[0], pair[1], strict=True))
    return a, b


def bound(pair: Pair, pick: Callable = max) -> float:
    """The larger of tanh(|ln(a / a')| / 4) and the same for b."""
    return math.tanh(math.log(pick(factors(pair))) / 4)


def _rational_bound(pair: Pair, pick: Callable) -> Fraction:
    square = pick(factors(pair))
    root = Fraction(math.isqrt(square.numerator), math.isqrt(square.denominator))
    return (root - 1) / (root + 1)


@N01.check("hard masks")
@N01.twin("less by 1e-6, hard masks", less=TIGHTER)
@N01.twin("min for max, hard masks", pick=min)
def exact_masks(
    *, pixels: int = 9, less: Fraction = Fraction(0), pick: Callable = max
) -> Evidence:
    """Hard masks never exceed the bound where it is rational, and do reach it."""

    def slack(pair: Pair) -> Evidence:
        found = enumeration.over_counts(
            lambda masks: -abs(Fraction(_gap(masks, pair))), pixels=pixels
        )
        gap = -found.slack - _rational_bound(pair, pick) + less
        return found.with_slack(-abs(gap))

    return enumeration.worst_case(ROOTED, slack, describe=_named)


def _named(pair: Pair) -> dict[str, list[Fraction]]:
    return {"first": list(pair[0]), "second": list(pair[1])}


@N01.check("certified")
@N01.twin("less by 1e-6, certified", less=1e-6)
@N01.twin("min for max, certified", pick=min)
def supremum_is_certified(*, less: float = 0.0, pick: Callable = max) -> Evidence:
    """Encloses the supremum over all soft masks to 1e-9; is the bound inside?"""
    return worst_of(_enclosed(pair, less, pick) for pair in PLAIN)


def _enclosed(pair: Pair, less: float, pick: Callable) -> Evidence:
    def gap(overlap: Any, share: Any) -> Any:
        wrong = 1 - overlap
        masks = SoftCounts.of_sets(overlap, wrong * share, wrong * (1 - share), 1)
        return abs(_gap(masks, pair))

    found = interval.supremum(gap, ((0.0, 1.0), (0.0, 1.0)))
    value = bound(pair, pick) - less
    witness = {**_named(pair), "lower": found.lower, "upper": found.upper}
    slack = min(found.upper - value, value - found.lower)
    return Evidence(slack, 1e-13, found.boxes, "interval", witness)


@N01.check("relative")
@N01.twin("relative less by 1e-6", less=TIGHTER)
@N01.twin("relative, min for max", pick=min)
def relative_error(
    *, pixels: int = 9, less: Fraction = Fraction(0), pick: Callable = max
) -> Evidence:
    """T / T' <= the larger factor where TP > 0, and within 1e-6 of it far out."""
    far = [(1, 10**9, 0), (1, 0, 10**9)]

    def slack(pair: Pair) -> Evidence:
        value = pick(factors(pair)) - less

        def room(masks: SoftCounts) -> Fraction:
            first, second = (
                Fraction(counts.tversky_index(masks, alpha=a, beta=b)) for a, b in pair
            )
            return value - max(first / second, second / first)

        near = enumeration.over_counts(
            room, pixels=pixels, only=lambda masks: masks.intersection > 0
        )
        away = enumeration.over_counts(room, pixels=10**10, triples=far)
        both = worst_of((near, away))
        return both.with_slack(min(both.slack, Fraction(1, 10**6) - away.slack))

    return enumeration.worst_case(ROOTED + PLAIN, slack, describe=_named)


@N01.check("one ratio")
@N01.twin("tanh of a half", quarter=2)
def peak_on_one_ratio(*, quarter: int = 4) -> Evidence:
    """With u' = q u the gap 1/(1+u) - 1/(1+qu) peaks at tanh(ln q / 4)."""
    q, u = sympy.symbols("q u", positive=True)
    gap = 1 / (1 + u) - 1 / (1 + q * u)
    peak = {u: 1 / sympy.sqrt(q)}
    root = sympy.sqrt(q)
    half = sympy.exp(sympy.log(q) * 2 / quarter)
    hyperbolic = (half - 1) / (half + 1)
    shape = (q - 1) * (1 - q * u**2) / ((1 + u) ** 2 * (1 + q * u) ** 2)
    return symbolic.identities(
        [
            (gap.subs(peak), (root - 1) / (root + 1)),
            (gap.subs(peak), hyperbolic),
            (sympy.diff(gap, u), shape),
        ]
    )


@N01.check("mediant")
@N01.twin("beyond the first ratio", sign=-1)
def mediant(*, sign: int = 1) -> Evidence:
    """Ratio (a x + b y) / (a' x + b' y) lies between a / a' and b / b'.

    Its distance to the first is a multiple of the distance between the two.
    """
    a, b, c, d, x, y = sympy.symbols("a b c d x y", positive=True)
    ratio = (a * x + b * y) / (c * x + d * y)
    share = d * y / (c * x + d * y)
    return symbolic.identity(ratio, a / c + sign * share * (b / d - a / c))
