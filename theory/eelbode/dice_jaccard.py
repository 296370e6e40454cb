"""E17, E18: how well Dice and Jaccard approximate each other."""

import math
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import sympy

from jaxseg import counts, links
from jaxseg.counts import SoftCounts
from jaxseg.losses import dice_loss, jaccard_loss
from theory.claim import Claim, Evidence, Verdict, worst_of
from theory.eelbode import SOURCE
from theory.engines import enumeration, interval, samples, search, symbolic
from theory.engines.enumeration import over_masks

LARGEST_GAP = 3 - 2 * math.sqrt(2)
AT_DICE = 2 - math.sqrt(2)
AT_JACCARD = math.sqrt(2) - 1
EXACT_DICE = 2 - sympy.sqrt(2)
TIGHTER = Fraction(1, 10**6)


def _indices(masks: SoftCounts) -> tuple[Any, Any]:
    return counts.dice_index(masks), counts.jaccard_index(masks)


def _overlap(masks: SoftCounts) -> bool:
    return masks.intersection > 0


def one_pixel_right(sizes: list[int]) -> list[tuple[int, int, int]]:
    """(tp, fp, fn) = (1, d - 1, 0) for each size d: where D / J is largest."""
    return [(1, size - 1, 0) for size in sizes]


# E17, relative error

E17 = Claim(
    id="E17",
    source=SOURCE,
    where="Prop. II.1, relative; Eqs. (17), (18)",
    statement="J and D approximate each other with relative error 1.",
    assumes=(
        "Def. II.2, least error over all sizes of image. Where D = J = 0 it asks "
        "nothing."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "J <= D always. Where J > 0, D / J = 2 - D < 2, so an error of 1 suffices, and "
        "D / J tends to 2 as D tends to 0, so no smaller one does for all sizes. On "
        "images of d pixels J >= 1/d where positive, so the largest ratio is 2 d / (d "
        "+ 1), at one common pixel and d - 1 in one mask alone: the value 2 is "
        "approached at the rate 2 / (d + 1) and never reached."
    ),
    values=lambda: {
        "relative_error": 1.0,
        **{
            f"largest_ratio_at_{d}_pixels": float(largest_ratio(d))
            for d in (1, 2, 10, 100, 10_000)
        },
    },
)


@E17.check("never exceeded")
@E17.twin("error less by 1e-6", error=1 - TIGHTER)
def ratio_within(*, error: Fraction = Fraction(1), pixels: int = 24) -> Evidence:
    """J <= D (1 + error) and D <= J (1 + error): on all masks, then on far ones."""

    def slack(masks: SoftCounts) -> Fraction:
        dice, jaccard = map(Fraction, _indices(masks))
        return min(dice * (1 + error) - jaccard, jaccard * (1 + error) - dice) / dice

    far = one_pixel_right([10**k for k in range(2, 10)])
    near = enumeration.over_counts(slack, pixels=pixels, only=_overlap)
    away = enumeration.over_counts(slack, pixels=10**9, only=_overlap, triples=far)
    return worst_of((near, away))


def largest_ratio(pixels: int) -> Fraction:
    """Max D / J over hard masks of at most so many pixels with J > 0: 2 d / (d + 1)."""
    return Fraction(2 * pixels, pixels + 1)


@E17.check("maximum by size")
@E17.twin("reached at some size", largest=lambda _: Fraction(2))
def ratio_approached(*, largest=largest_ratio) -> Evidence:
    """The exact maximum of D / J for each size, by enumeration of all masks."""

    def excess(masks: SoftCounts) -> Fraction:
        dice, jaccard = map(Fraction, _indices(masks))
        return -dice / jaccard

    def slack(pixels: int) -> Evidence:
        found = enumeration.over_counts(excess, pixels=pixels, only=_overlap)
        return found.with_slack(-abs(-found.slack - largest(pixels)))

    sizes = (1, 2, 3, 5, 8, 12, 16)
    return enumeration.worst_case(sizes, slack, describe=lambda d: {"pixels": d})


@E17.check("algebra")
@E17.twin("ratio 3 - D", constant=3)
def ratio_formula(*, constant: int = 2) -> Evidence:
    """D / J = 2 - D, whose limit at D = 0 is 2."""
    masks = SoftCounts.of_sets(*sympy.symbols("tp fp fn pixels", positive=True))
    dice, jaccard = _indices(masks)
    tp = masks.intersection
    limit = sympy.limit(dice / jaccard, tp, 0)
    return symbolic.identities(
        [(dice / jaccard, constant - dice), (limit, sympy.Integer(constant))]
    )


# E18, absolute error

E18 = Claim(
    id="E18",
    source=SOURCE,
    where="Prop. II.1, absolute; Eqs. (19)-(21)",
    statement="sup |D - J| = 3 - 2 sqrt 2 = 0.17157..., at D = 2 - sqrt 2.",
    assumes=(
        "The supremum is over images of all sizes; over D in [0, 1] it is a maximum."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "D - J = x - x / (2 - x) with x = D is concave on [0, 1], with slope 1 - 2 / "
        "(2 - x)^2, zero at x = 2 - sqrt 2, where J = sqrt 2 - 1. Hard masks have "
        "rational D and never reach it; those with J = 2/5, 5/12, 12/29, ... (the "
        "convergents of sqrt 2 - 1) come nearest, with gaps 6/35, 35/204, 204/1189. "
        "Soft predictions reach it: one foreground pixel with p = sqrt 2 - 1."
    ),
    values=lambda: gap_values(),
)


@E18.check("never exceeded")
@E18.twin("less by 1e-6, exact", less=TIGHTER)
@over_masks(pixels=29)
def gap_within(masks: SoftCounts, *, less: Fraction = Fraction(0)) -> Fraction:
    """|D - J| <= 3 - 2 sqrt 2 - less, in rationals: (3 - less - |D - J|)^2 >= 8."""
    dice, jaccard = map(Fraction, _indices(masks))
    return (3 - less - abs(dice - jaccard)) ** 2 - 8


def largest_gap(pixels: int) -> tuple[Fraction, Fraction]:
    """Max |D - J| over hard masks of at most so many pixels, and the J where it is.

    With J = m / n the gap is J (1 - J) / (1 + J), so n alone bounds the size needed.
    """
    fractions = {Fraction(m, n) for n in range(1, pixels + 1) for m in range(n + 1)}
    return max((j * (1 - j) / (1 + j), j) for j in fractions)


@E18.check("maximum by size")
@E18.twin("reached by hard masks", largest=lambda _: (Fraction(LARGEST_GAP), None))
def gap_by_size(*, largest=largest_gap) -> Evidence:
    """The exact maximum for each size, by enumeration of all masks."""

    def below(masks: SoftCounts) -> Fraction:
        dice, jaccard = map(Fraction, _indices(masks))
        return -abs(dice - jaccard)

    def slack(pixels: int) -> Evidence:
        found = enumeration.over_counts(below, pixels=pixels)
        return found.with_slack(-abs(-found.slack - largest(pixels)[0]))

    sizes = (1, 2, 3, 5, 8, 12, 17)
    return enumeration.worst_case(sizes, slack, describe=lambda d: {"pixels": d})


@E18.check("algebra")
@E18.twin("maximum at D = sqrt 2 - 1", dice=sympy.sqrt(2) - 1)
def stationary_point(*, dice: sympy.Expr = EXACT_DICE) -> Evidence:
    """At D = 2 - sqrt 2 the gap has slope 0 and the stated value, and it is concave."""
    x = sympy.symbols("x", positive=True)
    index, jaccard = _indices(SoftCounts.of_sets(x, 1 - x, sympy.Integer(0), 1))
    at = {x: dice / (2 - dice)}
    gap = index - jaccard
    curvature = sympy.diff(gap, x, 2)
    return symbolic.identities(
        [
            (sympy.diff(gap, x).subs(at), sympy.Integer(0)),
            (gap.subs(at), 3 - 2 * sympy.sqrt(2)),
            (curvature, -4 / (1 + x) ** 3),
        ]
    )


@E18.check("certified")
@E18.twin("less by 1e-6, certified", less=1e-6)
@E18.twin("more by 1e-6, certified", less=-1e-6)
def certified_gap(*, less: float = 0.0) -> Evidence:
    """Encloses the supremum to 1e-12 and asks whether 3 - 2 sqrt 2 - less is inside."""

    def gap(overlap: Any) -> Any:
        dice, jaccard = _indices(SoftCounts.of_sets(overlap, 1 - overlap, 0, 1))
        return dice - jaccard

    found = interval.supremum(gap, ((0.0, 1.0),), width=1e-12)
    value = LARGEST_GAP - less
    slack = min(found.upper - value, value - found.lower)
    witness = {"lower": found.lower, "upper": found.upper, "overlap": found.at}
    return Evidence(slack, 1e-15, found.boxes, "interval", witness)


def _loss_gap(logits, labels):
    dice = dice_loss(logits, labels, link=links.sigmoid)
    return jnp.abs(jaccard_loss(logits, labels, link=links.sigmoid) - dice)


@E18.check("losses")
@E18.twin("less by 1e-6, losses", less=1e-6)
def searched_gap(*, less: float = 0.0, reach: float = 1e-12) -> Evidence:
    """Ascent on the losses over soft predictions comes to the supremum, not beyond."""
    pixels = 6
    labels = jnp.arange(pixels) < 2
    starts = samples.draw_logits(jax.random.key(18), 256, pixels, 1)
    found = search.maximise(lambda z: _loss_gap(z, labels.astype(int)), starts)
    value, logits = found.best()
    slack = min(LARGEST_GAP - less - value, value - (LARGEST_GAP - reach))
    witness = {"value": value, "logits": logits, "labels": np.asarray(labels)}
    return Evidence(slack, 1e-14, found.starts, "search", witness)


@E18.check("one soft pixel")
@E18.twin("reached at p = 1/2", prob=0.5)
def soft_pixel(*, prob: float = AT_JACCARD) -> Evidence:
    """One foreground pixel predicted with probability sqrt 2 - 1 reaches it."""
    logits = jnp.log(jnp.array([[prob / (1 - prob)]]))
    gap = float(_loss_gap(logits, jnp.array([1])))
    witness = {"probability": prob, "gap": gap}
    return Evidence(-abs(gap - LARGEST_GAP), 1e-14, 1, "samples", witness)


def gap_values() -> dict[str, float]:
    """The supremum, where it is, and how near hard masks of d pixels come."""
    values = {"largest_gap": LARGEST_GAP, "at_dice": AT_DICE, "at_jaccard": AT_JACCARD}
    for pixels in (2, 5, 12, 29, 70):
        gap, _ = largest_gap(pixels)
        values[f"largest_gap_at_{pixels}_pixels"] = float(gap)
        values[f"shortfall_at_{pixels}_pixels"] = LARGEST_GAP - float(gap)
    return values
