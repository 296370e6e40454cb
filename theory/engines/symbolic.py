"""Identities by algebra, with exact probing so that a false one gets a witness."""

import random
from collections.abc import Mapping, Sequence
from fractions import Fraction

import sympy

from theory.claim import Evidence, worst_of

PROBES = 8
_DIGITS = 40
_ROUNDING = 1e-30


def identity(left: sympy.Expr, right: sympy.Expr, *, seed: int = 0) -> Evidence:
    """Whether `left` - `right` simplifies to 0, and is 0 at random positive rationals.

    Returns:
      Evidence whose slack is minus the largest |difference| at a probe. Where all
      probes vanish but the algebra does not the slack is nan: undecided.
    """
    return identities([(left, right)], seed=seed)


def identities(
    pairs: Sequence[tuple[sympy.Expr, sympy.Expr]], *, seed: int = 0
) -> Evidence:
    """`identity` of several pairs: the worst of them is the evidence."""
    rng = random.Random(seed)
    return worst_of(_one(left, right, rng) for left, right in pairs)


def _one(left: sympy.Expr, right: sympy.Expr, rng: random.Random) -> Evidence:
    difference = sympy.sympify(left) - sympy.sympify(right)
    residual = sympy.simplify(difference)
    symbols = sorted(difference.free_symbols, key=str)
    probes = [
        {symbol: Fraction(rng.randint(1, 99), rng.randint(1, 99)) for symbol in symbols}
        for _ in range(PROBES if symbols else 1)
    ]
    gaps = [_size_at(difference, probe) for probe in probes]
    gap, probe = max(zip(gaps, probes, strict=True), key=lambda pair: pair[0])
    witness = {"residual": str(residual)}
    witness |= {str(symbol): value for symbol, value in probe.items()}
    proved = residual == 0 or gap > _ROUNDING
    slack = -gap if proved else float("nan")
    return Evidence(slack, _ROUNDING, len(probes), "symbolic", witness)


def _size_at(expression: sympy.Expr, probe: Mapping[sympy.Basic, Fraction]) -> float:
    """|expression| with rationals for its symbols, to many digits before rounding."""
    exact = [
        (symbol, sympy.Rational(value.numerator, value.denominator))
        for symbol, value in probe.items()
    ]
    return float(abs(sympy.N(expression.subs(exact), _DIGITS)))
