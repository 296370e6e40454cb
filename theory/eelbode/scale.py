"""E37: in which senses metric-sensitive losses are invariant to scale."""

from collections.abc import Callable
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np

from jaxseg import counts, links
from jaxseg.counts import SoftCounts
from jaxseg.losses import (
    cross_entropy_loss,
    dice_loss,
    lovasz_loss,
)
from theory.claim import Claim, Evidence, Verdict
from theory.eelbode import SOURCE
from theory.engines import enumeration, samples

E37 = Claim(
    id="E37",
    source=SOURCE,
    where="IV-C, citing its [12]",
    statement="The metric-sensitive losses are invariant to scale.",
    assumes="Dice, Jaccard, Lovasz and Tversky losses without a smoothing constant.",
    verdict=Verdict.DEPENDS,
    readings={
        "Every pixel repeated n times": (
            "Holds for all of them, soft predictions too; but for H and CE as well, so "
            "it does not tell the two groups apart."
        ),
        "Object and mistakes n times as large in the same frame": (
            "Holds for D, J and T, which ignore true negatives; fails for H."
        ),
        "Same number of wrong pixels, larger object": (
            "Fails: one pixel missed costs 1/3 in D at |y| = 2 and 1/199 at |y| = 100."
        ),
        "With a smoothing constant": (
            "Fails in all senses: TP = FP = 1 has (2 + 1) / (3 + 1) = 3/4 and, with "
            "all counts doubled, 5/7."
        ),
    },
    proof=(
        "D, J and T are ratios of sums of counts, homogeneous of degree 0 in TP, FP, "
        "FN, and free of TN; H is homogeneous in all four. Repeating pixels repeats "
        "equal errors, whose growth in the Lovasz extension adds up to that of one."
    ),
    values={
        "dice_loss_of_one_missed_of_2": 1 / 3,
        "dice_loss_of_one_missed_of_100": 1 / 199,
        "smoothed_dice_at_tp_1_fp_1": 3 / 4,
        "smoothed_dice_at_tp_2_fp_2": 5 / 7,
    },
)

Index = Callable[[SoftCounts], Fraction]

OVERLAP: tuple[Index, ...] = (
    lambda masks: Fraction(counts.dice_index(masks)),
    lambda masks: Fraction(counts.jaccard_index(masks)),
    lambda masks: Fraction(
        counts.tversky_index(masks, alpha=Fraction(3, 10), beta=Fraction(7, 10))
    ),
)
SMOOTH: tuple[Index, ...] = (
    lambda masks: Fraction(counts.dice_index(masks, smooth=1)),
)
HAMMING: tuple[Index, ...] = (lambda masks: Fraction(counts.hamming_index(masks)),)
FACTORS = (2, 3, 10)


def _moved(
    move: Callable[[SoftCounts, int], SoftCounts], indices: tuple[Index, ...]
) -> Evidence:
    """Whether the indices of all masks of 9 pixels stay under `move`."""

    def slack(masks: SoftCounts) -> Fraction:
        return -max(
            abs(index(move(masks, factor)) - index(masks))
            for index in indices
            for factor in FACTORS
        )

    return enumeration.over_counts(slack, pixels=9)


def _scaled(masks: SoftCounts, factor: int, pixels: int) -> SoftCounts:
    return enumeration.exact_counts(
        int(factor * masks.intersection),
        int(factor * masks.false_positives),
        int(factor * masks.false_negatives),
        pixels,
    )


@E37.check("image, hard")
@E37.twin("smoothed", indices=SMOOTH)
def magnified_image(*, indices: tuple[Index, ...] = OVERLAP + HAMMING) -> Evidence:
    """Each pixel n times: D, J, T stay, and so does H."""
    return _moved(lambda c, n: _scaled(c, n, n * int(c.pixels)), indices)


@E37.check("object, hard")
@E37.twin("H of the object", indices=HAMMING)
def magnified_object(*, indices: tuple[Index, ...] = OVERLAP) -> Evidence:
    """Object and mistakes n times as large in the same frame: D, J, T stay."""
    return _moved(lambda c, n: _scaled(c, n, 100), indices)


def _fixed_mistakes(masks: SoftCounts, factor: int) -> SoftCounts:
    return enumeration.exact_counts(
        int(masks.intersection * factor),
        int(masks.false_positives),
        int(masks.false_negatives),
        int(masks.pixels) * factor,
    )


@E37.check("same mistakes")
@E37.twin("more by 1/5 always", more=Fraction(1, 5))
def larger_object(*, more: Fraction = Fraction(0)) -> Evidence:
    """With the same number of wrong pixels a larger overlap has the larger D, J, T."""

    def slack(masks: SoftCounts) -> Fraction:
        return min(
            index(_fixed_mistakes(masks, n)) - index(masks) - more
            for index in OVERLAP
            for n in FACTORS
        )

    def some_of_each(masks: SoftCounts) -> bool:
        wrong = masks.false_positives + masks.false_negatives
        return masks.intersection > 0 and wrong > 0

    return enumeration.over_counts(slack, pixels=9, only=some_of_each)


@E37.check("image, soft losses")
@E37.twin("smoothed losses", smooth=1.0)
def magnified_losses(*, smooth: float = 0.0) -> Evidence:
    """Soft Dice, Lovász and CE of an image and of its pixels three times."""
    draws, pixels = 500, 6
    score_key, label_key = jax.random.split(jax.random.key(37))
    logits = samples.draw_logits(score_key, draws, pixels, 1)
    labels = jax.random.randint(label_key, (draws, pixels), 0, 2)

    def losses(logits, labels):
        given = {"labels": labels, "link": links.sigmoid}
        found = [dice_loss(logits, smooth=smooth, **given)]
        found.append(lovasz_loss(logits, classes="all", **given))
        return jnp.stack([*found, cross_entropy_loss(logits, **given)])

    of_all = jax.jit(jax.vmap(losses))
    once = of_all(logits, labels)
    thrice = of_all(jnp.repeat(logits, 3, axis=1), jnp.repeat(labels, 3, axis=1))
    slack = -np.abs(np.asarray(once - thrice)).max(axis=1)
    case = {"logits": logits, "labels": labels}
    return samples.worst_draw(slack, case, tolerance=1e-13)
