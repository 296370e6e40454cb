"""E02-E04: ranges of the similarities, and which are special cases of which."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import sympy

from jaxseg import counts, links
from jaxseg.counts import SoftCounts
from jaxseg.losses import dice_loss, jaccard_loss, tversky_loss
from theory.claim import Claim, Evidence, Verdict
from theory.eelbode import SOURCE
from theory.engines import enumeration, samples, symbolic
from theory.engines.enumeration import for_all, over_masks

E02 = Claim(
    id="E02",
    source=SOURCE,
    where="Eqs. (2)-(6) and the text after them",
    statement="D, J, H, H_gamma and T_ab take values between 0 and 1.",
    assumes=(
        "d >= 1, 0 <= gamma <= 1, alpha, beta > 0. As printed D, J, T are 0/0 for two "
        "empty masks, and H_gamma where y is empty or full: the former are 1 here, and "
        "in the latter the part that has nothing to be wrong about is. Any value in "
        "[0, 1] would do."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "Each is a ratio of counts with the numerator a part of the denominator, or a "
        "weighted mean of two such (H_gamma = gamma TPR + (1 - gamma) TNR). Equal "
        "masks have 1 and complementary ones 0 in all, so [0, 1] is the smallest "
        "interval."
    ),
    values={"least": 0.0, "largest": 1.0},
)

GAMMAS = tuple(map(Fraction, ("0", "1/3", "1/2", "1")))
WEIGHTS = tuple(
    (Fraction(a), Fraction(b)) for a, b in (("1/9", "3"), ("1", "1"), ("7", "1/2"))
)


def similarities(
    masks: SoftCounts, gammas=GAMMAS, weights=WEIGHTS
) -> dict[str, Fraction]:
    """All of Eqs. (2)-(6), by name, exact."""
    found = {
        "D": counts.dice_index(masks),
        "J": counts.jaccard_index(masks),
        "H": counts.hamming_index(masks),
    }
    for gamma in gammas:
        value = counts.weighted_hamming_index(masks, gamma=gamma)
        found[f"H_{gamma}"] = value
    for alpha, beta in weights:
        value = counts.tversky_index(masks, alpha=alpha, beta=beta)
        found[f"T_{alpha}_{beta}"] = value
    return {name: Fraction(value) for name, value in found.items()}


@E02.check("all masks")
@E02.twin("gamma = 2", gammas=(Fraction(2),))
@E02.twin("alpha = -1/2", weights=((Fraction(-1, 2), Fraction(1)),))
@E02.twin("1 less 1e-6", less=Fraction(1, 10**6))
def values_in_unit_interval(
    *, least: int = 1, gammas=GAMMAS, weights=WEIGHTS, less: Fraction = Fraction(0)
) -> Evidence:
    """All values lie in [0, 1 - less] for all masks of d >= `least` pixels."""
    cases = [
        (triple, pixels)
        for pixels in (1, 2, 7)
        for triple in enumeration.confusion_counts(pixels)
        if pixels >= least
    ]

    def slack(case: tuple[tuple[int, int, int], int]) -> Fraction:
        (tp, fp, fn), pixels = case
        masks = enumeration.exact_counts(tp, fp, fn, pixels)
        values = similarities(masks, gammas, weights).values()
        return min(min(value, 1 - less - value) for value in values)

    return enumeration.worst_case(
        cases, slack, describe=lambda c: {"tp_fp_fn": list(c[0]), "pixels": c[1]}
    )


@E02.check("both ends reached")
@E02.twin("0 with one pixel right", false_in_both=0)
@for_all(pixels=(2, 5, 8))
def bounds_are_reached(pixels: int, *, false_in_both: int = 1) -> Fraction:
    """Equal masks have 1 in all; complementary ones have 0 in all."""
    half = pixels // 2
    equal = enumeration.exact_counts(half, 0, 0, pixels)
    rest = pixels - half
    if false_in_both != 1:
        rest -= 1
    opposite = enumeration.exact_counts(0, rest, half, pixels)
    gaps = [1 - value for value in similarities(equal).values()]
    gaps += list(similarities(opposite).values())
    return -max(map(abs, gaps))


# E03

E03 = Claim(
    id="E03",
    source=SOURCE,
    where="Text after Eq. (6)",
    statement="H_gamma generalizes H with equality when gamma = |y| / d.",
    assumes=(
        "gamma belongs to one y: it is another number for an image with another share "
        "of foreground, so no fixed gamma makes H_gamma the similarity H. For an empty "
        "or full y the term 0/0, whose weight is 0 then, is left out."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "gamma |y \\ yt| / |y| = |y \\ yt| / d and likewise for the rest. In general "
        "H_gamma - H = (gamma - |y| / d) (TPR - TNR), so elsewhere they are equal only "
        "where both rates are."
    ),
    values={"gap_at_gamma_1/2_share_1/10_empty_prediction": 1 / 2 - 9 / 10},
)


def true_share(masks: SoftCounts) -> Fraction:
    """|y| / d."""
    return Fraction(masks.actual, masks.pixels)


def predicted_share(masks: SoftCounts) -> Fraction:
    """False: the share of the prediction."""
    return Fraction(masks.predicted, masks.pixels)


@E03.check("all masks")
@E03.twin("gamma = 1/2", gamma=lambda _: Fraction(1, 2))
@E03.twin("gamma = |yt| / d", gamma=predicted_share)
@over_masks(pixels=14)
def equals_hamming(
    masks: SoftCounts, *, gamma: Callable[[SoftCounts], Fraction] = true_share
) -> Fraction:
    """H_gamma = H at that gamma, empty and full masks included."""
    weighted = counts.weighted_hamming_index(masks, gamma=gamma(masks))
    return -abs(Fraction(weighted) - Fraction(counts.hamming_index(masks)))


@E03.check("difference")
@E03.twin("sum of the rates", sign=1)
def difference(*, sign: int = -1) -> Evidence:
    """H_gamma - H = (gamma - |y| / d) (TPR - TNR)."""
    tp, fp, fn, tn, gamma = sympy.symbols("tp fp fn tn gamma", positive=True)
    masks = SoftCounts.of_sets(tp, fp, fn, tp + fp + fn + tn)
    weighted = counts.weighted_hamming_index(masks, gamma=gamma)
    rates = counts.sensitivity_index(masks) + sign * counts.specificity_index(masks)
    product = (gamma - masks.actual / masks.pixels) * rates
    return symbolic.identity(weighted - counts.hamming_index(masks), product)


# E04

E04 = Claim(
    id="E04",
    source=SOURCE,
    where="Text after Eq. (6); soft forms: abstract, III-B, Eqs. (13), (14)",
    statement=(
        "The Tversky index is the Dice score at alpha = beta = 1/2 and the Jaccard "
        "index at alpha = beta = 1; likewise the soft losses."
    ),
    assumes=(
        "Soft Dice is the L1 form, which the paper uses from Sec. IV-A on. The soft "
        "Dice loss printed in Eq. (12) has squared norms and differs from (14) on "
        "every prediction that is not binary and overlaps y."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "2 TP + FP + FN = |y| + |yt| and TP + FP + FN = |y or yt|, of sets and of sums "
        "alike."
    ),
    values={
        "one_pixel_at_1/2_plain": 2 * 0.5 / 1.5,
        "one_pixel_at_1/2_squared": 2 * 0.5 / 1.25,
    },
)


@E04.check("indices")
@E04.twin("alpha = beta = 0.500001", dice_weight="0.500001")
@E04.twin("alpha = beta = 0.999999", jaccard_weight="0.999999")
def equal_indices(*, dice_weight: str = "1/2", jaccard_weight: str = "1") -> Evidence:
    """T_{1/2,1/2} = D and T_{1,1} = J on all hard masks, the empty pair included."""
    half, one = Fraction(dice_weight), Fraction(jaccard_weight)

    def slack(masks: SoftCounts) -> Fraction:
        as_dice = counts.tversky_index(masks, alpha=half, beta=half)
        as_jaccard = counts.tversky_index(masks, alpha=one, beta=one)
        return -max(
            abs(Fraction(as_dice) - Fraction(counts.dice_index(masks))),
            abs(Fraction(as_jaccard) - Fraction(counts.jaccard_index(masks))),
        )

    return enumeration.over_counts(slack, pixels=18)


@E04.check("losses")
@E04.twin("Dice of Eq. (12)", squared=True)
def equal_losses(*, squared: bool = False) -> Evidence:
    """The same of the soft losses, value and gradient, for hard and soft targets.

    With `squared` Dice is Eq. (12) as printed.
    """
    draws, pixels = 1000, 8
    score_key, target_key, kind_key = jax.random.split(jax.random.key(4), 3)
    logits = samples.draw_logits(score_key, draws, pixels, 1)
    targets = jax.random.uniform(target_key, logits.shape)
    hard = jax.random.bernoulli(kind_key, 0.5, (draws, 1, 1))
    targets = jnp.where(hard, jnp.round(targets), targets)
    targets = targets.at[0].set(0.0)

    def gaps(logits: Any, targets: Any) -> Any:
        given = {"labels": targets, "link": links.sigmoid}
        dice = dice_loss(logits, squared=squared, **given)
        dice -= tversky_loss(logits, alpha=0.5, beta=0.5, **given)
        jaccard = jaccard_loss(logits, **given)
        jaccard -= tversky_loss(logits, alpha=1.0, beta=1.0, **given)
        return jnp.stack([dice, jaccard])

    def slack(logits: Any, targets: Any) -> Any:
        values, pull = jax.vjp(lambda z: gaps(z, targets), logits)
        slopes = jax.vmap(pull)(jnp.eye(2))[0]
        return -jnp.maximum(jnp.max(jnp.abs(values)), jnp.max(jnp.abs(slopes)))

    worst = jax.jit(jax.vmap(slack))(logits, targets)
    case = {"logits": logits, "targets": targets}
    return samples.worst_draw(worst, case, tolerance=1e-12)
