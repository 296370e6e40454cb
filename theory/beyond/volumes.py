"""N15: what the sizes of two masks alone say about their overlap."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxseg import counts, links
from jaxseg.counts import SoftCounts
from jaxseg.losses import region
from theory.beyond import SOURCE
from theory.claim import Claim, Evidence, Verdict
from theory.engines import samples
from theory.engines.enumeration import over_masks

N15 = Claim(
    id="N15",
    source=SOURCE,
    where="on Eelbode 2020, Eqs. (2)-(6)",
    statement=(
        "The sizes alone bound the overlap: 1 - D >= ||y| - |yt|| / (|y| + |yt|) and "
        "J <= min(|y|, |yt|) / max(|y|, |yt|)."
    ),
    assumes=(
        "Any masks; where both are empty the bounds are 0 and 1. They hold for soft "
        "masks, too, hard or soft truth, with |y| = sum t and the overlap sum min(p, "
        "t). The squared form has the sharp bound (a - b)^2 / (a^2 + b^2) with a and "
        "b the Euclidean norms, and not that of the sums."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "The overlap is at most min(|y|, |yt|), and every Tversky index rises with it "
        "at fixed sizes: T <= m / (m + a (|yt| - m) + b (|y| - m)), m = min. Equality "
        "if and only if one mask lies in the other. Squared: Cauchy-Schwarz, with "
        "equality for proportional p and t. So a volume that is wrong by the factor q "
        "costs Dice at least (q - 1) / (q + 1), whatever its shape."
    ),
    values=lambda: {
        "dice_loss_at_twice_the_volume": float(volume_gap(Fraction(2), Fraction(1))),
        "jaccard_at_twice_the_volume": 0.5,
        "squared_dice_loss_at_half_certainty": float(1 - 2 * Fraction(1, 2) / (5 / 4)),
        "tversky_0.3_0.7_at_twice_the_volume": 1 / 1.3,
        "volume_ratio_for_dice_0.9": (1 + 0.1) / (1 - 0.1),
    },
)

WEIGHTS = tuple(
    (Fraction(a), Fraction(b))
    for a, b in (("1/2", "1/2"), ("1", "1"), ("3", "1/7"), ("1/10", "9/10"))
)


def best_tversky(
    predicted: Fraction, actual: Fraction, alpha: Fraction, beta: Fraction
) -> Fraction:
    """The largest index that masks of these sizes can have: one lies in the other."""
    common = min(predicted, actual)
    weight = alpha * (predicted - common) + beta * (actual - common)
    return common / (common + weight) if common + weight else Fraction(1)


def volume_gap(predicted: Fraction, actual: Fraction) -> Fraction:
    """||y| - |yt|| / (|y| + |yt|), 0 where both are empty."""
    total = predicted + actual
    return abs(predicted - actual) / total if total else Fraction(0)


@N15.check("all masks")
@N15.twin("less by 1e-6", less=Fraction(1, 10**6))
@over_masks(pixels=16)
def masks_keep_the_bounds(
    masks: SoftCounts, *, less: Fraction = Fraction(0)
) -> Fraction:
    """1 - D >= the volume gap, J <= min / max, T <= `best_tversky`, less `less`."""
    sizes = Fraction(masks.predicted), Fraction(masks.actual)
    dice = Fraction(counts.dice_index(masks))
    jaccard = Fraction(counts.jaccard_index(masks))
    small, large = sorted(sizes)
    ratio = small / large if large else Fraction(1)
    room = [1 - dice - volume_gap(*sizes), ratio - jaccard]
    for alpha, beta in WEIGHTS:
        index = Fraction(counts.tversky_index(masks, alpha=alpha, beta=beta))
        room.append(best_tversky(*sizes, alpha, beta) - index)
    return min(room) - less


@N15.check("nested masks")
@N15.twin("one pixel across", crossing=1)
@over_masks(pixels=16)
def equality_is_nesting(masks: SoftCounts, *, crossing: int = 0) -> Fraction:
    """Equality just where one mask lies in the other.

    `crossing` pixels of the smaller mask that may lie outside the larger one spoil it.
    """
    sizes = Fraction(masks.predicted), Fraction(masks.actual)
    gap = 1 - Fraction(counts.dice_index(masks)) - volume_gap(*sizes)
    nested = min(masks.false_positives, masks.false_negatives) <= crossing
    return -abs(gap) if nested else gap - Fraction(1, 10**6)


@N15.check("losses")
@N15.twin("squared loss", squared=True)
def soft_masks_keep_the_bounds(*, squared: bool = False) -> Evidence:
    """The losses: 1 - D and 1 - J above their bounds, soft p and soft t.

    With `squared` the bound of the sums of p is asked of the squared Dice loss, whose
    own bound is one of the sums of squares.
    """
    probs, targets = _soft_pairs()

    def room(p: Array, t: Array) -> Array:
        sums = jnp.sum(p), jnp.sum(t)
        small, large = jnp.minimum(*sums), jnp.maximum(*sums)
        dice = region.dice_loss(p, t, squared=squared, link=links.identity)
        jaccard = region.jaccard_loss(p, t, link=links.identity)
        gap = (large - small) / (large + small)
        return jnp.minimum(dice - gap, small / large - (1 - jaccard))

    slack = jax.jit(jax.vmap(room))(probs, targets)
    case = {"probs": probs, "targets": targets}
    return samples.worst_draw(slack, case, tolerance=1e-12)


@N15.check("squared")
@N15.twin("sums for norms", norms=False)
def squared_dice_keeps_its_bound(*, norms: bool = True) -> Evidence:
    """Squared Dice: 1 - D2 >= (a - b)^2 / (a^2 + b^2), a and b the norms of p and t.

    Without `norms` a and b are the sums, which is too much to ask.
    """
    probs, targets = _soft_pairs()

    def room(p: Array, t: Array) -> Array:
        a, b = (jnp.sqrt(jnp.sum(x**2)) if norms else jnp.sum(x) for x in (p, t))
        loss = region.dice_loss(p, t, squared=True, link=links.identity)
        return loss - (a - b) ** 2 / (a**2 + b**2)

    slack = jax.jit(jax.vmap(room))(probs, targets)
    case = {"probs": probs, "targets": targets}
    return samples.worst_draw(slack, case, tolerance=1e-12)


def _soft_pairs() -> tuple[Array, Array]:
    """Predictions and soft targets ``[512, 5, 1]``, some of them proportional."""
    rng = np.random.default_rng(15)
    probs, targets = rng.beta(0.5, 0.5, size=(2, 512, 5, 1))
    targets[:128] = probs[:128] * rng.uniform(0.1, 1, size=(128, 1, 1))
    return jnp.asarray(probs), jnp.asarray(targets)
