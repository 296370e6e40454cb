"""L09, L21: which label-marginal terms are penalties in the sense of Section 2.1."""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import sympy

from jaxseg.losses.marginal import Marginals, kl_penalty, l1_penalty
from theory.claim import Claim, Evidence, Verdict
from theory.engines import enumeration, examples, symbolic
from theory.engines.enumeration import for_each
from theory.liu import SOURCE
from theory.liu.bias import (
    describe,
    exponential,
    minimum,
    one_largest,
    one_smallest,
)

Shares = Sequence[Fraction]


def _simplex(*, empty: bool):
    """Pairs (p, y) on grids, y with empty classes or without."""
    for classes, parts in ((2, 24), (3, 9)):
        for actual in enumeration.simplex_grid(classes, parts):
            if min(actual) > 0 or empty:
                for predicted in enumeration.simplex_grid(classes, parts):
                    yield predicted, actual


# L09

L09 = Claim(
    id="L09",
    source=SOURCE,
    where="Sections 2.1 and 2.3",
    statement=(
        "DB is a penalty function for p = t: continuous and differentiable on the "
        "simplex, globally smallest at t, increasing when p deviates from t."
    ),
    assumes="t is the vertex of one largest class (L06).",
    verdict=Verdict.DEPENDS,
    readings={
        "continuous, differentiable, g(t) <= g(p), where every y_k > 0": "Holds.",
        "the same with an empty class": (
            "Fails: DB is minus infinity wherever an empty class stays empty, at t and "
            "at infinitely many other p."
        ),
        "increasing near t, where every y_k > 0 and the largest class is unique": (
            "Holds: to class k at the rate 1 / y_k - 1 / (1 + y_j) > 0."
        ),
        "increasing all the way": (
            "Fails: on the edge to e_k DB rises up to a share of (1 + y_j - y_k) / 2 "
            "and then falls; every vertex is a strict local minimum."
        ),
    },
    counterexample=(
        "y = (3/5, 2/5): along p = (1 - s, s), exp DB = (8/5 - s) (2/5 + s) is 0.64 at "
        "s = 0, 1 at s = 3/5 and 0.84 at s = 1."
    ),
    proof=(
        "With y_k > 0 all arguments of the logs stay above min y. On an edge exp DB is "
        "a concave parabola in s times a constant, largest where 1 - s + y_j = s + "
        "y_k. A strictly concave function on the simplex cannot increase away from a "
        "vertex up to another local minimum."
    ),
    values={
        "db_at_t": minimum((0.6, 0.4), 0),
        "db_at_other_vertex": minimum((0.6, 0.4), 1),
        "turning_share": 0.6,
        "slope_at_t": 1 / 0.4 - 1 / 1.6,
    },
)


@L09.check("smallest at t")
@L09.twin("smallest class", target=one_smallest)
@for_each(lambda: _simplex(empty=False))
def smallest_at_target(
    predicted: Shares, actual: Shares, *, target: Callable = one_largest
) -> Fraction:
    """Section 2.1's g(t) <= g(p), for exp DB and t the vertex of a largest class."""
    return exponential(predicted, actual) - exponential(target(actual), actual)


@L09.check("finite slopes")
@L09.twin("empty classes", empty=True)
def finite_slopes(*, empty: bool = False) -> Evidence:
    """DB is finite with finite slopes, that is p_k + y_k > 0: on all of the simplex."""

    def slack(case: tuple[Shares, Shares]) -> Fraction:
        predicted, actual = case
        sums = [p + y for p, y in zip(predicted, actual, strict=True)]
        return min(sums) - Fraction(1, 10**9)

    return enumeration.worst_case(_simplex(empty=empty), slack, describe=describe)


def _values_along_edge(actual: Shares, k: int, share: Fraction) -> Fraction:
    """Exp DB with `share` of the pixels moved from the largest class j to class k."""
    j = actual.index(max(actual))
    moved = [Fraction(0)] * len(actual)
    moved[j], moved[k] = 1 - share, share
    return exponential(moved, actual)


def turning_point(actual: Shares, k: int) -> Fraction:
    """The share at which DB stops to rise: (1 + y_j - y_k) / 2, at most 1."""
    return min(Fraction(1), (1 + max(actual) - actual[k]) / 2)


@L09.check("along edges")
@L09.twin("increasing everywhere", everywhere=True)
def rises_then_falls(*, everywhere: bool = False) -> Evidence:
    """On the edge from t to e_k DB rises up to the turning point and then falls.

    The printed "increases" is the case `everywhere`.
    """

    def slack(case: tuple[Shares, int, int]) -> Fraction:
        actual, k, step = case
        low, high = Fraction(step, 60), Fraction(step + 1, 60)
        change = _values_along_edge(actual, k, high) - _values_along_edge(
            actual, k, low
        )
        turn = turning_point(actual, k)
        if everywhere or high <= turn:
            return change
        return -change if low >= turn else Fraction(0)

    cases = [
        (actual, k, step)
        for actual in enumeration.simplex_grid(3, 8)
        for k in range(3)
        for step in range(60)
        if min(actual) > 0 and k != actual.index(max(actual))
    ]
    return enumeration.worst_case(
        cases,
        slack,
        describe=lambda case: {
            "actual": list(case[0]),
            "towards": case[1],
            "from_share": Fraction(case[2], 60),
        },
    )


# L21

L21 = Claim(
    id="L21",
    source=SOURCE,
    where="Section 2.1 against Section 2.6, Eq. (5)",
    statement=(
        "L1(y, p) and D_KL(y || p) are penalty functions for p = y in the sense of "
        "Section 2.1: continuous and differentiable on the simplex, g(y) <= g(p)."
    ),
    assumes="y in the simplex; D_KL with 0 log 0 = 0 and log(1/0) infinite.",
    verdict=Verdict.FAILS,
    counterexample=(
        "Two classes, y = (1/2, 1/2), p = (1/2 + s, 1/2 - s): L1 = 2 |s| has no slope "
        "at the target itself. D_KL = -log(1 - 4 s^2) / 2 is infinite at s = 1/2, a "
        "point of the simplex."
    ),
    correction=(
        "Both are convex, 0 at p = y and positive elsewhere, and they increase along "
        "every ray from y. L1 is continuous on the simplex and differentiable where no "
        "p_k = y_k. D_KL is smooth where p_k > 0 for each class with y_k > 0, and "
        "infinite elsewhere: an extended penalty, which keeps no class at 0."
    ),
    proof=(
        "A convex function with a unique minimum increases along rays from it. L1 is a "
        "norm; D_KL >= L1^2 / 2 (N12)."
    ),
    values={
        "slope_left_of_y": -2.0,
        "slope_right_of_y": 2.0,
        "kl_at_s_1/4": -math.log(1 - 1 / 4) / 2,
        "l1_at_s_1/4": 0.5,
    },
)


@L21.check("zero at y alone")
@L21.twin("above 1/12 off y", also_at=Fraction(1, 12))
@for_each(lambda: _simplex(empty=True))
def zero_at_target_alone(
    predicted: Shares, actual: Shares, *, also_at: Fraction = Fraction(0)
) -> Fraction:
    """L1 = 0 at p = y, else L1 > `also_at`; by Pinsker (N12) the same holds of KL."""
    l1 = sum(abs(p - y) for p, y in zip(predicted, actual, strict=True))
    return -Fraction(l1) if predicted == actual else l1 - also_at - Fraction(1, 10**9)


@L21.check("increase on rays")
@L21.twin("decrease on rays", to=-1.0)
def increase_on_rays(*, steps: int = 8, to: float = 1.0) -> Evidence:
    """From y towards each vertex jaxseg's two penalties rise; `to` < 0 runs backwards.

    In steps of the way to just before the vertex, where KL is infinite.
    """
    actual = np.array(list(enumeration.simplex_grid(3, 8)), float)
    actual = actual[actual.min(axis=1) > 0]
    ways = np.linspace(0, 0.99, steps)[:, None, None, None]
    points = actual[:, None] + ways * (np.eye(3) - actual[:, None])
    points = jnp.array(points)
    given = jnp.broadcast_to(actual[:, None], points.shape)
    marginals = Marginals.of_proportions(points, given)
    rises = [
        np.diff(np.asarray(penalty(marginals)).sum(axis=-1), axis=0) * to
        for penalty in (l1_penalty, kl_penalty)
    ]
    least = np.minimum(*rises).min(axis=(0, 2))
    return Evidence(
        float(least.min()) - 1e-9,
        0.0,
        least.size,
        "samples",
        {"actual": actual[np.argmin(least)]},
    )


@L21.check("kink, algebra")
@L21.twin("no kink, algebra", jump=0)
def kink(*, jump: int = 4) -> Evidence:
    """Two classes: the slope of L1 at p = y jumps from -2 to 2."""
    s = sympy.symbols("s", real=True)
    l1 = abs(s) + abs(-s)
    right, left = (sympy.limit(l1 / s, s, 0, side) for side in "+-")
    return symbolic.identity(right - left, sympy.Integer(jump))


@L21.check("kink of the loss")
@L21.twin("no kink of the loss", jump=0.0)
def jump_of_the_loss(*, jump: float = 4.0) -> Evidence:
    """The same jump by autodiff of jaxseg's term, either side of p = y."""

    def l1(share):
        predicted = jnp.stack([share, 1 - share])
        marginals = Marginals.of_proportions(predicted, jnp.array([0.3, 0.7]))
        return jnp.sum(l1_penalty(marginals))

    slopes = jax.vmap(jax.grad(l1))(jnp.array([0.3 - 1e-6, 0.3 + 1e-6]))
    found = {"jump": float(slopes[1] - slopes[0])}
    return examples.agree(found, {"jump": jump}, tolerance=1e-12)


@L21.check("KL unbounded")
@L21.twin("KL bounded", rate=0.0)
def kl_is_unbounded(*, rate: float = 0.5) -> Evidence:
    """KL from y = (1/2, 1/2) grows like `rate` times n at p_1 = exp(-n).

    By hand n/2 - log 2 - log(1 - p_1) / 2, so it has no bound.
    """
    found, expected = {}, {}
    for n in (1, 10, 50, 500):
        share = math.exp(-n)
        marginals = Marginals.of_proportions(
            jnp.array([share, 1 - share]), jnp.full(2, 0.5)
        )
        found[f"n={n}"] = float(jnp.sum(kl_penalty(marginals)))
        expected[f"n={n}"] = rate * n - math.log(2) - math.log1p(-share) / 2
    return examples.agree(found, expected, tolerance=1e-11)
