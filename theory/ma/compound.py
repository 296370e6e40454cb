"""M31, M33, M35: sums of losses, the two ways to pool a batch, and a schedule."""

import functools
import itertools
from fractions import Fraction
from typing import Any

import jax.numpy as jnp
from jax import Array

from jaxseg import counts
from jaxseg.losses import (
    boundary_loss,
    cross_entropy_loss,
    dice_ce_loss,
    dice_focal_loss,
    dice_loss,
    dice_topk_loss,
    focal_loss,
    linear,
    per_image,
    topk_loss,
)
from jaxseg.losses.recipes import dice_bd
from theory.claim import Claim, Evidence, Verdict
from theory.engines import enumeration, examples, residuals
from theory.ma import SOURCE

FOREGROUND: Any = (0.0, 1.0)

# M31

M31 = Claim(
    id="M31",
    source=SOURCE,
    where="Section 2.4, Eqs. (22), (24), (25)",
    statement=(
        "Compound losses are (weighted) sums: L_DiceCE = L_CE + L_Dice, L_DiceFocal = "
        "L_Dice + L_Focal, L_DiceTopK = L_Dice + L_TopK."
    ),
    assumes="Weights 1, as printed; jaxseg's Dice loss is the mean over classes, M08.",
    verdict=Verdict.HOLDS,
    proof=(
        "By definition. The gradient is the sum of the gradients, and as each part is "
        "smallest at the truth, with value 0, so is the sum. With (25) and TopK's 1/N "
        "the second part is at most k% of what it would be as a mean over the kept, "
        "M04: the printed sum leans to Dice."
    ),
    values={"at_truth": 0.0},
)


@M31.check("sums")
@M31.twin("weight 1 + 1e-6", ce=1 + 1e-6)
def recipes_are_sums(*, ce: float = 1.0) -> Evidence:
    """The Dice + CE, + focal and + TopK against their parts, with gradient."""

    def residual(logits: Array, labels: Array) -> Array:
        dice = dice_loss(logits, labels)
        gaps = (
            dice_ce_loss(logits, labels, ce=ce)
            - (dice + cross_entropy_loss(logits, labels)),
            dice_focal_loss(logits, labels) - (dice + focal_loss(logits, labels)),
            dice_topk_loss(logits, labels) - (dice + topk_loss(logits, labels)),
        )
        # weights without a common measure: gaps cannot cancel by accident
        return gaps[0] + 2**0.5 * gaps[1] + 3**0.5 * gaps[2]

    return residuals.vanishing(residual, *residuals.images(3, seed=31))


@M31.check("zero at the truth")
@M31.twin("unsure of the truth", score=5.0)
def zero_at_truth(*, score: float = 40.0) -> Evidence:
    """Two are 0, to rounding, where the truth's score is far above all others."""
    labels = jnp.array([0, 1, 2, 1, 0, 2])
    logits = score * jnp.eye(3)[labels]
    found = {
        "Dice + CE": float(dice_ce_loss(logits, labels)),
        "Dice + focal": float(dice_focal_loss(logits, labels)),
    }
    return examples.agree(found, dict.fromkeys(found, 0.0), tolerance=1e-12)


# M33

M33 = Claim(
    id="M33",
    source=SOURCE,
    where="Section 4.3",
    statement=(
        "Sample Dice is the mean of the Dice losses of the images of a batch; batch "
        "Dice is the Dice loss of the batch as one pseudo-volume."
    ),
    assumes="One class. An image without foreground in G and S has Dice 1 by rule.",
    verdict=Verdict.HOLDS,
    proof=(
        "Two definitions; they differ. Batch Dice is sum 2 TP_i / sum V_i with V_i = "
        "|G_i| + |S_i|, so the mean of the images' Dice with weights V_i: they agree "
        "for one image, or equal V_i, or equal Dice. An image that is empty in both "
        "masks has weight 0 in the one and is a full 1 in the other. Either may be "
        "larger, and with one large image and many small ones they come as near to 0 "
        "and 1 as one likes."
    ),
    values={
        "batch_dice_large_found_small_missed": 200 / 201,
        "sample_dice_large_found_small_missed": 0.5,
        "batch_dice_large_missed_small_found": 2 / 102,
    },
)


def _triples(pixels: int) -> list[tuple[int, int, int]]:
    return list(enumeration.confusion_counts(pixels))


@M33.check("weights")
@M33.twin("equal weights", equal=True)
def weighted_by_volume(*, equal: bool = False, pixels: int = 5) -> Evidence:
    """Batch Dice is the mean of the images' Dice with weights |G| + |S|."""

    def slack(case: tuple[tuple[int, int, int], ...]) -> Fraction:
        masks = [enumeration.exact_counts(*t, pixels) for t in case]
        volumes = [m.predicted + m.actual for m in masks]
        scores = [Fraction(counts.dice_index(m)) for m in masks]
        if sum(volumes) == 0:
            return Fraction(0)
        weights = [Fraction(1)] * 2 if equal else volumes
        mean = sum(w * d for w, d in zip(weights, scores, strict=True))
        mean = mean / sum(weights, Fraction(0))
        return -abs(Fraction(counts.dice_index(masks[0] + masks[1])) - mean)

    return enumeration.worst_case(
        itertools.product(_triples(pixels), repeat=2),
        slack,
        describe=lambda case: {"tp, fp, fn of each": case},
    )


@M33.check("losses")
@M33.twin("equal weights, losses", equal=True)
def two_losses(*, equal: bool = False) -> Evidence:
    """The same of jaxseg's soft losses: plain call and `per_image`, two images each."""

    def residual(logits: Array, labels: Array) -> Array:
        logits, labels = logits.reshape(2, 3, 2), labels.reshape(2, 3)
        options: dict[str, Any] = {"class_weights": FOREGROUND}
        batch = dice_loss(logits, labels, **options)
        apart = [
            dice_loss(*pair, **options) for pair in zip(logits, labels, strict=True)
        ]
        volumes = [
            jnp.sum(1 / (1 + jnp.exp(z[:, 0] - z[:, 1]))) + jnp.sum(t)
            for z, t in zip(logits, labels, strict=True)
        ]
        if equal:
            volumes = [1.0, 1.0]
        first, second = volumes
        pooled = (first * apart[0] + second * apart[1]) / (first + second)
        sample = per_image(dice_loss)(logits, labels, class_weights=FOREGROUND)
        return batch - pooled + 2**0.5 * (sample - (apart[0] + apart[1]) / 2)

    # a score of each sign in each image keeps every volume away from 0
    logits, labels = residuals.images(2, seed=33)
    return residuals.vanishing(residual, jnp.clip(logits, -9, 9), labels)


@M33.check("by hand")
@M33.twin("both one half", batch=Fraction(1, 2))
def far_apart(*, batch: Fraction = Fraction(200, 201)) -> Evidence:
    """An object of 100 pixels in one image, one of 1 pixel in another, by hand.

    One large found and one small missed: batch 200/201, sample 1/2. One large missed
    and one small found: batch 2/102, sample 1/2.
    """
    large, missed_small = (100, 0, 0), (0, 0, 1)
    missed_large, small = (0, 0, 100), (1, 0, 0)

    def both(*triples: tuple[int, int, int]) -> tuple[Fraction, Fraction]:
        masks = [enumeration.exact_counts(*t, 100) for t in triples]
        total = sum((Fraction(counts.dice_index(m)) for m in masks), Fraction(0))
        sample = total / len(masks)
        return Fraction(counts.dice_index(masks[0] + masks[1])), sample

    first, second = both(large, missed_small), both(missed_large, small)
    found = {"batch": first[0], "sample": first[1], "second batch": second[0]}
    hand = {"batch": batch, "sample": Fraction(1, 2), "second batch": Fraction(2, 102)}
    return examples.agree(found, hand)


# M35

M35 = Claim(
    id="M35",
    source=SOURCE,
    where="Section 3.2, weights of the boundary loss",
    statement=(
        "L = alpha L_Dice + beta L_BD with beta = 1 - alpha; alpha is 1 initially and "
        "decreases by 0.01 after each epoch until it reaches 0.01."
    ),
    assumes=(
        "Numbers are exact: in binary floats 99 steps of 0.01 from 1 end 8e-16 below "
        "0.01. The first epoch has beta = 0, which the text's beta > 0 forbids."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "alpha = max(1 - e/100, 1/100) after e epochs: 1/100 from the 99th on, where "
        "the Dice loss keeps a hundredth of the weight, and beta is 99/100 for good."
    ),
    values=lambda: {
        "alpha_at_epoch_0": 1.0,
        "alpha_at_epoch_50": float(dice_weight(50)),
        "alpha_at_epoch_99": float(dice_weight(99)),
        "alpha_at_epoch_500": float(dice_weight(500)),
        "alpha_by_repeated_float_steps": functools.reduce(
            lambda alpha, _: alpha - 0.01, range(99), 1.0
        ),
    },
)


def dice_weight(epoch: int) -> Fraction:
    """The alpha after so many epochs: 1 less 1/100 for each, no less than 1/100."""
    return max(1 - Fraction(epoch, 100), Fraction(1, 100))


@M35.check("schedule")
@M35.twin("down to 0", last=0.0)
def schedule(*, last: float = 0.01) -> Evidence:
    """The straight line over the first 99 epochs, then flat, is alpha."""
    line = linear(1.0, last)
    found = {f"epoch {e}": float(jnp.asarray(line(e / 99))) for e in range(121)}
    hand = {f"epoch {e}": float(dice_weight(e)) for e in range(121)}
    return examples.agree(found, hand, tolerance=1e-12)


@M35.check("reached")
@M35.twin("after 100 epochs", epochs=100)
def epochs_until(*, epochs: int = 99) -> Evidence:
    """The first alpha of 1/100 is that after 99 epochs; beta goes from 0 to 99/100."""
    first = next(e for e in range(200) if dice_weight(e) == Fraction(1, 100))
    found = {
        "first epoch at 1/100": first,
        "beta at the start": 1 - dice_weight(0),
        "beta at the end": 1 - dice_weight(10**4),
    }
    hand = {
        "first epoch at 1/100": epochs,
        "beta at the start": Fraction(0),
        "beta at the end": Fraction(99, 100),
    }
    return examples.agree(found, hand)


@M35.check("recipe")
@M35.twin("alpha and beta", swap=True)
def recipe_hands_over(*, swap: bool = False) -> Evidence:
    """The recipe is alpha Dice + (1 - alpha) BD; half way alpha is 0.505."""
    logits = jnp.array([[1.0, -0.5], [0.2, 0.3], [-2.0, 1.0], [0.4, 0.1]])[None]
    labels = jnp.array([0, 1, 1, 0])[None]
    dice = float(dice_loss(logits, labels))
    distances = float(per_image(boundary_loss)(logits, labels))
    found, hand = {}, {}
    for progress, alpha in ((0.0, 1.0), (0.5, 0.505), (1.0, 0.01)):
        name = f"progress {progress}"
        found[name] = float(dice_bd()(progress)(logits, labels))
        alpha = 1 - alpha if swap else alpha
        hand[name] = alpha * dice + (1 - alpha) * distances
    return examples.agree(found, hand, tolerance=1e-12)
