"""E05: the Jaccard index and the Dice coefficient are functions of each other."""

from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import sympy

from jaxseg import counts, links
from jaxseg.counts import SoftCounts
from jaxseg.losses import dice_loss, jaccard_loss
from theory.claim import Claim, Evidence, Verdict
from theory.eelbode import SOURCE
from theory.engines import samples, symbolic
from theory.engines.enumeration import over_masks

E05 = Claim(
    id="E05",
    source=SOURCE,
    where="Eq. (7)",
    statement="J = D / (2 - D) and D = 2 J / (1 + J).",
    assumes=(
        "Both indices are of the same counts: sets, or soft masks with the same sums "
        "in both. Two empty masks have D = J = 1 by the rule 0/0 = 1, and (7) holds "
        "there. It does not hold between the printed surrogates (12), which has "
        "squared norms, and (13), which has plain ones, nor between means over classes "
        "or images."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "With n = TP and e = FP + FN, D = 2n / (2n + e) and J = n / (n + e). Then 2 - "
        "D = (2n + 2e) / (2n + e), so D / (2 - D) = J; the other half is its inverse. "
        "At n = e = 0 both sides are 1. Soft masks enter through n and e alone."
    ),
    values={
        "jaccard_where_dice_is_1/2": 1 / 3,
        "dice_where_jaccard_is_1/2": 2 / 3,
        "dice_of_two_empty_masks": 1.0,
        "jaccard_of_two_empty_masks": 1.0,
    },
)


def jaccard_of_dice(dice: Any, sign: int = -1) -> Any:
    """The first half of Eq. (7): D / (2 - D)."""
    return dice / (2 + sign * dice)


def dice_of_jaccard(jaccard: Any, sign: int = 1) -> Any:
    """The second half of Eq. (7): 2 J / (1 + J)."""
    return 2 * jaccard / (1 + sign * jaccard)


@E05.check("exact")
@E05.twin("sign flipped in 2 - D", sign=1)
@over_masks(pixels=24)
def exact_identity(masks: SoftCounts, *, sign: int = -1) -> Fraction:
    """Both halves on all hard masks, the empty pair and its value 1 included."""
    dice = Fraction(counts.dice_index(masks))
    jaccard = Fraction(counts.jaccard_index(masks))
    gaps = [jaccard - jaccard_of_dice(dice, sign), dice - dice_of_jaccard(jaccard)]
    if masks.predicted + masks.actual == 0:
        gaps.append(dice - 1)
    return -max(map(abs, gaps))


@E05.check("algebra")
@E05.twin("sign flipped in 1 + J", sign=-1)
def algebraic_identity(*, sign: int = 1) -> Evidence:
    """Both halves as rational functions of TP, FP and FN."""
    masks = SoftCounts.of_sets(*sympy.symbols("tp fp fn pixels", positive=True))
    dice, jaccard = counts.dice_index(masks), counts.jaccard_index(masks)
    pairs = [(jaccard, jaccard_of_dice(dice)), (dice, dice_of_jaccard(jaccard, sign))]
    return symbolic.identities(pairs)


@E05.check("losses")
@E05.twin("Eq. (12) beside Eq. (13)", squared=True)
@E05.twin("between means over classes", classes=3)
def loss_identity(*, squared: bool = False, classes: int = 1) -> Evidence:
    """Eq. (7) between the soft losses, for soft and for hard targets, in floats.

    With `squared` the Dice loss is the printed Eq. (12) beside the Jaccard loss of
    Eq. (13); with several classes both losses are means over them.
    """
    draws, pixels = 2000, 8
    score_key, target_key, kind_key = jax.random.split(jax.random.key(5), 3)
    logits = samples.draw_logits(score_key, draws, pixels, classes)
    targets = jax.random.uniform(target_key, logits.shape)
    hard = jax.random.bernoulli(kind_key, 0.5, (draws, 1, 1))
    targets = jnp.where(hard, jnp.round(targets), targets)
    # the first draw is empty in target and prediction: 0/0, twice
    logits, targets = logits.at[0].set(-1e4), targets.at[0].set(0.0)

    def gap(logits, targets):
        dice = 1 - dice_loss(logits, targets, link=links.sigmoid, squared=squared)
        jaccard = 1 - jaccard_loss(logits, targets, link=links.sigmoid)
        return jnp.abs(jaccard - jaccard_of_dice(dice))

    slack = -jax.jit(jax.vmap(gap))(logits, targets)
    case = {"logits": logits, "targets": targets}
    return samples.worst_draw(slack, case, tolerance=1e-12)
