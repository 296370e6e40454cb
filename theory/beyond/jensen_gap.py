"""N17: how much Jensen's inequality loses between Dice risk and Jaccard risk."""

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import sympy

from theory.beyond import SOURCE
from theory.claim import Claim, Evidence, Verdict
from theory.eelbode.risk import phi
from theory.engines import enumeration, interval, symbolic
from theory.engines.enumeration import for_each

N17 = Claim(
    id="N17",
    source=SOURCE,
    where="sharpens Eelbode 2020, Eq. (28)",
    statement=(
        "0 <= phi(E[1 - D]) - E[1 - J] <= 3 - 2 sqrt 2, attained where 1 - D is "
        "Bernoulli(sqrt 2 - 1)."
    ),
    assumes=(
        "phi(x) = 2x / (1 + x). The upper bound is attained by that law; a finite set "
        "of images weighs them by rational shares and only comes near, with 5 of 12 or "
        "12 of 29 images missed altogether and the others perfect."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "phi is concave: the lower bound is Jensen's. It lies above its chord, phi(x) "
        ">= x on [0, 1], so E phi(X) >= E X = m, with equality for X in {0, 1}; and "
        "phi(m) - m = m (1 - m) / (1 + m) is E18's gap, largest at sqrt 2 - 1."
    ),
    values=lambda: {
        "largest_gap": LARGEST,
        "at_mean": math.sqrt(2) - 1,
        "gap_of_2_missed_in_5": float(gap([Fraction(1)] * 2 + [Fraction(0)] * 3)),
        "gap_of_1_missed_in_2": float(gap([Fraction(1), Fraction(0)])),
    },
)

LARGEST = 3 - 2 * math.sqrt(2)
TIGHTER = Fraction(1, 10**6)


def gap(losses: Sequence[Fraction]) -> Fraction:
    """phi(mean) - mean of phi, exact."""
    size = len(losses)
    mean = sum(losses, Fraction(0)) / size
    return phi(mean) - sum(map(phi, losses), Fraction(0)) / size


@N17.check("within")
@N17.twin("less by 1e-3", less=Fraction(1, 10**3))
@N17.twin("more than 1e-6 always", least=TIGHTER)
def gap_is_enclosed(
    *, less: Fraction = Fraction(0), least: Fraction = Fraction(0)
) -> Evidence:
    """The gap is in [least, 3 - 2 sqrt 2 - less], exactly, for up to 29 images."""

    def slack(losses: Sequence[Fraction]) -> Fraction:
        value = gap(losses)
        return min(value - least, (3 - less - value) ** 2 - 8)

    levels = [Fraction(k, 6) for k in range(7)]
    cases = list(itertools.combinations_with_replacement(levels, 4))
    for n in (5, 12, 29):
        cases += [(Fraction(1),) * k + (Fraction(0),) * (n - k) for k in range(n + 1)]
    return enumeration.worst_case(
        cases, slack, describe=lambda losses: {"dice_losses": list(losses)}
    )


@N17.check("two point laws")
@N17.twin("bound less by 1e-6 of it", scale=1 - TIGHTER)
@for_each(
    lambda: itertools.combinations_with_replacement(
        [Fraction(k, 8) for k in range(9)], 4
    )
)
def two_point_laws_are_worst(
    losses: Sequence[Fraction], *, scale: Fraction = Fraction(1)
) -> Fraction:
    """At a given mean m the gap is at most phi(m) - m, that of losses 0 and 1."""
    mean = sum(losses, Fraction(0)) / len(losses)
    return scale * (phi(mean) - mean) - gap(losses)


@N17.check("certified")
@N17.twin("less by 1e-6, certified", less=1e-6)
def supremum_is_certified(*, less: float = 0.0) -> Evidence:
    """Encloses the supremum over two images and their shares to 1e-9."""

    def of_two(first: Any, second: Any, share: Any) -> Any:
        mean = share * first + (1 - share) * second
        return phi(mean) - share * phi(first) - (1 - share) * phi(second)

    found = interval.supremum(of_two, ((0.0, 1.0),) * 3)
    value = LARGEST - less
    slack = min(found.upper - value, value - found.lower)
    witness = {"lower": found.lower, "upper": found.upper, "at": found.at}
    return Evidence(slack, 1e-13, found.boxes, "interval", witness)


ROOT_MEAN = sympy.sqrt(2) - 1


@N17.check("algebra")
@N17.twin("at m = 1/2", mean=sympy.Rational(1, 2))
def bernoulli_reaches_it(*, mean: sympy.Expr = ROOT_MEAN) -> Evidence:
    """phi(m) - m = 3 - 2 sqrt 2 with slope 0 at m = sqrt 2 - 1."""
    m = sympy.symbols("m", positive=True)
    value = phi(m) - m
    return symbolic.identities(
        [
            (value.subs(m, mean), 3 - 2 * sympy.sqrt(2)),
            (sympy.diff(value, m).subs(m, mean), sympy.Integer(0)),
        ]
    )
