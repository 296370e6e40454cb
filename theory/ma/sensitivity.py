"""M07, M36: the sensitivity-specificity loss."""

import functools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jaxseg import counts, links
from jaxseg.counts import SoftCounts
from jaxseg.losses import sensitivity_specificity_loss
from theory.claim import Claim, Evidence, Verdict
from theory.engines import enumeration, examples, residuals
from theory.engines.enumeration import over_masks
from theory.ma import SOURCE

M07 = Claim(
    id="M07",
    source=SOURCE,
    where="Section 2.2.1, Eq. (7)",
    statement=(
        "The SS loss, with sums over classes inside both fractions, trades sensitivity "
        "(w) against specificity (1 - w) and so addresses class imbalance."
    ),
    assumes="Hard masks unless said, epsilon = 0 and 0/0 = 0.",
    verdict=Verdict.DEPENDS,
    readings={
        "the foreground class alone": (
            "Holds: the loss is 1 - (w sensitivity + (1 - w) specificity), Eelbode's "
            "weighted Hamming loss, and a missed object costs w however small it is."
        ),
        "(7) as printed over background and foreground": (
            "Fails: both fractions are the share of wrong pixels (for soft predictions "
            "the mean of (1 - p)^2, p of a pixel's own class): w does nothing, and a "
            "missed object costs its share of the image."
        ),
        "(7) of each of two classes, then the mean": (
            "Balanced, half of 1 - sensitivity plus half of 1 - specificity, but w "
            "again does nothing: what it takes from one class it gives to the other."
        ),
    },
    correction="Apply (7) to the foreground class alone.",
    counterexample=(
        "100 pixels, one of foreground, all predicted background, w = 1/20. Foreground "
        "alone: 1/20 1/1 + 19/20 0/99 = 1/20. Both classes: 1/20 1/100 + 19/20 1/100 = "
        "1/100, as for every other w."
    ),
    proof=(
        "A missed pixel of one of two classes is a false one of the other, so summed "
        "over both the false negatives are the wrong pixels, and so are the false "
        "positives; the g_i^c add up to N, the 1 - g_i^c to N (C - 1). For C > 2 hard "
        "classes the second term is 1 / (C - 1) of the first: w scales the error rate."
    ),
    values={
        "missed_1_of_100_foreground_w_1/20": 0.05,
        "missed_1_of_100_both_classes": 0.01,
        "missed_1_of_100_mean_of_classes": 0.5,
    },
)

WEIGHTS = tuple(Fraction(w) for w in ("0", "1/20", "1/2", "9/10", "1"))


def _ratio(top: Any, bottom: Any) -> Any:
    return top / bottom if bottom else Fraction(0)


def pooled(classes: list[SoftCounts], w: Any, epsilon: Any = 0) -> Any:
    """Eq. (7) on hard masks, sums over `classes` inside, as printed; 0/0 = 0."""
    missed = sum(c.false_negatives for c in classes)
    false = sum(c.false_positives for c in classes)
    inside = sum(c.actual for c in classes) + epsilon
    outside = sum(c.others_actual for c in classes) + epsilon
    return w * _ratio(missed, inside) + (1 - w) * _ratio(false, outside)


def counts_of_classes(masks: SoftCounts) -> list[SoftCounts]:
    """Counts of the background and of the foreground of the same two masks."""
    background = SoftCounts.of_sets(
        masks.true_negatives,
        masks.false_negatives,
        masks.false_positives,
        masks.pixels,
    )
    return [background, masks]


@M07.check("foreground alone")
@M07.twin("w off by 1e-6", tilt=Fraction(-1, 10**6))
@over_masks(pixels=12, only=lambda m: m.pixels > 0)
def foreground_alone(masks: SoftCounts, *, tilt: Fraction = Fraction(0)) -> Fraction:
    """One class: the loss is 1 - (w sensitivity + (1 - w) specificity), for each w."""
    gaps = []
    for w in WEIGHTS:
        similarity = counts.weighted_hamming_index(masks, gamma=w + tilt)
        gaps.append(abs(pooled([masks], w) - (1 - Fraction(similarity))))
    return -max(gaps)


@M07.check("both classes")
@M07.twin("one class for both", of=lambda m: [m])
@over_masks(pixels=12)
def two_classes(
    masks: SoftCounts,
    *,
    of: Callable[[SoftCounts], list[SoftCounts]] = counts_of_classes,
) -> Fraction:
    """Both classes, sums inside: the share of wrong pixels, whatever w is."""
    wrong = 1 - Fraction(counts.hamming_index(masks))
    return -max(abs(pooled(of(masks), w) - wrong) for w in WEIGHTS)


@M07.check("both classes, soft")
@M07.twin("weights do not add up to 1", w=0.06)
def printed_soft(*, w: float = 0.05) -> Evidence:
    """Softmax of two classes: Eq. (7) is the mean square of 1 - p_own, without w."""

    def residual(logits: Array, labels: Array) -> Array:
        targets = jax.nn.one_hot(labels, 2)
        errors = jnp.square(targets - jax.nn.softmax(logits))
        first = jnp.sum(errors * targets) / jnp.sum(targets)
        other = jnp.sum(errors * (1 - targets)) / jnp.sum(1 - targets)
        own = jnp.sum(jax.nn.softmax(logits) * targets, axis=-1)
        return w * first + 0.95 * other - jnp.mean(jnp.square(1 - own))

    return residuals.vanishing(residual, *residuals.images(2, seed=7))


@M07.check("mean of two classes")
@M07.twin("foreground alone, w without effect", class_weights=(0.0, 1.0))
def mean_of_two(*, class_weights: Any = None) -> Evidence:
    """The mean over two classes: w does nothing, value and gradient."""

    def residual(logits: Array, labels: Array) -> Array:
        loss = functools.partial(
            sensitivity_specificity_loss, class_weights=class_weights
        )
        return loss(logits, labels, w=0.05) - loss(logits, labels, w=0.9)

    return residuals.vanishing(residual, *residuals.images(2, seed=7))


@M07.check("imbalance by hand")
@M07.twin("imbalance of both", classes_of=counts_of_classes)
def imbalance(*, classes_of: Callable = lambda masks: [masks]) -> Evidence:
    """A missed object costs w however small it is; by hand at one of 100 pixels."""
    masks = enumeration.exact_counts(0, 0, 1, 100)
    found = {"missed object": pooled(classes_of(masks), Fraction(1, 20))}
    return examples.agree(found, {"missed object": Fraction(1, 20)})


# M36

M36 = Claim(
    id="M36",
    source=SOURCE,
    where="Section 2.2.1, Eq. (7)",
    statement=(
        "The SS loss is 0 at a perfect prediction and in [0, 1] for 0 <= w <= 1 and "
        "epsilon >= 0."
    ),
    assumes=(
        "s in [0, 1], g in {0, 1}. With epsilon = 0 a class with no pixel, or with "
        "all, makes one fraction 0/0, which is taken as 0, its limit as epsilon falls "
        "to 0."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "Each (g - s)^2 is at most 1, so each numerator is at most the number of "
        "pixels in its denominator, and the loss is a mean of two numbers in [0, 1]. "
        "It is 0 only at s = g if 0 < w < 1. With epsilon = 0 it is 1 if and only if "
        "everything is wrong and both kinds of pixel occur (for one kind: w or 1 - w). "
        "For C > 2 exclusive classes with sums inside it is at most w + (1 - w) / (C - "
        "1), as only one false class of a pixel can have s = 1."
    ),
    values={
        "all_wrong": 1.0,
        "all_wrong_without_foreground_w_1/20": 0.95,
        "largest_of_3_classes_w_1/5": 0.2 + 0.8 / 2,
        "at_truth": 0.0,
    },
)


@M36.check("range")
@M36.twin("less by 1e-6", top=1 - Fraction(1, 10**6))
@over_masks(pixels=10)
def loss_in_unit_interval(
    masks: SoftCounts, *, top: Fraction = Fraction(1)
) -> Fraction:
    """0 <= loss <= 1 on hard masks, for several w and epsilon."""
    found = [
        pooled([masks], w, epsilon)
        for w in WEIGHTS
        for epsilon in (Fraction(0), Fraction(1, 10), Fraction(1))
    ]
    return min(min(found), top - max(found))


@M36.check("zero at the truth alone")
@M36.twin("zero with one mistake", wrong=1)
@over_masks(pixels=20)
def zero_at_truth(masks: SoftCounts, *, wrong: int = 0) -> Fraction:
    """0 if and only if perfect, for 0 < w < 1, epsilon = 0; `wrong` pixels spoil it."""
    value = pooled([masks], Fraction(1, 2))
    errors = masks.false_positives + masks.false_negatives
    return -value if errors <= wrong else value - Fraction(1, 10**6)


@M36.check("losses")
@M36.twin("1e-6 at the truth", shift=1e-6)
def loss_by_hand(*, shift: float = 0.0) -> Evidence:
    """The loss: 0 and flat at the truth, 1 where all is wrong, by hand between.

    Foreground (1, 1), background (0, 0) with p = (1/2, 1; 1/4, 0), w = 1/5: 1/5 1/8 +
    4/5 1/32 = 1/20.
    """
    labels = jnp.array([1, 1, 0, 0])

    def loss(probs: list[float]) -> float:
        scores = jnp.array(probs, float)[:, None]
        return float(
            sensitivity_specificity_loss(scores, labels, w=0.2, link=links.identity)
        )

    found = {
        "truth": loss([1, 1, 0, 0]),
        "all wrong": loss([0, 0, 1, 1]),
        "between": loss([0.5, 1, 0.25, 0]),
    }
    hand = {"truth": shift, "all wrong": 1.0, "between": 1 / 20}
    return examples.agree(found, hand, tolerance=1e-14)
