"""L07, L08: the steps of the proof of Proposition 1, curvature and Jensen's bound."""

import math
from collections.abc import Sequence
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import sympy
from jax import Array

from jaxseg.losses.marginal import Marginals, dice_bias_penalty
from theory.claim import Claim, Evidence, Verdict
from theory.engines import enumeration, samples, symbolic
from theory.engines.enumeration import for_each
from theory.liu import SOURCE
from theory.liu.bias import (
    describe,
    exponential,
    minimum,
    one_largest,
    printed,
    vertex,
)

Shares = Sequence[Fraction]


def bias(predicted: Array, actual: Array) -> Array:
    """DB of Eq. (6), jaxseg's terms summed."""
    return jnp.sum(dice_bias_penalty(Marginals.of_proportions(predicted, actual)))


# L07

L07 = Claim(
    id="L07",
    source=SOURCE,
    where="Appendix A.1, after Eq. (6)",
    statement=(
        "The Hessian of g(p) = sum_k log(p_k + y_k) is diagonal with -1 / p_k^2."
    ),
    assumes="p_k + y_k > 0 for all k; p as free variables, not held to sum 1.",
    verdict=Verdict.CORRECTED,
    correction=(
        "It is diagonal with -1 / (p_k + y_k)^2, which is the printed entry only for a "
        "class with y_k = 0. Concavity, all that the proof needs, follows as well, and "
        "strictly so."
    ),
    counterexample=(
        "One entry at p_k = y_k = 1/2: the second derivative of log(p + 1/2) is -1, "
        "not -4."
    ),
    proof="d/dp_k log(p_k + y_k) = 1 / (p_k + y_k); differentiate once more.",
    values={
        "curvature_at_1/2_1/2": -1.0,
        "printed_at_1/2_1/2": -4.0,
        "curvature_at_0_1/10": -100.0,
    },
)


@L07.check("algebra")
@L07.twin("printed, algebra", actual=0)
def curvature_formula(*, actual: int = 1) -> Evidence:
    """All second derivatives of three classes; `actual` = 0 is the printed formula."""
    p, y = sympy.symbols("p:3", positive=True), sympy.symbols("y:3", positive=True)
    bias = sum(sympy.log(a + b) for a, b in zip(p, y, strict=True))
    pairs = [
        (
            sympy.diff(bias, p[i], p[j]),
            -1 / (p[i] + actual * y[i]) ** 2 if i == j else sympy.Integer(0),
        )
        for i in range(3)
        for j in range(3)
    ]
    return symbolic.identities(pairs)


@jax.jit
@jax.vmap
def _hessians(predicted: Array, actual: Array) -> Array:
    return jax.hessian(bias)(predicted, actual)


@L07.check("Hessian of the penalty")
@L07.twin("y larger by 1e-6", actual=1 + 1e-6)
@L07.twin("printed, Hessian", actual=0.0)
def curvature_of_penalty(*, actual: float = 1.0) -> Evidence:
    """The Hessian of jaxseg's penalty by autodiff, relative to its largest entry."""
    draws = jax.nn.softmax(jax.random.normal(jax.random.key(7), (400, 3)))
    p, y = (np.asarray(part) for part in jnp.split(draws, 2))
    by_hand = np.eye(3) * (-1 / (p + actual * y) ** 2)[:, None, :]
    gaps = np.abs(np.asarray(_hessians(p, y)) - by_hand).max(axis=(1, 2))
    slack = -gaps / np.abs(by_hand).max(axis=(1, 2))
    case = {"predicted": p, "actual": y}
    return samples.worst_draw(slack, case, tolerance=1e-10)


# L08

L08 = Claim(
    id="L08",
    source=SOURCE,
    where="Appendix A.1, Eqs. (7)-(10)",
    statement=(
        "g(p) >= sum_k p_k g(e_k); g(e_k) >= g(t) for all k, as g(e_k) - g(t) = log(1 "
        "+ 1 / y_k) - log(1 + 1 / y_j) >= 0; hence g(p) >= g(t)."
    ),
    assumes="p and y in the simplex, log 0 = minus infinity and 0 times that = 0.",
    verdict=Verdict.CORRECTED,
    correction=(
        "(7) holds always. (8) and (9) hold for the vertex t = e_j of any one largest "
        "class j, (9) where all y_k > 0; on a tie the printed t has several ones and "
        "(8) fails. If just one class is empty (9) reads infinity = infinity, if two "
        "are, minus infinity less minus infinity; (8) and (10) stay true as printed."
    ),
    counterexample=(
        "y = (1/2, 1/2), printed t = (1, 1): exp g(e_1) = 3/4 < exp g(t) = 9/4. Two "
        "empty classes: y = (1, 0, 0) has g(e_2) = log(1 * 1 * 0), g(t) = log(2 * 0 * "
        "0)."
    ),
    proof=(
        "(7) is Jensen's inequality for the concave g (L07). g(e_k) = sum_m log y_m + "
        "log(1 + y_k) - log y_k, and log(1 + 1/x) falls in x. Weights p_k sum to 1."
    ),
    values={
        # g at the middle less Jensen's bound, two equal classes
        "jensen_gap_at_p=y=1/2": math.log(1) - minimum((0.5, 0.5), 0),
        "(9)_for_3/4_1/4": math.log(5) - math.log(7 / 3),
    },
)


def _pairs(*, smallest: int):
    """Pairs (p, y) of points on grids of the simplex; y in parts of at least that."""
    for classes, parts in ((2, 12), (3, 7), (4, 5)):
        for actual in enumeration.simplex_grid(classes, parts):
            if min(actual) * parts < smallest:
                continue
            for predicted in enumeration.simplex_grid(classes, parts):
                yield predicted, actual


def _values_at_vertices(actual: Shares) -> list[Fraction]:
    """Exp g(e_k) for each class k."""
    classes = len(actual)
    return [exponential(vertex(classes, k), actual) for k in range(classes)]


@L08.check("(7), exact")
@L08.twin("(7) by a factor 1 + 1e-6", excess=Fraction(1, 10**6))
@for_each(lambda: _pairs(smallest=0))
def jensen(
    predicted: Shares, actual: Shares, *, excess: Fraction = Fraction(0)
) -> Fraction:
    """(7), both sides exponentiated and to the power of the grid's parts: exact.

    Empty classes are cases too: there both sides may be 0, with 0^0 = 1.
    """
    parts = math.lcm(*(share.denominator for share in predicted))
    right = math.prod(
        vertex ** int(share * parts)
        for vertex, share in zip(_values_at_vertices(actual), predicted, strict=True)
    )
    return exponential(predicted, actual) ** parts - right * (1 + excess)


@L08.check("(8), exact")
@L08.twin("(8) for the printed t", target=printed)
def vertices(*, target=one_largest) -> Evidence:
    """(8): exp g(e_k) >= exp g(t), ties and empty classes included."""

    def slack(case: tuple[Shares, Shares]) -> Fraction:
        _, actual = case
        return min(_values_at_vertices(actual)) - exponential(target(actual), actual)

    cases = {actual: ((), actual) for _, actual in _pairs(smallest=0)}
    return enumeration.worst_case(cases.values(), slack, describe=describe)


@L08.check("(9), exact")
@L08.twin("(9) with empty classes", smallest=0)
@L08.twin("(9) with log(2 + 1/y)", plus=2)
def difference(*, smallest: int = 1, plus: int = 1) -> Evidence:
    """(9): exp g(e_k) (1 + 1 / y_j) = exp g(t) (1 + 1 / y_k), and at least exp g(t).

    Multiplied out, so that it can be asked for an empty class too, where it is 0 = 0
    with two of them: `smallest` = 0 therefore asks for the printed quotient.
    """

    def slack(case: tuple[Shares, Shares]) -> Fraction:
        _, actual = case
        top = max(actual)
        at_top = exponential(one_largest(actual), actual)
        if at_top == 0:
            return Fraction(-1)  # g(t) is minus infinity: no difference of numbers
        gaps = [
            abs(vertex / at_top - (plus + 1 / own) / (plus + 1 / top))
            for vertex, own in zip(_values_at_vertices(actual), actual, strict=True)
        ]
        return -max(gaps)

    cases = {actual: ((), actual) for _, actual in _pairs(smallest=smallest)}
    return enumeration.worst_case(cases.values(), slack, describe=describe)
