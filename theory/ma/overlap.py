"""M08, M09, M16, M27: the overlap losses on hard masks, per class and summed."""

import functools
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import sympy
from jax import Array

from jaxseg import counts, links
from jaxseg.counts import SoftCounts
from jaxseg.losses import dice_loss, jaccard_loss
from theory.claim import Claim, Evidence, Verdict
from theory.engines import enumeration, examples, residuals, samples, symbolic
from theory.engines.enumeration import over_masks
from theory.ma import SOURCE
from theory.ma.sensitivity import counts_of_classes


def pooled(classes: list[SoftCounts]) -> SoftCounts:
    """Counts with the sums over classes inside: what Eqs. (8) to (10) divide."""
    return functools.reduce(operator.add, classes)


def printed_losses(classes: list[SoftCounts]) -> tuple[Fraction, Fraction, Fraction]:
    """Eqs. (8), (9) and (10) of hard masks, sums over `classes` inside."""
    total = pooled(classes)
    square, plain = (counts.dice_index(total, squared=flag) for flag in (True, False))
    jaccard = counts.jaccard_index(total)
    return 1 - Fraction(square), 1 - Fraction(plain), 1 - Fraction(jaccard)


# M08

M08 = Claim(
    id="M08",
    source=SOURCE,
    where="Sections 2.2.2, 2.2.3; Eqs. (8), (9), (10)",
    statement=(
        "(8), (9) and (10), with the sums over classes inside numerator and "
        "denominator, are the square Dice, the Dice and the IoU loss; unlike "
        "cross-entropy they need no reweighting of classes."
    ),
    assumes="One-hot g, s of a softmax; hard s where a value is said.",
    verdict=Verdict.DEPENDS,
    readings={
        "the foreground class alone": "Holds, see M09.",
        "c over all classes, background included": (
            "Fails: (9) is one minus the mean probability of the true class, linear in "
            "s and on hard masks the error rate; (8) is the error rate there, too, and "
            "(10) is 1 - a / (2 - a) of the accuracy a. Small classes count by their "
            "pixels."
        ),
        "c over the foreground classes": (
            "The loss of the pooled counts (micro average), neither a class's Dice nor "
            "their mean; classes weigh by their pixels, and a class that is taken for "
            "another is missed and false at once."
        ),
        "each class apart, then the mean": (
            "The mean of the classes' losses, as jaxseg has it; not what is printed."
        ),
    },
    correction="1 - (1/C) sum_c 2 sum_i g s / (sum_i g + sum_i s), likewise (8), (10).",
    counterexample=(
        "Ten pixels, one of foreground, all predicted background. Dice of foreground "
        "0, of background 18/19: losses 1 and 1/19, mean 10/19. (9) with sums inside: "
        "1 - 2 * 9 / (10 + 10) = 1/10, the error rate."
    ),
    proof=(
        "Over all classes sum g = sum s = N, and on hard masks also the sums of "
        "squares, and sum g s = N a: (9) is 1 - 2 N a / 2 N, (10) is 1 - N a / (2 N - "
        "N a)."
    ),
    values={
        "foreground_dice_loss_of_a_missed_tenth": 1.0,
        "mean_dice_loss_of_a_missed_tenth": 10 / 19,
        "printed_dice_loss_of_a_missed_tenth": 0.1,
        "printed_iou_loss_of_a_missed_tenth": 1 - 0.9 / 1.1,
    },
)


@M08.check("both classes, hard")
@M08.twin("foreground alone", of=lambda m: [m])
@over_masks(pixels=12, only=lambda m: m.pixels > 0)
def sums_over_both(
    masks: SoftCounts,
    *,
    of: Callable[[SoftCounts], list[SoftCounts]] = counts_of_classes,
) -> Fraction:
    """Over both classes (8) = (9) = 1 - accuracy, (10) = 1 - a / (2 - a)."""
    accuracy = Fraction(counts.hamming_index(masks))
    square, plain, jaccard = printed_losses(of(masks))
    gaps = (
        square - (1 - accuracy),
        plain - (1 - accuracy),
        jaccard - (1 - accuracy / (2 - accuracy)),
    )
    return -max(map(abs, gaps))


@M08.check("all classes, soft")
@M08.twin("scaled by 1 + 1e-6", scale=1.000001)
def sums_over_softmax(*, classes: int = 3, scale: float = 1.0) -> Evidence:
    """Eq. (9) over all classes of a softmax: one minus the mean of p at the truth."""

    def residual(logits: Array, labels: Array) -> Array:
        probs, targets = jax.nn.softmax(logits), jax.nn.one_hot(labels, classes)
        total = jnp.sum(probs) + jnp.sum(targets)
        printed = 1 - 2 * jnp.sum(probs * targets) / total
        return printed - (1 - scale * jnp.mean(jnp.sum(probs * targets, axis=-1)))

    return residuals.vanishing(residual, *residuals.images(classes, seed=8))


@M08.check("missed object")
@M08.twin("the error rate", dice=Fraction(1, 10))
def missed_object(*, dice: Fraction = Fraction(1)) -> Evidence:
    """Ten pixels, one of foreground, all predicted background, in three readings."""
    masks = enumeration.exact_counts(0, 0, 1, 10)
    per_class = [printed_losses([c])[1] for c in counts_of_classes(masks)]
    logits, labels = jnp.tile(jnp.array([1.0, 0.0]), (10, 1)), jnp.arange(10) // 9
    found = {
        "foreground": per_class[1],
        "mean over classes": sum(per_class) / 2,
        "sums inside": printed_losses(counts_of_classes(masks))[1],
        "jaxseg": Fraction(
            float(dice_loss(logits, labels, link=links.identity))
        ).limit_denominator(1000),
    }
    hand = {
        "foreground": dice,
        "mean over classes": Fraction(10, 19),  # (1/19 + 1) / 2
        "sums inside": Fraction(1, 10),
        "jaxseg": Fraction(10, 19),
    }
    return examples.agree(found, hand)


# M09

M09 = Claim(
    id="M09",
    source=SOURCE,
    where="Eqs. (8), (9), (10)",
    statement=("On binary masks of a single class (8) = (9) = 1 - D and (10) = 1 - J."),
    assumes=(
        "s in {0, 1}; two empty masks have D = J = 1 and loss 0 by rule, as printed "
        "0/0. For soft s (8) and (9) differ: s = 1/2 on the object has 1/5 and 1/3."
    ),
    verdict=Verdict.HOLDS,
    proof="Where s and g are 0 or 1 they equal their squares, and sum g s = |G and S|.",
    values={
        "square_dice_loss_of_object_at_1/2": 1 - 2 * 0.5 / (1 + 0.25),
        "dice_loss_of_object_at_1/2": 1 - 2 * 0.5 / (1 + 0.5),
    },
)


@M09.check("exact")
@M09.twin("s = 1/2", soft=True)
@over_masks(pixels=16)
def binary_masks(masks: SoftCounts, *, soft: bool = False) -> Fraction:
    """(8) = (9) = 1 - D and (10) = 1 - J; `soft` predicts with 1/2 for 1."""
    tp, fp, fn = masks.intersection, masks.false_positives, masks.false_negatives
    if soft:
        half = Fraction(1, 2)
        masks = SoftCounts(
            intersection=tp * half,
            inner=tp * half,
            predicted=(tp + fp) * half,
            actual=tp + fn,
            predicted_squares=(tp + fp) * half**2,
            actual_squares=tp + fn,
            pixels=masks.pixels,
        )
    square, plain, jaccard = printed_losses([masks])
    if tp + fp + fn == 0:  # two empty masks: 0/0, by rule D = J = 1
        return -max(square, plain, jaccard)
    dice = Fraction(2 * tp, 2 * tp + fp + fn)
    gaps = (
        square - (1 - dice),
        plain - (1 - dice),
        jaccard - (1 - Fraction(tp, tp + fp + fn)),
    )
    return -max(map(abs, gaps))


@M09.check("losses")
@M09.twin("s = 1/2, losses", cut=0.25)
def binary_losses(*, cut: float = 0.5) -> Evidence:
    """The three losses of jaxseg on all pairs of masks of four pixels, one class."""
    bits = jnp.array([[(i >> k) & 1 for k in range(4)] for i in range(16)])
    truth, found = jnp.repeat(bits, 16, axis=0), jnp.tile(bits, (16, 1))
    scores = jnp.where(found == 1, 2 * cut, 0.0)[..., None]

    def gaps(scores: Array, truth: Array, found: Array) -> Array:
        common, total = jnp.sum(truth * found), jnp.sum(truth) + jnp.sum(found)
        dice = jnp.where(total > 0, 2 * common / jnp.maximum(total, 1), 1)
        union = total - common
        jaccard = jnp.where(union > 0, common / jnp.maximum(union, 1), 1)
        link = links.identity
        return jnp.array(
            [
                dice_loss(scores, truth, squared=True, link=link) - (1 - dice),
                dice_loss(scores, truth, link=link) - (1 - dice),
                jaccard_loss(scores, truth, link=link) - (1 - jaccard),
            ]
        )

    slack = -jnp.max(jnp.abs(jax.jit(jax.vmap(gaps))(scores, truth, found)), axis=-1)
    case = {"truth": truth, "found": found}
    return samples.worst_draw(slack, case, tolerance=1e-14)


# M16

M16 = Claim(
    id="M16",
    source=SOURCE,
    where="Section 2.2.8, first sentence",
    statement="Dice is the harmonic mean of precision and recall.",
    assumes=(
        "Of one class, the coefficient (the text says the Dice loss, which is one "
        "minus it). The harmonic mean of 0 and 0 is 0. Where one mask is empty its "
        "0/0 is taken as 1, and the other index is 0 as soon as there is a mistake."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "1/P + 1/R = (TP + FP) / TP + (TP + FN) / TP = 2 / D. Soft masks, too, with "
        "the sum of min(s, g) as TP."
    ),
    values={"dice_at_precision_1_recall_1/2": 2 / 3, "dice_at_1/4_and_3/4": 3 / 8},
)


@M16.check("exact")
@M16.twin("arithmetic mean", mean=lambda p, r: (p + r) / 2)
def harmonic(
    *, mean: Callable[[Any, Any], Any] | None = None, pixels: int = 20
) -> Evidence:
    """D = 2 P R / (P + R) on all hard masks, empty ones included."""

    def of(precision: Fraction, recall: Fraction) -> Fraction:
        total = precision + recall
        return 2 * precision * recall / total if total else Fraction(0)

    def slack(masks: SoftCounts) -> Fraction:
        precision = Fraction(counts.precision_index(masks))
        recall = Fraction(counts.sensitivity_index(masks))
        dice = Fraction(counts.dice_index(masks))
        return -abs(dice - (mean or of)(precision, recall))

    return enumeration.over_counts(slack, pixels=pixels)


@M16.check("algebra")
@M16.twin("sum of inverses", weight=1)
def harmonic_algebra(*, weight: int = 2) -> Evidence:
    """1/D is the mean of 1/P and 1/R."""
    masks = SoftCounts.of_sets(*sympy.symbols("tp fp fn pixels", positive=True))
    inverses = 1 / counts.precision_index(masks) + 1 / counts.sensitivity_index(masks)
    return symbolic.identity(1 / counts.dice_index(masks), inverses / weight)


# M27

M27 = Claim(
    id="M27",
    source=SOURCE,
    where="Section 2.6, first item",
    statement=(
        "L_Dice = 1 - 2 |G and S| / (|G| + |S|) = |Delta M| / (|G| + |S|), Delta M the "
        "pixels in one of both masks alone."
    ),
    assumes="Not both masks empty: that is 0/0 on both sides, with loss 0 by rule.",
    verdict=Verdict.HOLDS,
    proof=(
        "|G| + |S| - 2 |G and S| counts what is in one mask alone. For hard g and soft "
        "s, sum g + sum s - 2 sum g s = sum |g - s|, so the plain soft loss is the "
        "same ratio; the squared one has sum (g - s)^2 over the squared sums."
    ),
    values={"one_pixel_missed_of_two": 1 / 3, "one_pixel_more_than_two": 1 / 5},
)


@M27.check("exact")
@M27.twin("twice the mismatch", factor=2)
def mismatch_share(*, factor: int = 1, pixels: int = 20) -> Evidence:
    """1 - D = |Delta M| / (|G| + |S|) on all hard masks but the empty pair."""

    def slack(masks: SoftCounts) -> Fraction:
        mismatch = masks.false_positives + masks.false_negatives
        share = mismatch / (masks.predicted + masks.actual)
        return -abs(1 - counts.dice_index(masks) - factor * share)

    def some(masks: SoftCounts) -> bool:
        return masks.predicted + masks.actual > 0

    return enumeration.over_counts(slack, pixels=pixels, only=some)


@M27.check("losses")
@M27.twin("squared denominator", squared=True)
def soft_mismatch(*, squared: bool = False) -> Evidence:
    """The soft Dice loss of hard labels is sum |g - s| / sum (g + s), with gradient."""

    def residual(logits: Array, labels: Array) -> Array:
        weights = jnp.array([0.0, 1.0])
        loss = dice_loss(logits, labels, squared=squared, class_weights=weights)
        probs = jax.nn.softmax(logits)[:, 1]
        wrong = jnp.sum(jnp.where(labels == 1, 1 - probs, probs))
        return loss - wrong / (jnp.sum(probs) + jnp.sum(labels))

    return residuals.vanishing(residual, *residuals.images(2, seed=27))
