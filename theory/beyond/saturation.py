"""N25: what a confidently wrong foreground pixel still teaches."""

import jax
import jax.numpy as jnp
import numpy as np
import sympy
from jax import Array

from jaxseg import links
from jaxseg.losses import cross_entropy_loss, dice_loss, log_dice_loss
from theory.beyond import SOURCE
from theory.claim import Claim, Evidence, Verdict
from theory.engines import samples, symbolic

N25 = Claim(
    id="N25",
    source=SOURCE,
    where="on Galdran 2022, Eqs. (2) and (5)",
    statement=(
        "On a confidently wrong foreground pixel, p to 0, the slope of cross-entropy "
        "in its score tends to -1, that of the soft Dice loss, p (1 - p)(D - 2)/(Y + "
        "P), to 0."
    ),
    assumes=(
        "Sigmoid, cross-entropy summed over pixels (the mean has -1/N), L1 soft Dice "
        "of the foreground, Y > 0."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "dD/dp = (2 - D)/(Y + P) and dp/dz = p (1 - p) = exp(z) (1 + O(exp z)); "
        "cross-entropy's 1/p cancels p. So plain Dice cannot find again what is lost "
        "with certainty. -log Dice has the slope divided by D: it stays alive, about "
        "-1/Y, only if D falls with p, that is if all of the foreground is missed."
    ),
    values={
        # one foreground pixel of one, p = 1/2: D = 2/3
        "ce_slope_at_p_1/2": -0.5,
        "dice_slope_at_p_1/2": 0.25 * (2 / 3 - 2) / 1.5,
        "dice_slope_at_p_0.01": 0.01 * 0.99 * (0.02 / 1.01 - 2) / 1.01,
    },
)

TRUTH = np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0])
SCORES = np.arange(0.0, -61.0, -2.0)
"""Of the first pixel; the others are at the scores below."""
OTHERS = np.array([2.0, 1.0, -1.0, -2.0, 0.5, -3.0, -1.0])


@jax.jit
@jax.vmap
def _slopes(scores: Array) -> dict[str, Array]:
    """Slope of each loss in the scores, and Dice."""
    truth = jnp.array(TRUTH)[:, None]
    losses = {"ce": cross_entropy_loss, "dice": dice_loss, "log dice": log_dice_loss}
    found = {
        name: jax.grad(lambda z, f=f: f(z[:, None], truth, link=links.sigmoid))(scores)
        for name, f in losses.items()
    }
    return found | {"index": 1 - dice_loss(scores[:, None], truth, link=links.sigmoid)}


def _found(*, alone: bool = False) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Probabilities and slopes; with `alone` all foreground pixels are that wrong."""
    rest = np.broadcast_to(OTHERS, (len(SCORES), 7)).copy()
    if alone:
        rest[:, :2] = SCORES[:, None]
    scores = np.concatenate([SCORES[:, None], rest], axis=1)
    found = {k: np.asarray(v) for k, v in _slopes(jnp.array(scores)).items()}
    return 1 / (1 + np.exp(-scores)), found


@N25.check("formulas")
@N25.twin("D - 1", two=1.0)
def formulas(*, two: float = 2.0) -> Evidence:
    """CE's slope is (p - 1)/N, Dice's p (1 - p)(D - 2)/(Y + P), to rounding."""
    p, found = _found()
    first, total = p[:, 0], TRUTH.sum() + p.sum(axis=1)
    gaps = [
        found["ce"][:, 0] - (first - 1) / len(TRUTH),
        found["dice"][:, 0] - first * (1 - first) * (found["index"] - two) / total,
    ]
    slack = -np.abs(gaps).max(axis=0)
    return samples.worst_draw(slack, {"score": SCORES}, tolerance=1e-14)


@N25.check("limits")
@N25.twin("Dice to -1e-6", dice=-1e-6)
def limits(*, dice: float = 0.0) -> Evidence:
    """N times CE's slope is within exp(z) of -1, Dice's within exp(z) of 0."""
    _, found = _found()
    error = np.abs(
        [found["ce"][:, 0] * len(TRUTH) + 1, found["dice"][:, 0] - dice]
    ).max(axis=0)
    return samples.worst_draw(
        np.exp(SCORES) - error, {"score": SCORES}, tolerance=1e-14
    )


@N25.check("log-Dice")
@N25.twin("log-Dice, others found", alone=False)
def log_dice_too(*, alone: bool = True) -> Evidence:
    """-log Dice keeps pulling where all foreground is missed, else it dies as well.

    All three are alike and D is 0: slope -(1 - p)/3 + p (1 - p)/(Y + P), about -1/3.
    """
    p, found = _found(alone=alone)
    first, total = p[:, 0], TRUTH.sum() + p.sum(axis=1)
    by_hand = -(1 - first) / 3 + first * (1 - first) / total
    slack = -np.abs(found["log dice"][:, 0] - by_hand)
    return samples.worst_draw(slack, {"score": SCORES}, tolerance=1e-13)


@N25.check("algebra")
@N25.twin("sign flipped", sign=-1)
def slopes_in_algebra(*, sign: int = 1) -> Evidence:
    """d(1 - D)/dz = p (1 - p)(D - 2)/(Y + P) for a foreground pixel; other hits h."""
    z, h, y, rest = sympy.symbols("z h y rest", positive=True)
    p = 1 / (1 + sympy.exp(-z))
    dice = 2 * (h + p) / (y + rest + p)
    by_hand = sign * p * (1 - p) * (dice - 2) / (y + rest + p)
    return symbolic.identity(sympy.diff(1 - dice, z), by_hand)
