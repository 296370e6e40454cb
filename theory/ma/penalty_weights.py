"""M19, M20: what the penalty of generalised Dice weighs."""

import itertools
from fractions import Fraction

import jax
from jax import Array

from jaxseg.counts import SoftCounts
from jaxseg.losses import generalized_dice_loss, penalized_generalized_dice_loss
from theory.claim import Claim, Evidence, Verdict
from theory.engines import enumeration, residuals, symbolic
from theory.ma import SOURCE
from theory.ma.generalized import (
    Confusion,
    class_counts,
    confusions,
)
from theory.ma.penalty import (
    first_line,
    symbols,
)

# M19

M19 = Claim(
    id="M19",
    source=SOURCE,
    where="Section 2.2.9, text after Eq. (18)",
    statement=(
        "sum_c w_c sum_i (1 - g) s and sum_c w_c sum_i g (1 - s) are the summations of "
        "false negatives and false positives, respectively."
    ),
    assumes="g = 1 marks the pixels of the class, s = 1 those predicted to be of it.",
    verdict=Verdict.FAILS,
    correction=(
        "The other way round: (1 - g) s is 1 where a pixel is predicted but not of the "
        "class, a false positive; g (1 - s) is a false negative. (18) itself is "
        "unchanged, since both have the factor k."
    ),
    counterexample="One pixel, g = 0, s = 1: a false positive, and (1 - g) s = 1.",
    proof="Truth table of g and s.",
    values={"first_sum_at_g_0_s_1": 1.0, "second_sum_at_g_0_s_1": 0.0},
)


@M19.check("all masks")
@M19.twin("as printed", swapped=True)
def false_and_missed(*, swapped: bool = False, pixels: int = 5) -> Evidence:
    """Sum (1 - g) s counts what is in S alone, sum g (1 - s) what is in G alone."""

    def slack(case: tuple) -> Fraction:
        truth, found = case
        pairs = list(zip(truth, found, strict=True))
        first = sum((1 - g) * s for g, s in pairs)
        second = sum(g * (1 - s) for g, s in pairs)
        tp = sum(g * s for g, s in pairs)
        masks = SoftCounts.of_sets(tp, sum(found) - tp, sum(truth) - tp, pixels)
        wanted = [masks.false_positives, masks.false_negatives]
        if swapped:
            wanted.reverse()
        return Fraction(-max(abs(first - wanted[0]), abs(second - wanted[1])))

    every = itertools.product((0, 1), repeat=pixels)
    return enumeration.worst_case(
        itertools.product(list(every), repeat=2),
        slack,
        describe=lambda case: {"g": case[0], "s": case[1]},
    )


# M20

M20 = Claim(
    id="M20",
    source=SOURCE,
    where="Section 5.2",
    statement=(
        "The penalised generalised Dice loss extends generalised Dice by assigning "
        "different weights to false positives and false negatives."
    ),
    assumes="(18) with its one penalty k >= 0.",
    verdict=Verdict.FAILS,
    correction=(
        "It assigns the same additional weight k to both, as Section 2.2.9 says. pGD "
        "is an increasing function of GD: it ranks all predictions as GD does, has the "
        "same minimisers, and a gradient of the same direction, scaled by (1 + k) / (1 "
        "+ k (1 - GD))^2. What differs is the scale: less for bad predictions and more "
        "for good ones."
    ),
    counterexample=(
        "One class with TP = 2, w = 1: (FP, FN) = (1, 0) and (0, 1) both give pGD = 4 "
        "/ (5 + k). A missed and a false pixel at a given truth differ as in GD, for k "
        "= 0 as for every k."
    ),
    proof="By M17, pGD = GD / (1 + k (1 - GD)), whose slope in GD is positive.",
    values={
        "gradient_scale_at_gd_0_k_2.5": 3.5 / 3.5**2,
        "gradient_scale_at_gd_1_k_2.5": 3.5,
        "gradient_scale_at_gd_1/2_k_2.5": 3.5 / 2.25**2,
    },
)


@M20.check("symmetric")
@M20.twin("false pixels twice", of_false=2)
def symmetric_in_mistakes(*, of_false: int = 1) -> Evidence:
    """At given weights and TP, exchanging FP and FN in every class changes nothing."""
    a, b, false, missed, k = symbols()
    exchanged = first_line(a, b, missed, of_false * false, k)
    return symbolic.identity(first_line(a, b, false, missed, k), exchanged)


@M20.check("same ranking")
@M20.twin("ranking, false twice", of_false=3)
def same_ranking(*, of_false: int = 1, pixels: int = 6) -> Evidence:
    """The pGD orders all predictions as GD does: (rank, value) pairs never disagree.

    With another factor `of_false` on the penalty of false pixels it would not.
    """

    def values(matrix: Confusion, k: int = 2) -> tuple[Fraction, Fraction]:
        classes = class_counts(matrix)
        weights = [1 / Fraction(c.actual) ** 2 for c in classes]
        pairs = list(zip(weights, classes, strict=True))
        a = sum(w * c.intersection for w, c in pairs)
        b = sum(w * (c.predicted + c.actual) for w, c in pairs)
        false = sum(w * c.false_positives for w, c in pairs)
        missed = sum(w * c.false_negatives for w, c in pairs)
        return Fraction(2 * a / b), first_line(a, b, of_false * false, missed, k)

    scored = sorted((values(m), m) for m in confusions(pixels))

    def slack(case: tuple) -> Fraction:
        ((gd, penalized), _), ((next_gd, next_penalized), _) = case
        gap = next_penalized - penalized
        return -abs(gap) if gd == next_gd else gap

    return enumeration.worst_case(
        itertools.pairwise(scored),
        slack,
        describe=lambda case: {"first": case[0][1], "second": case[1][1]},
    )


@M20.check("same directions")
@M20.twin("slope of k = 2", k_of_slope=2.0)
def same_directions(*, k_of_slope: float = 2.5) -> Evidence:
    """The gradient of the loss is that of GD times (1 + k) / (1 + k (1 - GD))^2."""

    def residual(logits: Array, labels: Array) -> Array:
        gd = 1 - generalized_dice_loss(logits, labels)
        at = jax.lax.stop_gradient(gd)
        k = k_of_slope
        tangent = (1 + k) / (1 + k * (1 - at)) ** 2 * (gd - at)
        pgd = 1 - penalized_generalized_dice_loss(logits, labels, k=2.5)
        return pgd - jax.lax.stop_gradient(pgd) - tangent

    return residuals.vanishing(residual, *residuals.images(3, seed=17))
