"""M12, M15, M21: how overlap losses weigh false positives and false negatives."""

import itertools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import sympy
from jax import Array

from jaxseg import counts
from jaxseg.counts import SoftCounts
from jaxseg.losses import asymmetric_loss, dice_loss, tversky_loss
from theory.claim import Claim, Evidence, Verdict
from theory.engines import enumeration, examples, residuals, symbolic
from theory.engines.enumeration import over_masks
from theory.ma import SOURCE

WEIGHTS = tuple(
    (Fraction(a), Fraction(b))
    for a, b in itertools.product(("1/10", "3/10", "1/2", "7/10", "1", "2"), repeat=2)
)
FOREGROUND: Any = (0.0, 1.0)


def _loss(masks: SoftCounts, alpha: Fraction, beta: Fraction) -> Fraction:
    return 1 - Fraction(counts.tversky_index(masks, alpha=alpha, beta=beta))


def _sign(number: Fraction) -> int:
    return (number > 0) - (number < 0)


def _named(case: tuple) -> dict[str, Any]:
    (alpha, beta), *rest = case
    return {"alpha": alpha, "beta": beta, "rest": rest}


# M12

M12 = Claim(
    id="M12",
    source=SOURCE,
    where="Section 2.2.5, Eq. (14)",
    statement=(
        "The Tversky loss with weights alpha of false positives and beta of false "
        "negatives emphasises false negatives; alpha and beta control the trade-off "
        "between false negatives and false positives."
    ),
    assumes=(
        "alpha, beta > 0, TP > 0, one class. To emphasise: a missed pixel costs more "
        "than a false one."
    ),
    verdict=Verdict.DEPENDS,
    readings={
        "at equal TP": (
            "If and only if beta > alpha, as in the cited 0.3, 0.7: neither the "
            "formula nor the name says so."
        ),
        "one mistake, from the truth with |G| = n": (
            "If and only if beta > alpha (1 - 1 / n): also for Dice, as a miss takes "
            "from TP what a false pixel does not."
        ),
        "slope in the prediction": (
            "If and only if 1 > (1 + alpha - beta) T: always if beta >= alpha, and "
            "while T is small for all weights."
        ),
        "trade-off": (
            "Holds: at equal TP the loss grows with alpha FP + beta FN, so that beta / "
            "alpha false pixels weigh as much as a missed one."
        ),
    },
    counterexample=(
        "alpha = 0.7, beta = 0.3, TP = 1: one missed pixel costs 1 - 1/1.3 = 0.23, one "
        "false pixel 1 - 1/1.7 = 0.41."
    ),
    proof=(
        "At equal TP the loss is 1 - TP / (TP + alpha FP + beta FN). From the truth a "
        "miss costs beta / (n - 1 + beta) and a false pixel alpha / (n + alpha); the "
        "first is larger iff beta n > alpha (n - 1). With Q = TP + alpha FP + beta FN "
        "the slopes of T are (1 - (1 - beta) T) / Q inside and -alpha T / Q outside."
    ),
    values={
        "one_missed_of_2_at_0.3_0.7": 0.7 / 1.7,
        "one_false_beside_2_at_0.3_0.7": 0.3 / 2.3,
        "one_missed_of_2_at_0.7_0.3": 0.3 / 1.3,
        "one_false_beside_2_at_0.7_0.3": 0.7 / 2.7,
    },
)


@M12.check("equal TP")
@M12.twin("alpha for beta", swapped=True)
def weights_at_fixed_overlap(*, swapped: bool = False) -> Evidence:
    """At equal TP a further miss costs more than a false pixel iff beta > alpha."""

    def slack(case: tuple) -> Fraction:
        (alpha, beta), (tp, fp, fn) = case
        missed = _loss(enumeration.exact_counts(tp, fp, fn + 1, 99), alpha, beta)
        false = _loss(enumeration.exact_counts(tp, fp + 1, fn, 99), alpha, beta)
        wanted = alpha - beta if swapped else beta - alpha
        return Fraction(-abs(_sign(missed - false) - _sign(wanted)))

    triples = [t for t in enumeration.confusion_counts(7) if t[0] > 0]
    cases = itertools.product(WEIGHTS, triples)
    return enumeration.worst_case(cases, slack, describe=_named)


@M12.check("from the truth")
@M12.twin("border at beta = alpha", correction=0)
def weights_at_fixed_truth(*, correction: int = 1) -> Evidence:
    """From the truth, |G| = n: a miss costs more iff beta > alpha (1 - 1 / n)."""

    def slack(case: tuple) -> Fraction:
        (alpha, beta), n = case
        missed = _loss(enumeration.exact_counts(n - 1, 0, 1, 99), alpha, beta)
        false = _loss(enumeration.exact_counts(n, 1, 0, 99), alpha, beta)
        border = beta - alpha * (1 - Fraction(correction, n))
        return Fraction(-abs(_sign(missed - false) - _sign(border)))

    cases = itertools.product(WEIGHTS, range(2, 12))
    return enumeration.worst_case(cases, slack, describe=_named)


@M12.check("slopes")
@M12.twin("slope beta T inside", slope=lambda t, _, beta: beta * t)
def slopes(*, slope: Callable[[Any, Any, Any], Any] | None = None) -> Evidence:
    """Slopes in p: -(1 - (1 - beta) T) / Q of the object, alpha T / Q elsewhere."""
    alpha, beta = 0.3, 0.7

    def inside(t: Array, alpha: float, beta: float) -> Array:
        del alpha
        return 1 - (1 - beta) * t

    inside_slope = slope or inside

    def residual(logits: Array, labels: Array) -> Array:
        probs = jax.nn.softmax(logits)[:, 1]
        index = 1 - tversky_loss(
            logits, labels, alpha=alpha, beta=beta, class_weights=FOREGROUND
        )
        hits = jnp.sum(probs * labels)
        errors = alpha * jnp.sum(probs * (1 - labels))
        errors += beta * jnp.sum((1 - probs) * labels)
        at = jax.lax.stop_gradient(index)
        slopes = jnp.where(labels == 1, inside_slope(at, alpha, beta), -alpha * at)
        slopes = jax.lax.stop_gradient(slopes / (hits + errors))
        linear = jnp.sum(slopes * (probs - jax.lax.stop_gradient(probs)))
        return index - at - linear

    return residuals.vanishing(residual, *residuals.images(2, seed=12))


# M15

M15 = Claim(
    id="M15",
    source=SOURCE,
    where="Section 2.2.8, Eq. (17)",
    statement=(
        "L_Asym = TP / (TP + b^2/(1 + b^2) FN + 1/(1 + b^2) FP), a special case of the "
        "Tversky loss with alpha + beta = 1."
    ),
    assumes="b >= 0; the b of (17) is not the beta of (14).",
    verdict=Verdict.CORRECTED,
    correction=(
        "L_Asym = 1 - TP / (...): as printed it is the F_b score, which is largest at "
        "the truth. The Tversky loss with alpha = 1 / (1 + b^2) and beta = b^2 / (1 + "
        "b^2); with b = root(beta / alpha) all weights with alpha + beta = 1 and alpha "
        "> 0 arise, so it is that case and not only a case of it."
    ),
    counterexample="S = G: (17) is 1, its largest; S and G disjoint: 0, its least.",
    proof="Multiply numerator and denominator of F_b by 1 / (1 + b^2).",
    values={
        "alpha_at_b_1.5": 1 / 3.25,
        "beta_at_b_1.5": 2.25 / 3.25,
        "printed_at_truth": 1.0,
        "corrected_at_truth": 0.0,
    },
)


@M15.check("exact")
@M15.twin("weights exchanged", swapped=True)
@over_masks(pixels=10)
def ratio_is_tversky(masks: SoftCounts, *, swapped: bool = False) -> Fraction:
    """The printed ratio is T with alpha = 1/(1+b^2), beta = b^2/(1+b^2), and F_b."""
    gaps = []
    for b in (
        Fraction(0),
        Fraction(1, 2),
        Fraction(1),
        Fraction(3, 2),
        Fraction(2),
    ):
        alpha, beta = 1 / (1 + b * b), b * b / (1 + b * b)
        if swapped:
            alpha, beta = beta, alpha
        score = counts.f_beta_index(masks, beta=b)
        index = counts.tversky_index(masks, alpha=alpha, beta=beta)
        gaps.append(abs(Fraction(score) - Fraction(index)))
    return -max(gaps)


@M15.check("all weights")
@M15.twin("alpha + beta = 2", total=Fraction(2))
def sums_to_one_are_reached(*, total: Fraction = Fraction(1)) -> Evidence:
    """Each alpha, beta with alpha + beta = 1 is reached: b = root(beta / alpha)."""
    ratio = sympy.symbols("ratio", positive=True)
    alpha = total / (1 + ratio)
    square = ratio  # b^2 = beta / alpha
    return symbolic.identities(
        [(alpha, 1 / (1 + square)), (total - alpha, square / (1 + square))]
    )


@M15.check("the truth is worst")
@M15.twin("with 1 -", printed=False)
@over_masks(pixels=10)
def truth_is_worst(masks: SoftCounts, *, printed: bool = True) -> Fraction:
    """As printed the perfect prediction has the largest value, 1, and it alone."""
    score = Fraction(counts.f_beta_index(masks, beta=Fraction(3, 2)))
    value = score if printed else 1 - score
    perfect = masks.false_positives + masks.false_negatives == 0
    return -abs(1 - value) if perfect else 1 - value - Fraction(1, 10**6)


@M15.check("losses")
@M15.twin("more by 1e-6", flip=1.000001)
def asymmetric_is_tversky(*, flip: float = 1.0) -> Evidence:
    """The asymmetric loss is the Tversky loss of these weights, with gradient."""

    def residual(logits: Array, labels: Array) -> Array:
        return asymmetric_loss(logits, labels) - flip * tversky_loss(
            logits, labels, alpha=1 / 3.25, beta=2.25 / 3.25
        )

    return residuals.vanishing(residual, *residuals.images(2, seed=15))


# M21

M21 = Claim(
    id="M21",
    source=SOURCE,
    where="Section 5.2; Section 2.2.8",
    statement="The Dice loss weighs false positives and false negatives equally.",
    assumes="One class; its counts TP, FP, FN.",
    verdict=Verdict.DEPENDS,
    readings={
        "as a function of TP, FP, FN": "Holds: exchanging FP and FN changes nothing.",
        "at a given ground truth, as in training": (
            "Fails: a pixel that is missed leaves TP as well. The slopes of a missed "
            "and of a false pixel are as (2 - D) to D, equal at D = 1 alone, and one "
            "flipped pixel costs more if it misses, from every prediction with TP > 0."
        ),
    },
    counterexample=(
        "|G| = 2: with one pixel missed D = 2/3, the loss 1/3; with one false pixel D "
        "= 4/5, the loss 1/5."
    ),
    proof=(
        "1 - D = (FP + FN) / (2 TP + FP + FN) is symmetric. With Y = |G| fixed, D = 2 "
        "TP / (Y + P) has the slopes (2 - D) / (Y + P) inside and -D / (Y + P) "
        "outside. A flip: 2 (TP - 1) / (Y + P - 1) < 2 TP / (Y + P + 1) iff 2 TP < Y + "
        "P + 1."
    ),
    values={
        "slope_ratio_at_dice_1/2": 3.0,
        "slope_ratio_at_dice_0.9": 1.1 / 0.9,
        "slope_ratio_at_dice_1": 1.0,
        "loss_one_missed_of_2": 1 / 3,
        "loss_one_false_beside_2": 1 / 5,
    },
)


@M21.check("symmetric")
@M21.twin("beta = 1/2 + 1e-6", beta=Fraction(500_001, 10**6))
@over_masks(pixels=16)
def symmetric(masks: SoftCounts, *, beta: Fraction = Fraction(1, 2)) -> Fraction:
    """Exchanging FP and FN at equal TP leaves the Dice loss as it is."""
    tp, fp, fn = masks.intersection, masks.false_positives, masks.false_negatives
    other = SoftCounts.of_sets(tp, fn, fp, masks.pixels)
    return -abs(_loss(masks, Fraction(1, 2), beta) - _loss(other, Fraction(1, 2), beta))


@M21.check("one flip")
@M21.twin("of the error rate", dice=False)
@over_masks(pixels=14, only=lambda m: m.intersection > 0)
def one_flip(masks: SoftCounts, *, dice: bool = True) -> Fraction:
    """At a fixed truth a pixel that is missed costs more than one that is added.

    From any hard prediction with TP > 0: the cost of losing a true pixel exceeds that
    of adding a false one. With `dice` false the same of the number of mistakes.
    """
    tp, fp, fn = masks.intersection, masks.false_positives, masks.false_negatives

    def loss(tp: Fraction, fp: Fraction, fn: Fraction) -> Fraction:
        moved = SoftCounts.of_sets(tp, fp, fn, masks.pixels)
        right = counts.dice_index(moved) if dice else -(fp + fn)
        return -Fraction(right)

    return loss(tp - 1, fp, fn + 1) - loss(tp, fp + 1, fn) - Fraction(1, 10**6)


@M21.check("slopes")
@M21.twin("equal slopes", of_missed=lambda d: d)
def ratio_of_slopes(
    *, of_missed: Callable[[Array], Array] = lambda d: 2 - d
) -> Evidence:
    """Slopes of the Dice loss in p, of the object over elsewhere: (2 - D) to D."""

    def residual(logits: Array, labels: Array) -> Array:
        probs = jax.nn.softmax(logits)
        loss = dice_loss(logits, labels, class_weights=FOREGROUND)
        dice = jax.lax.stop_gradient(1 - loss)
        missed = jnp.sum(jnp.where(labels == 1, 1 - probs[:, 1], 0))
        false = jnp.sum(jnp.where(labels == 1, 0, probs[:, 1]))
        scale = jax.lax.stop_gradient(jnp.sum(probs[:, 1])) + jnp.sum(labels)
        linear = (of_missed(dice) * missed + dice * false) / scale
        return loss - (1 - dice) - (linear - jax.lax.stop_gradient(linear))

    return residuals.vanishing(residual, *residuals.images(2, seed=21))


@M21.check("by hand")
@M21.twin("false as missed", false=Fraction(1, 3))
def flips_by_hand(*, false: Fraction = Fraction(1, 5)) -> Evidence:
    """|G| = 2: one missed has D = 2/3, one false D = 4/5."""
    half = Fraction(1, 2)
    found = {
        "missed": _loss(enumeration.exact_counts(1, 0, 1, 9), half, half),
        "false": _loss(enumeration.exact_counts(2, 1, 0, 9), half, half),
    }
    return examples.agree(found, {"missed": Fraction(1, 3), "false": false})
