"""E28, E29: the two steps of the proof of Proposition II.3."""

import itertools
import math
from collections.abc import Callable
from fractions import Fraction

import sympy

from jaxseg import counts
from jaxseg.counts import SoftCounts
from theory.claim import Claim, Evidence, Verdict
from theory.eelbode import SOURCE
from theory.eelbode.tversky import slopes_between_the_edges
from theory.engines import enumeration, symbolic

E28 = Claim(
    id="E28",
    source=SOURCE,
    where="Proof of Prop. II.3, after Eq. (32)",
    statement="For alpha = beta, (32) is maximised at b = (alpha - sqrt(2 alpha)) / "
    "(alpha - 2).",
    assumes="alpha > 0; b is TP / (TP + FP + FN).",
    verdict=Verdict.CORRECTED,
    correction=(
        "b = 1 / (1 + sqrt(2 / alpha)), which is the printed number for alpha != 2 and "
        "1/2 at alpha = 2. It is the only maximiser unless alpha = 1/2, where the "
        "error is 0 for every b."
    ),
    counterexample=(
        "alpha = beta = 2: the printed b is (2 - 2) / (2 - 2). With b = 1/2, that is "
        "FP + FN = TP, D = 2/3, T = 1/3 and the error 1/3 is the largest there is."
    ),
    proof=(
        "sqrt(alpha) (sqrt(alpha) - sqrt 2) / ((sqrt(alpha) - sqrt 2) (sqrt(alpha) + "
        "sqrt 2)): the common factor vanishes at alpha = 2. That b maximises (32) is "
        "E27's study of the slope."
    ),
    values={
        "at_alpha_2": 0.5,
        "at_alpha_1": math.sqrt(2) - 1,
        "at_alpha_1/8": 0.2,
        "at_alpha_8": 2 / 3,
    },
)

Point = tuple[Fraction, Fraction, Fraction]  # (FP, TP, FN), of sum 1
Weights = tuple[Fraction, Fraction]  # (alpha, beta)

ROOTED = tuple(map(Fraction, ("2", "8", "9/8", "2/9", "1/8", "25/2", "1/2")))
"""Weights whose sqrt(2 alpha) is rational; at 2 the printed maximiser is 0/0."""

UNEQUAL = tuple(
    (Fraction(a), Fraction(b))
    for a, b in (("3/10", "7/10"), ("2", "1/8"), ("5", "3/4"), ("1/20", "2/5"))
)
"""Weights on both sides of 1/2 and on one side."""


def error(point: Point, alpha: Fraction, beta: Fraction) -> Fraction:
    """T - D, the inside of the bars in Eq. (31)."""
    false_positives, overlap, false_negatives = point
    masks = SoftCounts.of_sets(overlap, false_positives, false_negatives, Fraction(1))
    tversky = counts.tversky_index(masks, alpha=alpha, beta=beta)
    return Fraction(tversky) - Fraction(counts.dice_index(masks))


def _root(alpha: Fraction) -> Fraction:
    """sqrt(2 alpha), exact."""
    twice = 2 * alpha
    return Fraction(math.isqrt(twice.numerator), math.isqrt(twice.denominator))


def corrected_share(alpha: Fraction) -> Fraction | None:
    """The share of TP: 1 / (1 + sqrt(2 / alpha)), for every alpha > 0."""
    return 1 / (1 + 2 / _root(alpha))


def printed_share(alpha: Fraction) -> Fraction | None:
    """As printed; None where it is 0/0."""
    return (alpha - _root(alpha)) / (alpha - 2) if alpha != 2 else None


@E28.check("maximal")
@E28.twin("printed", at=printed_share)
@E28.twin("at b = 1/2", at=lambda _: Fraction(1, 2))
def maximal(*, at: Callable[[Fraction], Fraction | None] = corrected_share) -> Evidence:
    """At the maximiser |D - T| is the stated error, and no more on a grid of b."""
    grid = [Fraction(k, 60) for k in range(61)]

    def slack(alpha: Fraction) -> Fraction:
        best = at(alpha)
        if best is None:
            return Fraction(-1)
        sizes = [abs(error((1 - b, b, Fraction(0)), alpha, alpha)) for b in grid]
        reached = abs(error((1 - best, best, Fraction(0)), alpha, alpha))
        value = abs(_root(alpha) - 1) / (_root(alpha) + 1)
        return min(reached - max(sizes), -abs(reached - value))

    return enumeration.worst_case(ROOTED, slack, describe=lambda a: {"alpha": a})


@E28.check("algebra")
@E28.twin("sign flipped", sign=-1)
def one_formula(*, sign: int = 1) -> Evidence:
    """Printed and corrected formula agree where both are defined; at 2 by a limit."""
    alpha = sympy.symbols("alpha", positive=True)
    as_printed = (alpha - sympy.sqrt(2 * alpha)) / (alpha - 2)
    better = 1 / (1 + sign * sympy.sqrt(2 / alpha))
    return symbolic.identities(
        [
            (as_printed, better),
            (sympy.limit(as_printed, alpha, 2), sympy.Rational(1, 2)),
        ]
    )


# E29, from the simplex to its edges

E29 = Claim(
    id="E29",
    source=SOURCE,
    where="Proof of Prop. II.3, the case alpha != beta",
    statement=(
        "The directional derivative in the direction a - c has constant sign, so that "
        "at the maximum over the simplex a = 0 or c = 0."
    ),
    assumes="alpha, beta > 0, unequal; a, b, c are FP, TP, FN over their sum.",
    verdict=Verdict.HOLDS,
    readings={
        "Derivative of T - D, inside the bars of (31)": (
            "Holds: it is -(alpha - beta) b / (b + alpha a + beta c)^2, of one sign, "
            "and 0 only where b = 0."
        ),
        "Derivative of |T - D|, the function that (31) maximises": (
            "Fails where alpha and beta lie on both sides of 1/2: |T - D| falls to 0 "
            "and rises again. The conclusion, a = 0 or c = 0, stands: the modulus of a "
            "monotone function is largest at an end."
        ),
    },
    proof=(
        "Moving mass from c to a keeps b and a + c, so D stays and T is monotone. Each "
        "line of constant b ends at c = 0 and at a = 0. With c = 0, a = 1 - b, which "
        "is (32); with a = 0 it is (32) in beta."
    ),
    values={
        "gap_at_a=1/2_b=1/2_for_2_1/8": 1 / 3 - 2 / 3,
        "gap_at_c=1/2_b=1/2_for_2_1/8": 8 / 9 - 2 / 3,
    },
)


def _rate_by_overlap(parts: int = 12) -> list[list[Point]]:
    """Grid points of the simplex, in lines of constant TP from c = 0 to a = 0."""
    grid = [(a, b, c) for a, b, c in enumeration.simplex_grid(3, parts)]
    points = sorted(grid, key=lambda p: (p[1], -p[0]))
    lines = itertools.groupby(points, key=lambda p: p[1])
    return [list(line) for _, line in lines]


@E29.check("monotone")
@E29.twin("modulus monotone", absolute=True)
def monotone(*, absolute: bool = False) -> Evidence:
    """Along a - c, T - D never rises and falls both; with `absolute`, nor |T - D|."""

    def slack(case: tuple[Weights, list[Point]]) -> Fraction:
        (alpha, beta), line = case
        values = [error(point, alpha, beta) for point in line]
        values = [abs(value) for value in values] if absolute else values
        steps = [after - before for before, after in itertools.pairwise(values)]
        rises, falls = max(steps, default=Fraction(0)), min(steps, default=Fraction(0))
        return -min(max(rises, Fraction(0)), max(-falls, Fraction(0)))

    cases = [(weights, line) for weights in UNEQUAL for line in _rate_by_overlap()]
    return enumeration.worst_case(cases, slack, describe=_named)


def _named(case: tuple[Weights, list[Point]]) -> dict[str, Fraction]:
    (alpha, beta), line = case
    return {"alpha": alpha, "beta": beta, "tp": line[0][1]}


@E29.check("largest at an end")
@E29.twin("largest at c = 0", both=False)
def largest_on_edges(*, both: bool = True) -> Evidence:
    """On every such line |T - D| is largest at an end: at c = 0 or at a = 0.

    Without `both`, only the end c = 0 is looked at.
    """

    def slack(case: tuple[Weights, list[Point]]) -> Fraction:
        (alpha, beta), line = case
        sizes = [abs(error(point, alpha, beta)) for point in line]
        return (max(sizes[0], sizes[-1]) if both else sizes[0]) - max(sizes)

    cases = [(weights, line) for weights in UNEQUAL for line in _rate_by_overlap()]
    return enumeration.worst_case(cases, slack, describe=_named)


E29.check("slope")(slopes_between_the_edges)
E29.twin("T moves the other way", sign=-1)(slopes_between_the_edges)
