"""E27: how far the Tversky index is from the Dice coefficient, absolutely."""

import dataclasses
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import sympy

from jaxseg import counts, links
from jaxseg.counts import SoftCounts
from jaxseg.losses import dice_loss, tversky_loss
from theory.claim import Claim, Evidence, Verdict, worst_of
from theory.eelbode import SOURCE
from theory.engines import enumeration, interval, samples, search, symbolic

E27 = Claim(
    id="E27",
    source=SOURCE,
    where="Prop. II.3, absolute; Eqs. (29)-(32)",
    statement=(
        "sup |D - T_ab| = max(|sqrt(2 alpha) - 1| / (sqrt(2 alpha) + 1), the same in "
        "beta)."
    ),
    assumes=(
        "alpha, beta > 0; the supremum is over images of all sizes. Two empty masks "
        "have D = T = 1 and no error."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "At fixed TP and FP + FN, D is constant and T is monotone in the trade of FP "
        "for FN, so |D - T| is largest with FN = 0 or FP = 0. With FN = 0 and r = FP / "
        "TP the error is |1 / (1 + r / 2) - 1 / (1 + alpha r)|, zero at both ends, and "
        "its slope vanishes at r = sqrt(2 / alpha) alone, where alpha r = sqrt(2 "
        "alpha) and r / 2 is its inverse: hence the value. It is reached there, with "
        "TP / (TP + FP) = 1 / (1 + sqrt(2 / alpha)), by soft predictions always and by "
        "hard masks if and only if sqrt(2 / alpha) is rational: at alpha = 2, where "
        "the printed maximiser reads 0 / 0, by TP = FP."
    ),
    values=lambda: _values(),
)

Weights = tuple[Fraction, Fraction]  # (alpha, beta)

ROOTED = tuple(
    (Fraction(a), Fraction(b))
    for a, b in (("2", "2"), ("9/8", "2"), ("2/9", "1/8"), ("2", "2/9"))
)
"""Weights whose sqrt(2 alpha) is rational: hard masks reach the supremum."""

GRID = tuple(
    (Fraction(a), Fraction(b))
    for a, b in (
        ("1", "1"),
        ("2", "2"),
        ("3/10", "7/10"),
        ("7/10", "3/10"),
        ("1/10", "9/10"),
        ("1/4", "2"),
        ("2", "1/4"),
        ("5", "1/2"),
        ("3/4", "3"),
        ("1/20", "1/10"),
    )
)
"""Both sides of 1/2, equal and unequal; alpha = 2 makes the printed maximiser 0 / 0."""


def edge_error(weight: float | Fraction) -> float:
    """|sqrt(2 w) - 1| / (sqrt(2 w) + 1): the largest error with one kind of mistake."""
    root = math.sqrt(2 * weight)
    return abs(root - 1) / (root + 1)


def bound(alpha: Any, beta: Any, pick: Callable = max) -> float:
    """The printed absolute error."""
    return pick(edge_error(alpha), edge_error(beta))


def _rational_bound(weights: Weights, pick: Callable) -> Fraction:
    def root(weight: Fraction) -> Fraction:
        twice = 2 * weight
        exact = Fraction(math.isqrt(twice.numerator), math.isqrt(twice.denominator))
        assert exact**2 == twice
        return exact

    return pick(abs(root(w) - 1) / (root(w) + 1) for w in weights)


def _error(masks: SoftCounts, alpha: Any, beta: Any) -> Any:
    """D - T."""
    tversky = counts.tversky_index(masks, alpha=alpha, beta=beta)
    return counts.dice_index(masks) - tversky


@E27.check("hard masks")
@E27.twin("less by 1e-6, hard masks", less=Fraction(1, 10**6))
@E27.twin("min for max, hard masks", pick=min)
def exact_masks(
    *, pixels: int = 9, less: Fraction = Fraction(0), pick: Callable = max
) -> Evidence:
    """Hard masks never exceed the bound where it is rational, and do reach it."""

    def slack(weights: Weights) -> Evidence:
        value = _rational_bound(weights, pick) - less
        found = enumeration.over_counts(
            lambda masks: -abs(Fraction(_error(masks, *weights))), pixels=pixels
        )
        return found.with_slack(-abs(-found.slack - value))

    return enumeration.worst_case(ROOTED, slack, describe=_named)


def _named(weights: Weights) -> dict[str, Fraction]:
    return {"alpha": weights[0], "beta": weights[1]}


@E27.check("edges")
@E27.twin("sqrt(2 a) + 2 below", below=2)
def slopes_on_the_edges(*, below: int = 1) -> Evidence:
    """With one kind of mistake, r = FP / TP: the slope's only zero and its value."""
    alpha, r = sympy.symbols("alpha r", positive=True)
    root = sympy.sqrt(2 * alpha)
    value = (root - 1) / (root + below)
    at = {r: sympy.sqrt(2 / alpha)}
    one, none = sympy.Integer(1), sympy.Integer(0)
    false_positives = _error(SoftCounts.of_sets(one, r, none, 1 + r), alpha, alpha + 1)
    false_negatives = _error(SoftCounts.of_sets(one, none, r, 1 + r), alpha + 1, alpha)
    slope = sympy.diff(false_positives, r)
    # one sign up to r = sqrt(2 / alpha), the other sign beyond
    shape = (alpha - sympy.Rational(1, 2)) * (1 - alpha * r**2 / 2)
    shape /= (1 + r / 2) ** 2 * (1 + alpha * r) ** 2
    return symbolic.identities(
        [
            (false_positives.subs(at), value),
            (false_negatives.subs(at), value),
            (slope, shape),
        ]
    )


@E27.check("between the edges")
@E27.twin("T moves the other way", sign=-1)
def slopes_between_the_edges(*, sign: int = 1) -> Evidence:
    """Trading FP for FN leaves D alone and moves T one way: the slope's exact form."""
    tp, fp, fn, alpha, beta = sympy.symbols("tp fp fn alpha beta", positive=True)
    shift = sympy.symbols("shift", positive=True)
    masks = SoftCounts.of_sets(tp, fp + shift, fn - shift, 1)
    errors = alpha * masks.false_positives + beta * masks.false_negatives
    slope = sign * (alpha - beta) * tp / (tp + errors) ** 2
    return symbolic.identities([(sympy.diff(_error(masks, alpha, beta), shift), slope)])


@E27.check("certified")
@E27.twin("less by 1e-6, certified", less=1e-6)
@E27.twin("min for max, certified", pick=min)
def supremum_is_certified(*, less: float = 0.0, pick: Callable = max) -> Evidence:
    """Encloses the supremum to 1e-9 for each pair of weights; is the bound inside?"""
    found = []
    for alpha, beta in GRID:
        lower, upper, boxes = enclose(alpha, beta)
        value = bound(alpha, beta, pick) - less
        slack = min(upper - value, value - lower)
        witness = {"alpha": alpha, "beta": beta, "lower": lower, "upper": upper}
        found.append(Evidence(slack, 1e-13, boxes, "interval", witness))
    return worst_of(found)


def enclose(alpha: Fraction, beta: Fraction) -> tuple[float, float, int]:
    """Enclosure of sup |D - T| over TP + FP + FN = 1, and the boxes it took."""

    def error(overlap: Any, share: Any) -> Any:
        wrong = 1 - overlap
        masks = SoftCounts.of_sets(overlap, wrong * share, wrong * (1 - share), 1)
        return abs(_error(masks, alpha, beta))

    # equal weights see FP + FN alone, so one edge says it all
    shares = (1.0, 1.0) if alpha == beta else (0.0, 1.0)
    found = interval.supremum(error, ((0.0, 1.0), shares))
    return found.lower, found.upper, found.boxes


@E27.check("losses")
@E27.twin("less by 1e-6, losses", less=1e-6)
@E27.twin("more by 1e-4, losses", less=-1e-4)
def ascent_approaches_the_bound(*, less: float = 0.0, pick: Callable = max) -> Evidence:
    """Ascent on the losses over soft predictions approaches the bound from below."""
    pixels, tries = 16, 200
    weights = np.repeat(np.array(GRID, float), tries, axis=0)
    labels = (jnp.arange(pixels) < 2).astype(int)
    noise_key, level_key = jax.random.split(jax.random.key(27))
    noise = jax.random.normal(noise_key, (len(weights), pixels, 1))
    # one level for the object and one for the rest, so both kinds of mistake lead
    level = jax.random.uniform(level_key, (len(weights), 2, 1), minval=-6, maxval=6)
    starts = noise + level[:, 1 - labels]
    every = jnp.broadcast_to(labels, (len(weights), pixels))
    found = search.maximise(_loss_error, starts, every, weights)
    reached = found.values.reshape(len(GRID), tries).max(axis=1)
    values = np.array([bound(*pair, pick) for pair in GRID]) - less
    slack = np.minimum(values - reached, reached - (values - 5e-5))
    case = {"weights": np.array(GRID, float), "bound": values, "reached": reached}
    worst = samples.worst_draw(slack, case, tolerance=1e-12, method="search")
    return dataclasses.replace(worst, cases=found.starts)


def _loss_error(logits, labels, weights):
    """|D - T| of one image, through the losses; weights ``[2]``."""
    alpha, beta = weights
    dice = dice_loss(logits, labels, link=links.sigmoid)
    tversky = tversky_loss(logits, labels, alpha=alpha, beta=beta, link=links.sigmoid)
    return jnp.abs(tversky - dice)


def _values() -> dict[str, float]:
    pairs = ((1, 1), (0.3, 0.7), (0.7, 0.3), (2, 2), (0.125, 0.125), (2, 0.25))
    values = {f"error_at_{a:g}_{b:g}": bound(a, b) for a, b in pairs}
    for weight in (0.125, 1, 2):
        ratio = math.sqrt(2 / weight)
        values[f"fp_per_tp_at_alpha_{weight:g}"] = ratio
        values[f"tp_share_at_alpha_{weight:g}"] = 1 / (1 + ratio)
    return values
