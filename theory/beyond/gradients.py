"""N04: the slopes of the overlap indices in the prediction."""

from typing import Any

import jax
import jax.numpy as jnp
import sympy
from jax import Array

from jaxseg import counts
from jaxseg.counts import SoftCounts
from jaxseg.losses import dice_loss, jaccard_loss, tversky_loss
from theory.beyond import SOURCE
from theory.claim import Claim, Evidence, Verdict
from theory.engines import residuals, symbolic

N04 = Claim(
    id="N04",
    source=SOURCE,
    where="on Eelbode 2020, Eqs. (12)-(14)",
    statement=(
        "dD/dp_i = (2 y_i - D) / (Y + P); dJ/dp_i = (y_i (1 + J) - J) / (Y + P - s); "
        "dT/dp_i = (y_i (1 - (1 - alpha - beta) T) - alpha T) / Q; dD_L2/dp_i = 2 (y_i "
        "- D_L2 p_i) / (Y + |p|^2); sum_i p_i dD/dp_i = D Y / (Y + P). The Dice loss "
        "is a per-pixel cost-sensitive loss with weights FN : FP = (2 - D) : D."
    ),
    assumes=(
        "Hard y with sum Y, p in [0, 1] with sum P, s = sum p y, Q = s + alpha (P - s) "
        "+ beta (Y - s); not Y = P = 0. Cost-sensitive is meant of the gradient: D in "
        "the weights is that of the present prediction. For soft y the identities are "
        "those of s = sum p y; jaxseg's s = sum min(p, y) has a kink at p = y."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "Quotient rule: with D = N / V, dD = (dN - D dV) / V, and every N and V is "
        "linear or quadratic in p. The loss falls by (2 - D) / (Y + P) per unit of p "
        "on the object and rises by D / (Y + P) elsewhere, which is the gradient of (2 "
        "- D) sum y (1 - p) + D sum (1 - y) p over Y + P. With Y = 0 < P all slopes of "
        "D, J and T vanish; at Y = P = 0 they do not exist (jaxseg: 0)."
    ),
    values={
        "missed_to_false_at_dice_1/2": 3.0,
        "missed_to_false_at_dice_1/10": 19.0,
        "slope_at_truth_of_10_inside": (2 - 1) / 20,
        "slope_at_truth_of_10_outside": -1 / 20,
    },
)

FOREGROUND: Any = (0.0, 1.0)
ALPHA, BETA = 0.3, 0.8


def _identities(*, dice_sign: int = 1) -> list[tuple[sympy.Expr, sympy.Expr]]:
    """Derivative and stated form, per index, of a true and of a false pixel."""
    p, q, rest, hits, alpha, beta = sympy.symbols("p q r h alpha beta", positive=True)
    truth, squares = sympy.symbols("Y n", positive=True)
    # pixel p is of the class, q is not; the others sum to h inside and r outside
    s, total = p + hits, p + q + hits + rest
    masks = SoftCounts(
        intersection=s,
        inner=s,
        predicted=total,
        actual=truth,
        predicted_squares=p**2 + q**2 + squares,
        actual_squares=truth,
        pixels=sympy.Integer(1),
    )
    dice, jaccard = counts.dice_index(masks), counts.jaccard_index(masks)
    tversky = counts.tversky_index(masks, alpha=alpha, beta=beta)
    square = counts.dice_index(masks, squared=True)
    below = s + alpha * (total - s) + beta * (truth - s)
    norm = truth + masks.predicted_squares
    pairs = []
    for x, y in ((p, 1), (q, 0)):
        stated = (
            (dice, (2 * y - dice_sign * dice) / (truth + total)),
            (jaccard, (y * (1 + jaccard) - jaccard) / (truth + total - s)),
            (
                tversky,
                (y * (1 - (1 - alpha - beta) * tversky) - alpha * tversky) / below,
            ),
            (square, 2 * (y - square * x) / norm),
        )
        pairs += [(sympy.diff(index, x), form) for index, form in stated]
    return pairs


@N04.check("algebra")
@N04.twin("2 y + D", dice_sign=-1)
def algebra(*, dice_sign: int = 1) -> Evidence:
    """All four identities, inside and outside of the class."""
    return symbolic.identities(_identities(dice_sign=dice_sign))


@N04.check("along the prediction")
@N04.twin("twice D Y / (Y + P)", factor=2)
def euler(*, factor: int = 1) -> Evidence:
    """Sum p_i dD / dp_i = D Y / (Y + P): the slope along the prediction itself."""
    s, total, truth, scale = sympy.symbols("s P Y t", positive=True)
    masks = SoftCounts.of_sets(scale * s, scale * (total - s), truth - scale * s, 1)
    slope: Any = sympy.diff(counts.dice_index(masks), scale)
    along = slope.subs(scale, 1)
    dice = 2 * s / (truth + total)
    return symbolic.identity(along, factor * dice * truth / (truth + total))


@N04.check("losses")
@N04.twin("alpha more by 1e-6", alpha=ALPHA + 1e-6)
def losses_have_the_tangents(*, alpha: float = ALPHA) -> Evidence:
    """The losses against their stated tangents, which autodiff must match."""

    def residual(logits: Array, labels: Array) -> Array:
        probs = jax.nn.softmax(logits)[:, 1]
        frozen = jax.lax.stop_gradient(probs)
        y, truth, total = labels, jnp.sum(labels), jnp.sum(frozen)
        hits = jnp.sum(frozen * y)
        options: dict[str, Any] = {"class_weights": FOREGROUND}
        indices = (
            1 - dice_loss(logits, labels, **options),
            1 - jaccard_loss(logits, labels, **options),
            1 - tversky_loss(logits, labels, alpha=ALPHA, beta=BETA, **options),
            1 - dice_loss(logits, labels, squared=True, **options),
        )
        dice, jaccard, tversky, square = map(jax.lax.stop_gradient, indices)
        below = hits + ALPHA * (total - hits) + BETA * (truth - hits)
        slopes = (
            (2 * y - dice) / (truth + total),
            (y * (1 + jaccard) - jaccard) / (truth + total - hits),
            (y * (1 - (1 - ALPHA - BETA) * tversky) - alpha * tversky) / below,
            2 * (y - square * frozen) / (truth + jnp.sum(frozen**2)),
        )
        gaps = [
            index - jax.lax.stop_gradient(index) - jnp.sum(slope * (probs - frozen))
            for index, slope in zip(indices, slopes, strict=True)
        ]
        # factors without a common measure: gaps cannot cancel by accident
        return gaps[0] + 2**0.5 * gaps[1] + 3**0.5 * gaps[2] + 5**0.5 * gaps[3]

    return residuals.vanishing(residual, *residuals.images(2, seed=104))
